"""Summaries and pages in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Page, Table
from xlbench.output import clean
from xlbench.reporting.parts import view
from xlbench.reporting.parts.table import in_terminal as table_in_terminal
from xlbench.reporting.summary_lines import HARMS, HELPS, UNCLEAR, WIDTH, lines, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.text import Text

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


def terminal(pages: Sequence[Page], *, short: bool = False) -> list[RenderableType]:
    """What to print with rich, in order; `short` is the answer of each page alone, with its first table,
    or the summary of a page that has no answer; with its checks' outcomes.

    All texts are plain: no markup or escape in them has any effect.
    """
    return [piece for page in pages for piece in (_short(page) if short else _page(page))]


def _short(page: Page) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from _head(page)
    if page.answer and page.parts and isinstance(first := page.parts[0], Table):
        yield table_in_terminal(first, bare=True)
    for line in page.answer or page.summary:
        yield Text(clean(line))
    for check in page.checks:
        if check.outcome == "fail":
            yield Text(clean(f"Check failed: {check.name}. {check.then}"), style=_OUTCOMES["fail"])
    for outcome, word in (("not measured", "not measured"), ("pass", "passed")):
        if named := [x.name for x in page.checks if x.outcome == outcome]:
            yield Text(clean(f"Checks {word}: {'; '.join(named)}."))


def _page(page: Page) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from _head(page)
    for line in page.answer:
        yield Text(clean(line))
    for check in page.checks:
        yield Text(clean(f"{check.name}: {check.outcome}. {check.text}"), style=_OUTCOMES[check.outcome])
    for line in page.summary:
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
