"""Summaries and pages as markdown."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from xlbench.contracts import Matrix, Table
from xlbench.output import clean
from xlbench.reporting.parts import view
from xlbench.reporting.summary_lines import lines
from xlbench.reporting.text import escape, fenced

_WIDE = 160
"""Columns of a line of a summary, which a browser breaks where it likes."""

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from xlbench.contracts import Page, Part
    from xlbench.reporting.provenance import Provenance
    from xlbench.reporting.summary import Summary


def in_markdown(summary: Summary) -> str:
    """A summary: its title, and a list of its lines; commands and files are left to the page around it."""
    shown = [x for x in lines(summary, _WIDE) if x.role not in ("next step", "files")]
    label, blocks = "", []
    for line in shown:
        label = line.label or label
        text = escape(line.text)
        blocks.append(f"**{text}**\n" if line.role == "title" else f"- **{escape(label)}**: {text}")
    return "\n".join(blocks)


def markdown(
    page: Page, provenance: Provenance, pictures: Mapping[int, Sequence[str]], found: Summary | None = None
) -> str:
    """The whole page, in GitHub's dialect: what was found, then rankings, the first matrix, checks and
    controls; all else is folded, provenance last. `pictures` has relative addresses by place of a part, those
    of one picture in several forms together; `found` is the page's summary.
    """
    leading = in_markdown(found) if found is not None and page.headlines else ""
    answer = "  \n".join(escape(line) for line in page.answer)
    said = "\n".join(f"- {escape(line)}" for line in page.summary)
    blocks = [
        f"# {escape(f'{page.title} ({provenance.model})')}",
        "\n".join(f"> **Warning.** {escape(line)}\n" for line in page.warnings).strip(),
        leading or answer or said,
    ]
    places = _leading(page.parts)
    for role in ("ranking", "matrix", "checks", "control"):
        if role == "checks" and page.checks:
            checks = (f"- **{escape(x.name)}: {x.outcome}.** {escape(x.text)}" for x in page.checks)
            blocks += ["## Checks", "\n".join(checks)]
        for place, own in places.items():
            if own == role:
                blocks += [f"## {escape(page.parts[place].title)}", *_part(page, place, pictures)]
    if words := [x for x in (answer, said) if x and x not in blocks]:
        blocks += _folded("In words", words)
    for place, part in enumerate(page.parts):
        if place not in places:
            blocks += _folded(part.title, _part(page, place, pictures))
    blocks += _folded("Provenance", _provenance(provenance))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _leading(parts: Sequence[Part]) -> dict[int, str]:
    """Places of the parts that stand open, with what each is; the first part where none is such."""
    matrix = next((i for i, x in enumerate(parts) if isinstance(x, Matrix)), None)
    found = {} if matrix is None else {matrix: "matrix"}
    for i, part in enumerate(parts):
        if isinstance(part, Table) and (part.drawn or part.leads):
            found[i] = "ranking" if part.drawn else "control"
    return found or ({0: "ranking"} if parts else {})


def _part(page: Page, place: int, pictures: Mapping[int, Sequence[str]]) -> Iterator[str]:
    if place in pictures:
        shown, *others = pictures[place]
        picture = f"![{escape(page.parts[place].title)}]({shown})"
        links = ", ".join(f"[{x.rpartition('.')[2].upper()}]({x})" for x in others)
        yield f"{picture}  \nThe picture as {links}" if links else picture
    yield from view(page.parts[place]).markdown()


def _folded(title: str, blocks: Iterable[str]) -> Iterator[str]:
    """Blocks that a reader opens; within the line of its title a code host reads HTML alone."""
    yield f"<details>\n<summary>{html.escape(clean(title))}</summary>"
    yield from blocks
    yield "</details>"


def _provenance(provenance: Provenance) -> Iterator[str]:
    yield "The command that makes these results:"
    yield fenced(provenance.command, "sh")
    yield "\n".join(f"- {escape(name)}: {escape(text)}" for name, text in provenance.facts)
    if provenance.study:
        yield "The study, with all defaults filled in:"
        yield fenced(provenance.study, "toml")
