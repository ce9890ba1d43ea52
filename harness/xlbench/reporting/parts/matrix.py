"""A matrix of numbers, drawn as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.cluster import clustered
from xlbench.reporting.grid import grid
from xlbench.reporting.parts import heat_map_chart as heat_map
from xlbench.reporting.parts.numbers import finite, word
from xlbench.reporting.parts.ranking_chart import MARKS
from xlbench.reporting.parts.view import Drawing
from xlbench.reporting.text import brief, clear, escape, gaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from xlbench.contracts import Language, Matrix, Number

_WIDEST_IN_TERMINAL = 12
"""Columns of a matrix that a terminal can show."""
_WIDEST_IN_PICTURE = 20
"""Columns beyond which the longer side goes down."""


@dataclass(frozen=True)
class MatrixView:
    """See `View`."""

    matrix: Matrix

    def terminal(self) -> Iterator[RenderableType]:
        """See `View`."""
        from rich.text import Text

        yield _in_terminal(self.matrix)
        for line in _notes(self.matrix):
            yield Text(clean(line), style="dim")

    def markdown(self) -> Iterator[str]:
        """See `View`."""
        matrix = self.matrix
        corner = f"{matrix.row_title} \\ {matrix.column_title.lower()}"
        rows = [
            [escape(name), *(_text(matrix, number) for number in line)]
            for name, line in zip(matrix.rows, matrix.cells, strict=True)
        ]
        heads = [escape(corner), *map(escape, matrix.columns)]
        yield grid(heads, rows, [False, *(True for _ in matrix.columns)])
        numbers = [number for row in matrix.cells for number in row]
        found = heat_map.found_by_tests(numbers)
        note = " ".join(x for x in (_measured(matrix), f"{found}." if found else "", matrix.note) if x)
        yield from (escape(x) for x in (note, gaps(numbers)) if x)

    def data(self, languages: Mapping[str, Language]) -> dict[str, Any]:
        """See `View`. Cells are short rows, for there are many: numbers of `details` follow the value and its
        interval.
        """
        matrix = self.matrix
        numbers = [number for line in matrix.cells for number in line]
        details = list(dict.fromkeys(name for number in numbers for name, _ in number.details))
        missing = list(dict.fromkeys("; ".join(x.missing) for x in numbers if x.value is None and x.missing))
        return {
            "kind": "matrix",
            "title": clean(matrix.title),
            "signed": matrix.diverging,
            "rows": [clean(name) for name in matrix.rows],
            "columns": [clean(name) for name in matrix.columns],
            "row_title": clean(matrix.row_title),
            "column_title": clean(matrix.column_title),
            "unit": clean(matrix.unit),
            "note": clean(matrix.note),
            "gaps": gaps(numbers),
            "legend": heat_map.legend(matrix),
            "details": [clean(name) for name in details],
            "missing": [clean(text) for text in missing],
            "ties": matrix.ties,
            "cells": [[_short(number, details, missing) for number in line] for line in matrix.cells],
            "orders": orders(matrix, languages),
            "specification": heat_map.heat_map(matrix),
            "turned": heat_map.heat_map(matrix, turned=True),
            "full": heat_map.with_values(matrix),
            "sign": clean(matrix.sign),
            "cell_width": heat_map.FULL[0] if heat_map.with_values(matrix) else heat_map.SMALL[0],
        }

    def drawing(self) -> Drawing:
        """See `View`."""
        matrix = self.matrix
        turned = len(matrix.columns) > max(_WIDEST_IN_PICTURE, len(matrix.rows))
        specification = heat_map.heat_map(matrix, turned=turned)
        specification["datasets"] = {**specification.get("datasets", {}), "cells": heat_map.cells(matrix)}
        return Drawing(specification, heat_map.legend(matrix), 0)


def orders(matrix: Matrix, languages: Mapping[str, Language]) -> dict[str, list[list[int]]]:
    """Places of rows, and of columns, by the name of an order. A family's languages stand together, by
    genus, and what is not a language comes last.
    """
    values = [[number.value for number in line] for line in matrix.cells]
    turned = [list(line) for line in zip(*values, strict=True)] if values else [[] for _ in matrix.columns]
    sides = (matrix.rows, matrix.columns)
    known = {name: x for code, x in languages.items() for name in (code, x.label)}

    def kin(name: str) -> tuple[bool, str, str, str]:
        found = known.get(name)
        return (False, found.family, found.genus, name) if found else (True, "", "", name)

    return {
        "clustered": [clustered(values), clustered(turned)],
        "family": [sorted(range(len(side)), key=lambda i: kin(side[i])) for side in sides],
        "alphabetical": [sorted(range(len(side)), key=side.__getitem__) for side in sides],
        "as in the tables": [list(range(len(side))) for side in sides],
    }


def _in_terminal(matrix: Matrix) -> RenderableType:
    """Values with the marks of their verdicts, turned so that the longer side goes down."""
    from rich.text import Text

    from xlbench.reporting.parts import fitted

    rows, columns, cells = matrix.rows, matrix.columns, matrix.cells
    titles = (matrix.row_title, matrix.column_title)
    if len(columns) > len(rows):
        rows, columns, cells = columns, rows, tuple(zip(*cells, strict=True))
        titles = (matrix.column_title, matrix.row_title)
    title = clean(f"{matrix.title} ({matrix.unit})")
    if len(columns) > _WIDEST_IN_TERMINAL:
        return Text.assemble(title, ": too wide for a terminal; the leaderboard has it")
    marked = any(x.word in fitted.SIGNS for line in cells for x in line)
    found = []
    for name, line in zip(rows, cells, strict=True):
        values = [fitted.number(x, marked=marked, brief=brief(matrix, x)) for x in line]
        for text, number in zip(values, line, strict=True):
            text.stylize(_style(matrix, number))
        found.append([Text(clean(name)), *values])
    heads = [clean(f"{titles[0]} \\ {titles[1].lower()}"), *map(clean, columns)]
    return fitted.Fitted(title, heads, found, [False, *(True for _ in columns)])


def _notes(matrix: Matrix) -> list[str]:
    from xlbench.reporting.parts import fitted

    numbers = [number for row in matrix.cells for number in row]
    marks = fitted.legend(numbers)
    sign = f"{matrix.sign[:1].upper()}{matrix.sign[1:]}. " if matrix.sign else ""
    return [x for x in (f"{marks}." if marks else "", f"{sign}{matrix.note}", gaps(numbers)) if x]


def _measured(matrix: Matrix) -> str:
    """The unit, and what its sign means."""
    text = f"{matrix.unit}; {matrix.sign}" if matrix.sign else matrix.unit
    return f"{text[:1].upper()}{text[1:]}."


def _style(matrix: Matrix, number: Number) -> str:
    """Blue above 0 and red below, as in the pictures; bold where a corrected test says so."""
    if not matrix.diverging or number.value is None:
        return ""
    return f"{'bold ' * clear(number)}{'blue' if number.value > 0 else 'red'}"


def _text(matrix: Matrix, number: Number) -> str:
    """The value without its interval, which a matrix has no room for; marked and bold where it helps or
    harms.
    """
    text, verdict = brief(matrix, number), word(number)
    return f"**{text}** {MARKS[verdict][0]}" if verdict and clear(number) else text


def _short(number: Number, details: Sequence[str], missing: Sequence[str]) -> Any:
    """Value, low, high, word and details; the place of what is missing; null where there is no such cell."""
    if number.value is None:
        return missing.index("; ".join(number.missing)) if number.missing else None
    found = dict(number.details)
    more = [finite(found.get(name)) for name in details]
    return [finite(number.value), finite(number.low), finite(number.high), word(number), *more]
