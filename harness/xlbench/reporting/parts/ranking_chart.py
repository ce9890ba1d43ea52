"""Numbers with their intervals, one row each: the figure that a ranking comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from xlbench.output import clean
from xlbench.reporting.parts.numbers import word
from xlbench.reporting.theme import params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xlbench.contracts import Number, Table

Json: TypeAlias = "dict[str, Any]"

MARKS = {
    "helps": ("▲", "triangle-up", "above"),
    "harms": ("▼", "triangle-down", "below"),
    "no clear effect": ("●", "circle", "soft"),
    "this run only": ("○", "circle", "soft"),
}
"""Of a verdict: its mark in a text, its shape in a picture, its colour (`theme.colours`)."""
_WIDTH = 560
_HEADER = {"labelFontSize": 13, "labelFontWeight": "bold", "labelColor": {"expr": "ink"}}


def ranking(unit: str, sign: str = "", what: str = "") -> Json:
    """Vega-Lite's specification, without its data, which are named `cells`, rows as of `points`: one row per
    number, its interval as a bar, its value as the mark of its verdict, and a line at 0. The axis says `what`
    is measured, the unit and what its sign means.
    """
    axis = {"labelLimit": 200, "domain": False, "ticks": False, "labelPadding": 8, "labelOverlap": False}
    sort = {"field": "place", "op": "min"}
    y = {"field": "name", "type": "nominal", "sort": sort, "title": None, "axis": axis}
    title = axis_title(unit, sign, what)
    x = {"type": "quantitative", "title": title, "axis": {"tickCount": 6, "orient": "top", "grid": True}}
    colour = {"expr": " : ".join([*(f"{_is(x)} ? {y[2]}" for x, y in MARKS.items()), "ink"])}
    shape = {"expr": " : ".join([*(f"{_is(x)} ? '{y[1]}'" for x, y in MARKS.items()), "'circle'"])}
    # Hollow, so that it is not taken for a verdict.
    fill = {"expr": f"{_is('this run only')} ? ground : {colour['expr']}"}
    dots = {
        "type": "point",
        "filled": True,
        "size": 80,
        "opacity": 1,
        "shape": shape,
        "stroke": colour,
        "fill": fill,
    }
    return {
        "data": {"name": "cells"},
        "params": params(),
        "layer": [
            zero("x"),
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6, "color": colour},
                "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {"mark": dots, "encoding": {"y": y, "x": {**x, "field": "value"}}},
        ],
        "width": _WIDTH,
        "height": {"step": 22},
    }


def side_by_side(columns: Mapping[str, Sequence[tuple[str, Number]]], unit: str, sign: str = "") -> Json:
    """Vega-Lite's specification with its data, of the columns that have a number (at least one): a ranking of
    each on one scale, their rows in the order of the first.
    """
    known = {what: found for what, numbers in columns.items() if (found := points(numbers))}
    if len(known) == 1:
        ((what, cells),) = known.items()
        return {**ranking(unit, sign, what), "datasets": {"cells": cells}}
    names = dict.fromkeys(row["name"] for rows in known.values() for row in rows)
    order = {name: place for place, name in enumerate(names)}
    inner = {**ranking(unit, sign), "width": _WIDTH // len(known)}
    outer = {key: inner.pop(key) for key in ("data", "params")}
    column = {"field": "what", "type": "nominal", "sort": [clean(x) for x in known], "title": None}
    return {
        **outer,
        "facet": {"column": {**column, "header": _HEADER}},
        "spec": inner,
        "datasets": {
            "cells": [
                {**row, "what": clean(what), "place": order[row["name"]]}
                for what, rows in known.items()
                for row in rows
            ]
        },
    }


def axis_title(unit: str, sign: str, what: str = "") -> list[str] | str:
    """A line for what is measured and its unit, and one for what its sign means."""
    first = clean(f"{what} ({unit})" if what else unit)
    return [first, clean(sign)] if sign else first


def points(numbers: Iterable[tuple[str, Number]]) -> list[dict[str, Any]]:
    """The data of a ranking, the largest first; what is missing has no row."""
    known = [(name, x) for name, x in numbers if x.value is not None]
    known.sort(key=lambda x: -(x[1].value or 0.0))
    return [
        {
            "name": clean(name),
            "place": place,
            "value": x.value,
            "low": x.low,
            "high": x.high,
            "word": word(x),
            "signed": x.signed,
        }
        for place, (name, x) in enumerate(known)
    ]


def column(table: Table, name: str) -> list[tuple[str, Number]]:
    """Names and numbers of a column that is drawn."""
    from xlbench.contracts import Number

    place = table.columns.index(name)
    return [(str(row[0]), x) for row in table.rows if isinstance(x := row[place], Number)]


def legend(numbers: Iterable[Number]) -> str:
    """What the marks mean, for those that are there."""
    found = {word(number) for number in numbers}
    return marks([x for x in MARKS if x in found])


def marks(words: Sequence[str]) -> str:
    """Verdicts with their marks, in a text."""
    return ", ".join(f"{MARKS[x][0]} {x}" for x in words)


def zero(axis: str) -> Json:
    """A line at 0."""
    rule = {"type": "rule", "color": {"expr": "soft"}}
    return {"data": {"values": [{}]}, "mark": rule, "encoding": {axis: {"datum": 0, "type": "quantitative"}}}


def _is(verdict: str) -> str:
    return f"datum.word === '{verdict}'"
