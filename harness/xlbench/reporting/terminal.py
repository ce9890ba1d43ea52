"""Pages in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Curves, Matrix, Number, Page, Table
from xlbench.output import clean
from xlbench.reporting.text import CLEAR, brief, clear, gaps, notes, numeric, shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from xlbench.contracts import Part

_WIDEST = 12
"""Columns of a matrix that a terminal can show."""

_OUTCOMES = {"pass": "", "fail": "bold yellow", "not measured": "dim"}


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
        yield _table(first, bare=True)
    for line in page.answer or page.summary:
        yield Text(clean(line))
    for check in page.checks:
        if check.outcome == "fail":
            yield Text(clean(f"Check failed: {check.name}. {check.then}"), style=_OUTCOMES["fail"])
    for outcome, word in (("not measured", "not measured"), ("pass", "passed")):
        if named := [x.name for x in page.checks if x.outcome == outcome]:
            yield Text(clean(f"Checks {word}: {'; '.join(named)}."))


def _page(page: Page) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    yield from _head(page)
    for line in page.answer:
        yield Text(clean(line))
    for check in page.checks:
        yield Text(clean(f"{check.name}: {check.outcome}. {check.text}"), style=_OUTCOMES[check.outcome])
    for line in page.summary:
        yield Text(clean(line))
    for part in page.parts:
        yield Padding(_grid(part), (1, 0, 0, 0))
        below = _matrix_notes(part) if isinstance(part, Matrix) else notes(_as_table(part))
        for line in below:
            yield Text(clean(line), style="dim")


def _head(page: Page) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    yield Padding(Text(clean(page.title), style="bold underline"), (1, 0, 0, 0))
    for line in page.warnings:
        yield Text(clean(f"Warning: {line}"), style="bold yellow")


def _grid(part: Part) -> RenderableType:
    return _matrix(part) if isinstance(part, Matrix) else _table(_as_table(part))


def _as_table(part: Table | Curves) -> Table:
    return part.table() if isinstance(part, Curves) else part


def _table(table: Table, *, bare: bool = False) -> RenderableType:
    """`bare` is without title and lines."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    title = None if bare else Text(clean(table.title))
    lines = None if bare else box.SIMPLE_HEAD
    grid = RichTable(title=title, title_justify="left", title_style="bold", box=lines)
    for i, name in enumerate(table.columns):
        right = numeric(row[i] for row in table.rows)
        grid.add_column(Text(clean(name)), justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        # No space inside an interval, so that a narrow column breaks before it.
        cells = (
            shown(value).replace(", ", ",") if isinstance(value, Number) else clean(shown(value))
            for value in row
        )
        grid.add_row(*(Text(cell) for cell in cells))
    return grid


def _matrix(matrix: Matrix) -> RenderableType:
    """Values alone, turned so that the longer side goes down."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    rows, columns, cells = matrix.rows, matrix.columns, matrix.cells
    titles = (matrix.row_title, matrix.column_title)
    if len(columns) > len(rows):
        rows, columns, cells = columns, rows, tuple(zip(*cells, strict=True))
        titles = (matrix.column_title, matrix.row_title)
    title = Text(clean(f"{matrix.title} ({matrix.unit})"))
    if len(columns) > _WIDEST:
        return Text.assemble(title, ": too wide for a terminal; the leaderboard has it")
    grid = RichTable(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    grid.add_column(Text(clean(f"{titles[0]} \\ {titles[1].lower()}")))
    for name in columns:
        grid.add_column(Text(clean(name)), justify="right", overflow="fold")
    for name, line in zip(rows, cells, strict=True):
        values = (Text(brief(matrix, number), style=_style(matrix, number)) for number in line)
        grid.add_row(Text(clean(name)), *values)
    return grid


def _matrix_notes(matrix: Matrix) -> list[str]:
    tested = any(clear(number) for row in matrix.cells for number in row)
    note = f"{matrix.note} {CLEAR[0].upper()}{CLEAR[1:]}." if tested else matrix.note
    return [x for x in (note, gaps(number for row in matrix.cells for number in row)) if x]


def _style(matrix: Matrix, number: Number) -> str:
    """Blue above 0 and red below, as in the pictures; bold where a corrected test says so."""
    if not matrix.diverging or number.value is None:
        return ""
    return f"{'bold ' * clear(number)}{'blue' if number.value > 0 else 'red'}"
