"""Pages as plain data for the HTML report: what its JavaScript reads, with nothing left to guess."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Curves, Matrix, Number, Page, Table
from xlbench.output import clean
from xlbench.reporting import curves, heat_map
from xlbench.reporting.cluster import clustered
from xlbench.reporting.text import ALL_TASKS, WORDS, gaps, label, numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlbench.contracts import Language, Value
    from xlbench.reporting.provenance import Provenance


def page_data(
    probe: str, page: Page, made_by: Provenance, languages: Mapping[str, Language]
) -> dict[str, Any]:
    """A page; `languages` is by code."""
    return {
        "probe": clean(label(probe, page)),
        "task": clean(page.task or ALL_TASKS),
        "title": clean(page.title),
        "summary": [clean(line) for line in page.summary],
        "answer": [clean(line) for line in page.answer],
        "warnings": [clean(line) for line in page.warnings],
        "checks": [{"name": clean(x.name), "outcome": x.outcome, "text": clean(x.text)} for x in page.checks],
        "parts": [_part(part, languages) for part in page.parts],
        "facts": [[clean(name), clean(text)] for name, text in made_by.facts],
    }


def language_data(languages: Mapping[str, Language], seen: Mapping[str, bool | None]) -> dict[str, Any]:
    """By label and by code, whichever a page uses."""
    said = {True: "yes", False: "no", None: "not known"}
    return {
        name: {
            "code": clean(code),
            "label": clean(x.label),
            "family": clean(x.family),
            "genus": clean(x.genus),
            "script": clean(x.script),
            "seen": said[seen.get(code)],
        }
        for code, x in sorted(languages.items())
        for name in (clean(x.label), clean(code))
    }


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


def _part(part: Table | Matrix | Curves, languages: Mapping[str, Language]) -> dict[str, Any]:
    if isinstance(part, Matrix):
        return _matrix(part, languages)
    if isinstance(part, Curves):
        drawn = {"kind": "curves", "specification": curves.curves(part), "points": curves.points(part)}
        titles = {"unit": clean(part.unit), "x_title": clean(part.x_title)}
        return {**_table(part.table()), **drawn, **titles}
    return {**_table(part), "kind": "table"}


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": clean(table.title),
        "columns": [clean(name) for name in table.columns],
        "numeric": [numeric(row[i] for row in table.rows) for i in range(len(table.columns))],
        "rows": [[_cell(value) for value in row] for row in table.rows],
        "note": clean(table.note),
        "gaps": gaps(value for row in table.rows for value in row),
    }


def _matrix(matrix: Matrix, languages: Mapping[str, Language]) -> dict[str, Any]:
    """Cells are short rows, for there are many: `numbers` of `details` follow the value and its interval."""
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
        "cells": [[_short(number, details, missing) for number in line] for line in matrix.cells],
        "orders": orders(matrix, languages),
        "specification": heat_map.heat_map(matrix),
        "turned": heat_map.heat_map(matrix, turned=True),
        "cell_width": heat_map.FULL[0] if heat_map.with_values(matrix) else heat_map.SMALL[0],
    }


def _short(number: Number, details: Sequence[str], missing: Sequence[str]) -> Any:
    """Value, low, high, word and details; the place of what is missing; null where there is no such cell."""
    if number.value is None:
        return missing.index("; ".join(number.missing)) if number.missing else None
    found = dict(number.details)
    more = [_finite(found.get(name)) for name in details]
    return [_finite(number.value), _finite(number.low), _finite(number.high), _word(number), *more]


def _cell(value: Value | Number) -> Any:
    if isinstance(value, Number):
        if value.value is None:
            return {"missing": [clean(text) for text in value.missing]}
        told = {"value": value.value, "low": value.low, "high": value.high, "word": _word(value)}
        told["signed"] = True if value.signed else None
        return {name: _finite(x) if isinstance(x, float) else x for name, x in told.items() if x is not None}
    if isinstance(value, float):
        return {"value": _finite(value)}
    return clean(value) if isinstance(value, str) else value


def _word(number: Number) -> str | None:
    return number.word if number.word in WORDS else None  # plugins give what they like


def _finite(value: float | None) -> float | None:
    """JSON has no infinity and no nan; such a number is not there. Others are rounded once, where they are
    shown.
    """
    return value if value is not None and math.isfinite(value) else None
