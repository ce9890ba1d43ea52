"""A table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Number, Table
from xlbench.output import clean
from xlbench.reporting.grid import grid
from xlbench.reporting.parts import ranking_chart
from xlbench.reporting.parts.numbers import finite, word
from xlbench.reporting.parts.view import Drawing
from xlbench.reporting.text import escape, gaps, notes, numeric, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from xlbench.contracts import Language, Value


@dataclass(frozen=True)
class TableView:
    """See `View`."""

    table: Table

    def terminal(self) -> Iterator[RenderableType]:
        """See `View`."""
        from rich.text import Text

        from xlbench.reporting.parts import fitted

        yield in_terminal(self.table)
        marks = fitted.legend(value for row in self.table.rows for value in row)
        for line in (f"{marks}." if marks else "", *notes(self.table)):
            if line:
                yield Text(clean(line), style="dim")

    def markdown(self) -> Iterator[str]:
        """See `View`."""
        table = self.table
        right = [numeric(row[i] for row in table.rows) for i in range(len(table.columns))]
        rows = [[_text(value) for value in row] for row in table.rows]
        yield grid([escape(name) for name in table.columns], rows, right)
        yield from (escape(note) for note in notes(table))

    def data(self, languages: Mapping[str, Language]) -> dict[str, Any]:
        """See `View`."""
        table = self.table
        drawn = [table.columns.index(x) for x in table.drawn]
        more = {"drawn": drawn, "unit": clean(table.unit), "sign": clean(table.sign)} if drawn else {}
        return {**as_data(table), "kind": "table", **more}

    def drawing(self) -> Drawing | None:
        """See `View`."""
        table = self.table
        columns = {x: ranking_chart.column(table, x) for x in table.drawn}
        numbers = [x for found in columns.values() for _, x in found]
        if not any(x.value is not None for x in numbers):
            return None
        specification = ranking_chart.side_by_side(columns, table.unit, table.sign)
        marks = ranking_chart.legend(x for x in numbers if x.value is not None)
        return Drawing(specification, "; ".join(x for x in (marks, "bars: 95% CI") if x), 1)


def in_terminal(table: Table) -> RenderableType:
    """For rich."""
    from xlbench.reporting.parts.fitted import Fitted, column

    places = range(len(table.columns))
    cells = [column(row[i] for row in table.rows) for i in places]
    return Fitted(
        clean(table.title),
        [clean(name) for name in table.columns],
        list(zip(*cells, strict=True)),
        [numeric(row[i] for row in table.rows) for i in places],
    )


def as_data(table: Table) -> dict[str, Any]:
    """For the HTML report, all but its kind."""
    return {
        "title": clean(table.title),
        "columns": [clean(name) for name in table.columns],
        "numeric": [numeric(row[i] for row in table.rows) for i in range(len(table.columns))],
        "rows": [[_cell(value) for value in row] for row in table.rows],
        "note": clean(table.note),
        "gaps": gaps(value for row in table.rows for value in row),
    }


def _text(value: Value | Number) -> str:
    """Text is escaped; an interval's brackets are not, for nothing in a number can be a link."""
    return escape(value) if isinstance(value, str) else shown(value)


def _cell(value: Value | Number) -> Any:
    if isinstance(value, Number):
        if value.value is None:
            return {"missing": [clean(text) for text in value.missing]}
        told = {"value": value.value, "low": value.low, "high": value.high, "word": word(value)}
        told["signed"] = True if value.signed else None
        return {name: finite(x) if isinstance(x, float) else x for name, x in told.items() if x is not None}
    if isinstance(value, float):
        return {"value": finite(value)}
    return clean(value) if isinstance(value, str) else value
