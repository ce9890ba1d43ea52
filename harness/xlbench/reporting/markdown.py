"""A page as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Curves, Matrix, Number, Page, Table
from xlbench.reporting.text import CLEAR, brief, clear, escape, fenced, gaps, notes, numeric, shown

if TYPE_CHECKING:
    from xlbench.contracts import Value
    from xlbench.reporting.provenance import Provenance


def markdown(page: Page, provenance: Provenance, pictures: Mapping[int, str]) -> str:
    """The whole page, in GitHub's dialect; `pictures` has a relative address by place of a part."""
    blocks = [
        f"# {escape(f'{page.title} ({provenance.model})')}",
        "\n".join(f"> **Warning.** {escape(line)}\n" for line in page.warnings).strip(),
        "  \n".join(escape(line) for line in page.answer),
        "\n".join(f"- **{escape(x.name)}: {x.outcome}.** {escape(x.text)}" for x in page.checks),
        "<!-- -->" if page.checks else "",
        "\n".join(f"- {escape(line)}" for line in page.summary),
    ]
    for place, part in enumerate(page.parts):
        blocks.append(f"## {escape(part.title)}")
        if place in pictures:
            blocks.append(f"![{escape(part.title)}]({pictures[place]})")
        if isinstance(part, Matrix):
            blocks += _matrix(part)
        else:
            blocks += _table(part.table() if isinstance(part, Curves) else part)
    blocks.append("## Provenance")
    blocks += _provenance(provenance)
    return "\n\n".join(block for block in blocks if block) + "\n"


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of texts that are markdown already."""
    from tabulate import tabulate

    return tabulate(
        rows,
        headers=columns,
        tablefmt="github",
        disable_numparse=True,
        colalign=["right" if x else "left" for x in right] if rows else None,
    )


def _table(table: Table) -> Iterator[str]:
    right = [numeric(row[i] for row in table.rows) for i in range(len(table.columns))]
    rows = [[_cell(value) for value in row] for row in table.rows]
    yield grid([escape(name) for name in table.columns], rows, right)
    yield from (escape(note) for note in notes(table))


def _matrix(matrix: Matrix) -> Iterator[str]:
    corner = f"{matrix.row_title} \\ {matrix.column_title.lower()}"
    rows = [
        [escape(name), *(_value(matrix, number) for number in line)]
        for name, line in zip(matrix.rows, matrix.cells, strict=True)
    ]
    heads = [escape(corner), *map(escape, matrix.columns)]
    yield grid(heads, rows, [False, *(True for _ in matrix.columns)])
    note = f"{matrix.unit[:1].upper()}{matrix.unit[1:]}. {matrix.note}"
    if any(clear(number) for row in matrix.cells for number in row):
        note = f"{note} {CLEAR[0].upper()}{CLEAR[1:]}."
    yield from (escape(x) for x in (note, gaps(number for row in matrix.cells for number in row)) if x)


def _cell(value: Value | Number) -> str:
    """Text is escaped; an interval's brackets are not, for nothing in a number can be a link."""
    return escape(value) if isinstance(value, str) else shown(value)


def _value(matrix: Matrix, number: Number) -> str:
    """The value without its interval, which a matrix has no room for; bold where it helps or harms."""
    text = brief(matrix, number)
    return f"**{text}**" if clear(number) else text


def _provenance(provenance: Provenance) -> Iterator[str]:
    yield "The command that makes these results:"
    yield fenced(provenance.command, "sh")
    yield "\n".join(f"- {escape(name)}: {escape(text)}" for name, text in provenance.facts)
    if provenance.study:
        yield "The study, with all defaults filled in:"
        yield fenced(provenance.study, "toml")
