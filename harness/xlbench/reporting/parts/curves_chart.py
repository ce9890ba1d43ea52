"""Curves over steps: specifications as of `heat_map`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.parts.ranking_chart import axis_title, ranking, zero
from xlbench.reporting.theme import params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlbench.contracts import Curves
    from xlbench.reporting.parts.heat_map_chart import Json

COLOURS = 8
"""Curves that colours can tell apart; the others are grey until they are chosen."""
_WIDTH, _HEIGHT = 560, 300
_SPAN = 20
"""Largest x over the smallest from which the axis is logarithmic."""
_APART = 0.012
"""How far curves stand apart, so that their bars do not hide each other, as a share of the axis."""


def curves(part: Curves) -> Json:
    """Vega-Lite's specification, without its data, which are named `cells`, rows as of `points`.

    Lines with bars of their intervals over x; intervals side by side where there is but one x. The
    parameter `chosen` brings one curve out.
    """
    return _lines(part) if len(part.x) > 1 else ranking(part.unit, part.sign)


def points(part: Curves) -> list[dict[str, Any]]:
    """The data of a chart, one row per number that is there; `at` is where it is drawn, beside its `x`."""
    told = _told(part.names)
    return [
        {
            "name": clean(name),
            "place": place,
            "x": x,
            "at": _beside(x, part.x, told.index(place) - (len(told) - 1) / 2 if place in told else 0.0),
            "value": number.value,
            "low": number.low,
            "high": number.high,
            "word": number.word,
            "signed": number.signed,
        }
        for place, (name, line) in enumerate(zip(part.names, part.values, strict=True))
        for x, number in zip(part.x, line, strict=True)
        if number is not None and number.value is not None
    ]


def _lines(part: Curves) -> Json:
    names = [clean(name) for name in part.names]
    told = [names[place] for place in _told(names)]
    reach = (len(told) + 1) / 2
    ends = [_beside(part.x[0], part.x, -reach), _beside(part.x[-1], part.x, reach)]
    legend = {"title": clean(part.name_title), "orient": "bottom", "columns": 2, "labelLimit": 240}
    by = {"field": "name", "type": "nominal", "scale": {"domain": told}, "sort": names}
    colour = {**by, "legend": {**legend, "symbolLimit": 0, "symbolOpacity": 1}}
    x = {
        "field": "at",
        "type": "quantitative",
        "title": clean(part.x_title),
        "scale": {"type": "log" if _logarithmic(part.x) else "linear", "domain": ends, "nice": False},
        "axis": {"values": list(part.x), "grid": False, "format": "~d", "labelOverlap": False},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "title": axis_title(part.unit, part.sign),
        "axis": {"grid": True, "tickCount": 6},
    }
    at = {"x": x, "y": y}
    bars = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    loud = f"indexof({told}, datum.name) >= 0 || datum.name === chosen"
    chosen = {"expr": "datum.name === chosen ? 4 : 2"}
    band = {"expr": "datum.name === chosen ? 0.25 : 0"}
    quiet = {
        "transform": [{"filter": f"!({loud})"}],
        "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.6, "color": {"expr": "soft"}},
        "encoding": {**at, "detail": {"field": "name"}},
    }
    return {
        "data": {"name": "cells"},
        "params": params(chosen=""),
        "layer": [
            zero("y"),
            *([quiet] if len(told) < len(names) else []),
            {
                "transform": [{"filter": loud}],
                "layer": [
                    {"mark": {"type": "area", "opacity": band}, "encoding": bars},
                    {"mark": {"type": "line", "strokeWidth": chosen}, "encoding": {**at, "color": colour}},
                    {"mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 1.5}, "encoding": bars},
                    {
                        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                        "encoding": {**at, "color": colour, "shape": colour},
                    },
                ],
            },
        ],
        "width": _WIDTH,
        "height": _HEIGHT,
    }


def _told(names: Sequence[str]) -> list[int]:
    """Places of the curves that have colours."""
    places = list(range(len(names)))
    return places if len(places) <= COLOURS else places[: COLOURS // 2] + places[-COLOURS // 2 :]


def _logarithmic(x: Sequence[float]) -> bool:
    return min(x) > 0 and max(x) / min(x) >= _SPAN


def _beside(x: float, all_x: Sequence[float], places: float) -> float:
    """`x`, moved by so many places on its axis."""
    low, high = min(all_x), max(all_x)
    if _logarithmic(all_x):
        return float(x * (high / low) ** (places * _APART))
    return float(x + (high - low) * places * _APART)
