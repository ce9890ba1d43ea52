"""Pages as JSON: a stable shape, described in docs/reference/results.md. Of a chart it has the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.contracts import Curves, Matrix, Number, Table
from xlbench.output import clean
from xlbench.reporting.parts.numbers import finite, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Page, Part, Value

VERSION = 1
"""Of the shape; raised where something in it is renamed or goes."""


def pages_as_json(pages: Iterable[tuple[str, Page]]) -> dict[str, Any]:
    """Plain data of (probe, page) pairs."""
    return {"version": VERSION, "pages": [_page(probe, page) for probe, page in pages]}


def _page(probe: str, page: Page) -> dict[str, Any]:
    return {
        "probe": clean(probe),
        "task": clean(page.task),
        "topic": clean(page.topic),
        "title": clean(page.title),
        "warnings": [clean(x) for x in page.warnings],
        "answer": [clean(x) for x in page.answer],
        "checks": [{"name": clean(x.name), "outcome": x.outcome, "text": clean(x.text)} for x in page.checks],
        "summary": [clean(x) for x in page.summary],
        "tables": [_part(x) for x in page.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    """A table: its columns, and its rows with a value for each."""
    if isinstance(part, Matrix):
        rows: list[list[Value | Number]] = [
            [name, *line] for name, line in zip(part.rows, part.cells, strict=True)
        ]
        columns, note = (part.row_title, *part.columns), part.note
        return {**_table(part.title, columns, rows, note), "unit": clean(part.unit),
                "column_title": clean(part.column_title)}  # fmt: skip
    table = part if isinstance(part, Table) else part.table()
    found = _table(table.title, table.columns, table.rows, table.note)
    return {**found, "unit": clean(part.unit)} if isinstance(part, Curves) else found


def _table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[Value | Number]], note: str
) -> dict[str, Any]:
    return {
        "title": clean(title),
        "columns": [clean(x) for x in columns],
        "rows": [[_value(x) for x in row] for row in rows],
        "note": clean(note),
    }


def _value(value: Value | Number) -> Any:
    """A number of a page is an object; its value is null where something is missing."""
    if isinstance(value, Number):
        found: dict[str, Any] = {"value": finite(value.value)}
        if value.low is not None:
            found |= {"low": finite(value.low), "high": finite(value.high)}
        if word(value):
            found["verdict"] = word(value)
        if value.value is None and value.missing:
            found["missing"] = [clean(x) for x in value.missing]
        return found
    if isinstance(value, float):
        return finite(value)
    return clean(value) if isinstance(value, str) else value
