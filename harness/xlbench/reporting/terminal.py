"""Summaries and pages in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.output import clean
from xlbench.reporting.parts import view
from xlbench.reporting.summary_lines import HARMS, HELPS, UNCLEAR, WIDTH, lines, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from xlbench.contracts import Page
    from xlbench.reporting.summary import Summary

MARKS = {HELPS: "bold blue", HARMS: "bold red", UNCLEAR: "bold"}
"""Colours of the marks of verdicts: those of the pictures."""
_ROLES = {"title": "bold", "warning": "yellow", "check failed": "bold yellow"}
_OUTCOMES = {"pass": "", "fail": "bold yellow", "not measured": "dim"}


def in_terminal(summary: Summary, width: int = WIDTH) -> list[Text]:
    """A summary in at most ten lines, to print with rich as they are: commands and paths may be longer than
    `width`.
    """
    from rich.text import Text

    found = []
    for label, line in padded(lines(summary, width)):
        text = Text.assemble((label, "dim"), (line.text, _ROLES.get(line.role, "")), overflow="ignore")
        text.no_wrap = True
        for mark, style in MARKS.items():
            text.highlight_words([mark], style)
        found.append(text)
    return found


def terminal(pages: Sequence[Page], *, tables_only: bool = False) -> list[RenderableType]:
    """What to print of pages with rich, in order; `tables_only` without what they say. All texts are plain:
    no markup or escape in them has any effect.
    """
    return [piece for page in pages for piece in _page(page, tables_only)]


def _page(page: Page, tables_only: bool) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from _head(page)
    for line in () if tables_only else page.answer:
        yield Text(clean(line))
    for check in () if tables_only else page.checks:
        yield Text(clean(f"{check.name}: {check.outcome}. {check.text}"), style=_OUTCOMES[check.outcome])
    for line in () if tables_only else page.summary:
        yield Text(clean(line))
    for part in page.parts:
        yield Text("")
        yield from view(part).terminal()


def _head(page: Page) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    yield Padding(Text(clean(page.title), style="bold underline"), (1, 0, 0, 0))
    for line in page.warnings:
        yield Text(clean(f"Warning: {line}"), style="bold yellow")
