"""Numbers over a quantity: curves, or intervals side by side; in texts, a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.parts import curves_chart
from xlbench.reporting.parts.table import TableView, as_data
from xlbench.reporting.parts.view import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from xlbench.contracts import Curves, Language


@dataclass(frozen=True)
class CurvesView:
    """See `View`."""

    curves: Curves

    def terminal(self) -> Iterator[RenderableType]:
        """See `View`."""
        return TableView(self.curves.table()).terminal()

    def markdown(self) -> Iterator[str]:
        """See `View`."""
        return TableView(self.curves.table()).markdown()

    def data(self, languages: Mapping[str, Language]) -> dict[str, Any]:
        """See `View`."""
        part = self.curves
        return {
            **as_data(part.table()),
            "kind": "curves",
            "specification": curves_chart.curves(part),
            "points": curves_chart.points(part),
            "unit": clean(part.unit),
            "x_title": clean(part.x_title),
        }

    def drawing(self) -> Drawing | None:
        """See `View`."""
        if not (points := curves_chart.points(self.curves)):
            return None
        specification = curves_chart.curves(self.curves)
        specification["datasets"] = {**specification.get("datasets", {}), "cells": points}
        return Drawing(specification, "bars: 95% intervals", 2)
