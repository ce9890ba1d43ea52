"""A matrix as a heat map: one specification for the pictures of the markdown and for the HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from xlbench.output import clean
from xlbench.reporting.parts.ranking_chart import MARKS, marks
from xlbench.reporting.text import EMPTY, clear
from xlbench.reporting.theme import params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xlbench.contracts import Matrix, Number

Json: TypeAlias = "dict[str, Any]"

FULL = (60, 30)
"""Width and height of a cell with its value in it, in pixels."""
SMALL = (16, 16)
"""The same without."""
_FEW, _MANY = 12, 40
"""A matrix whose shorter and longer sides have no more rows than these shows its values."""


_GROUND = "scale('color', datum.value)"
_ON_CELL = f"contrast({_GROUND}, strong) > contrast({_GROUND}, weak) ? strong : weak"
"""Colour of what stands in a cell."""


def with_values(matrix: Matrix) -> bool:
    """Whether there is room for the values in the cells."""
    sides = sorted((len(matrix.rows), len(matrix.columns)))
    return sides[0] <= _FEW and sides[1] <= _MANY


def heat_map(matrix: Matrix, *, turned: bool = False) -> Json:
    """Vega-Lite's specification, without its data, which are named `cells`, rows as of `cells`.

    Blue is above 0 and red below, the largest effect at full colour. What helps or harms by a corrected test
    has its mark, at every size, and its value in bold; a language on itself is framed; what is missing has a
    dash. `turned` has the rows across and the columns down.
    """
    known = [abs(x.value) for line in matrix.cells for x in line if x.value is not None]
    reach = max(known, default=0) or 1.0
    full, diverging = with_values(matrix), matrix.diverging
    titles = {"row": clean(matrix.row_title), "column": clean(matrix.column_title)}
    across, down = ("row", "column") if turned else ("column", "row")
    colour = {
        "field": "value",
        "type": "quantitative",
        "scale": {
            "domain": [-reach if diverging else 0, reach],
            "range": "diverging" if diverging else "ramp",
        },
        "legend": {"title": clean(matrix.unit), "gradientLength": 120},
    }
    ink = {"expr": "ink"}
    layers: list[Json] = [
        _layer("isValid(datum.value)", {"type": "rect"}, color=colour),
        _layer("datum.gap", _frame({"expr": "soft"}, strokeDash=[3, 3], strokeOpacity=0.6)),
        _layer("datum.itself", _frame(ink, strokeWidth=2 if full else 1)),
        *([_values(bold, diverging) for bold in (True, False)] if full else ()),
        *(_mark(x, full) for x in ("helps", "harms")),
    ]
    axis = {"labelLimit": 220, "domain": False, "ticks": False, "labelOverlap": False}
    axis["labelFontSize"] = 12 if full else 11
    width, height = FULL if full else SMALL
    return {
        "data": {"name": "cells"},
        "params": params(),
        "encoding": {
            "x": _side(across, titles, {**axis, "orient": "top", "labelAngle": -45 if full else -90}),
            "y": _side(down, titles, {**axis, "labelPadding": 6}),
        },
        "layer": layers,
        "width": {"step": width},
        "height": {"step": height},
    }


def cells(matrix: Matrix) -> list[dict[str, Any]]:
    """The data of a heat map, one row per cell."""
    return [
        {
            "row": clean(row),
            "row_place": i,
            "column": clean(column),
            "column_place": j,
            **_cell(number),
            "itself": row == column and (number.value is not None or bool(number.missing)),
        }
        for i, (row, line) in enumerate(zip(matrix.rows, matrix.cells, strict=True))
        for j, (column, number) in enumerate(zip(matrix.columns, line, strict=True))
    ]


def legend(matrix: Matrix) -> str:
    """What the marks mean, for those that are there; nothing for none."""
    numbers = [number for line in matrix.cells for number in line]
    said = [f"{matrix.unit}; {matrix.sign}"] if matrix.sign else []
    if found := found_by_tests(numbers):
        said.append(found)
    if any(x["itself"] for x in cells(matrix)):
        said.append("framed: a language on itself")
    if any(x.value is None and x.missing for x in numbers):
        said.append(f"{EMPTY}: missing" if with_values(matrix) else "dashed: missing")
    return "; ".join(said)


def found_by_tests(numbers: Iterable[Number]) -> str:
    """What marks of verdicts mean, for those that are there; "" for none."""
    found = {x.word for x in numbers if clear(x)}
    return f"{marks([x for x in MARKS if x in found])}: by tests corrected over the matrix" if found else ""


def _side(name: str, titles: Mapping[str, str], axis: Json) -> Json:
    """Rows or columns, in the order of their places."""
    sort = {"field": f"{name}_place", "op": "min"}
    return {"field": name, "type": "nominal", "sort": sort, "title": titles[name], "axis": axis}


def _layer(which: str, mark: Json, **encoding: Json) -> Json:
    return {"transform": [{"filter": which}], "mark": mark, "encoding": encoding}


def _frame(colour: Json, **more: Any) -> Json:
    return {"type": "rect", "fillOpacity": 0, "stroke": colour, **more}


def _values(bold: bool, diverging: bool) -> Json:
    """The values that are bold, or those that are not."""
    found = "(datum.word === 'helps' || datum.word === 'harms')"
    # As Number.decimals and Number.text have it.
    has, width = "isValid(datum.low) && isValid(datum.high)", "datum.high - datum.low"
    places = f"({has} ? ({width} < 0.05 ? 3 : {width} < 0.5 ? 2 : 1) : abs(datum.value) < 10 ? 2 : 1)"
    shown = (
        f"datum.gap ? '{EMPTY}' : !isValid(datum.value) ? '' : "
        f"abs(datum.value) < 0.5 * pow(10, -{places}) ? format(0, '.' + {places} + 'f') : "
        f"format(datum.value, '{'+' * diverging}.' + {places} + 'f')"
    )
    return {
        "transform": [
            {"calculate": shown, "as": "label"},
            {"filter": f"datum.label !== '' && {'' if bold else '!'}{found}"},
        ],
        "mark": {
            "type": "text",
            "fontSize": 12,
            "fontWeight": "bold" if bold else "normal",
            "xOffset": -6 if bold else 0,
            "color": {"expr": f"datum.gap ? ink : {_ON_CELL}"},
        },
        "encoding": {"text": {"field": "label", "type": "nominal"}},
    }


def _mark(verdict: str, full: bool) -> Json:
    """What a test found, beside the value or alone."""
    shape = {"type": "point", "filled": True, "opacity": 1, "shape": MARKS[verdict][1], "strokeWidth": 0}
    place = {"size": 40, "xOffset": 22} if full else {"size": 36}
    return _layer(f"datum.word === '{verdict}'", {**shape, **place, "color": {"expr": _ON_CELL}})


def _cell(number: Number) -> dict[str, Any]:
    return {
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "word": number.word,
        "gap": number.value is None and bool(number.missing),
    }
