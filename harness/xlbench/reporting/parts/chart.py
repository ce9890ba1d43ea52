"""A chart that a plugin brings, with a table that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.reporting.parts.table import TableView, as_data
from xlbench.reporting.parts.view import Drawing
from xlbench.reporting.theme import params

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from xlbench.contracts import Chart, Language


@dataclass(frozen=True)
class ChartView:
    """See `View`."""

    chart: Chart

    def terminal(self) -> Iterator[RenderableType]:
        """See `View`."""
        return TableView(self.chart.table()).terminal()

    def markdown(self) -> Iterator[str]:
        """See `View`."""
        return TableView(self.chart.table()).markdown()

    def data(self, languages: Mapping[str, Language]) -> dict[str, Any]:
        """See `View`."""
        found = {**as_data(self.chart.table()), "kind": "table"}
        if (drawing := self.drawing()) is not None:
            found |= {"kind": "chart", "specification": drawing.specification}
        return found

    def drawing(self) -> Drawing | None:
        """See `View`."""
        said = self.chart.specification()
        if said is None:
            return None
        return Drawing({**said, "params": [*params(), *said.get("params", ())]})
