"""What pages are made of, one file a kind of part: each knows its terminal, markdown, data and picture."""

from xlbench.contracts import Chart, Curves, Matrix, Part, Table
from xlbench.reporting.parts.chart import ChartView
from xlbench.reporting.parts.curves import CurvesView
from xlbench.reporting.parts.matrix import MatrixView
from xlbench.reporting.parts.table import TableView
from xlbench.reporting.parts.view import Drawing, View


def view(part: Part) -> View:
    """How a part is shown. Raises TypeError for what is none."""
    match part:
        case Table():
            return TableView(part)
        case Matrix():
            return MatrixView(part)
        case Curves():
            return CurvesView(part)
        case Chart():
            return ChartView(part)
    raise TypeError(f"a page has a {type(part).__name__}, which is none of its parts")


__all__ = ["Drawing", "View", "view"]
