"""Curves over steps, and numbers with their intervals side by side: specifications as of `heat_map`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.report.text import clean
from xlbench.report.theme import named

if TYPE_CHECKING:
    from xlbench.contracts import Curves

COLOURS = 8
"""Curves that colours can tell apart; the others are grey until they are chosen."""
_WIDTH, _HEIGHT = 560, 300


def curves(part: Curves) -> dict[str, Any]:
    """Vega-Lite's specification, without its data, which are named `cells`, rows as of `points`.

    Lines with bands of their intervals over x, which is logarithmic where it spans much; intervals side
    by side where there is but one x. The parameter `chosen` brings one curve out.
    """
    return _lines(part) if len(part.x) > 1 else intervals(part.unit)


def intervals(unit: str) -> dict[str, Any]:
    """A row a number: its interval as a bar, its value as a point, and a line at 0."""
    import altair as alt

    base = alt.Chart(alt.NamedData("cells")).transform_filter("isValid(datum.value)")
    y = alt.Y(
        "name:N",
        sort=alt.EncodingSortField("place", op="min"),
        title=None,
        axis=alt.Axis(labelLimit=200, domain=False, ticks=False, labelPadding=8, labelOverlap=False),
    )
    chosen = "datum.name === chosen"
    colour = alt.expr("datum.value > 0 ? above : datum.value < 0 ? below : soft")
    layers = [
        alt.Chart(alt.NamedData("zero")).mark_rule(color=alt.expr("soft")).encode(x="value:Q"),
        base.mark_rule(strokeWidth=alt.expr(f"{chosen} ? 5 : 3"), opacity=0.55, color=colour).encode(
            y=y, x=alt.X("low:Q", title=clean(unit), axis=alt.Axis(tickCount=6)), x2="high:Q"
        ),
        base.mark_point(filled=True, size=70, opacity=1, color=colour).encode(y=y, x=alt.X("value:Q")),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height=alt.Step(22))
    specification = named(chart, chosen="", above="#1264a8", below="#b02a1f")
    specification["datasets"] = {"zero": [{"value": 0}]}
    return specification


def points(part: Curves) -> list[dict[str, Any]]:
    """The data of a chart, a row a number that is there."""
    return [
        {
            "name": clean(name),
            "place": place,
            "x": x,
            "value": number.value,
            "low": number.low,
            "high": number.high,
            "word": number.word,
        }
        for place, (name, line) in enumerate(zip(part.names, part.values, strict=True))
        for x, number in zip(part.x, line, strict=True)
        if number is not None and number.value is not None
    ]


def _lines(part: Curves) -> dict[str, Any]:
    import altair as alt

    names = [clean(name) for name in part.names]
    told = alt.Scale(domain=_told_apart(names))
    wide = min(part.x) > 0 and max(part.x) / min(part.x) >= 20
    x = alt.X(
        "x:Q",
        title=clean(part.x_title),
        scale=alt.Scale(type="log" if wide else "linear", nice=False, zero=False),
        axis=alt.Axis(values=list(part.x), grid=False, format="~d", labelOverlap=False),
    )
    y = alt.Y("value:Q", title=clean(part.unit))
    base = alt.Chart(alt.NamedData("cells")).encode(x=x)
    loud = f"indexof({_told_apart(names)}, datum.name) >= 0 || datum.name === chosen"
    colour = alt.Color("name:N", scale=told, sort=names, legend=_legend(part))
    bright = base.transform_filter(loud)
    layers = [
        alt.Chart(alt.NamedData("zero")).mark_rule(color=alt.expr("soft")).encode(y="value:Q"),
        base.transform_filter(f"!({loud})")
        .mark_line(strokeWidth=1, opacity=0.6, color=alt.expr("soft"))
        .encode(y=y, detail="name:N"),
        base.transform_filter("chosen === '' ? false : datum.name === chosen")
        .mark_area(opacity=0.25)
        .encode(y=alt.Y("low:Q"), y2="high:Q", color=colour),
        bright.mark_line(strokeWidth=alt.expr("datum.name === chosen ? 4 : 2")).encode(y=y, color=colour),
        bright.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour),
        bright.mark_point(filled=True, size=60, opacity=1).encode(
            y=y, color=colour, shape=alt.Shape("name:N", scale=told, legend=_legend(part))
        ),
    ]
    specification = named(
        alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT), chosen=""
    )
    specification["datasets"] = {"zero": [{"value": 0}]}
    return specification


def _told_apart(names: list[str]) -> list[str]:
    """All where there are few; otherwise the first and the last of the ranking."""
    half = COLOURS // 2
    return names if len(names) <= COLOURS else names[:half] + names[-half:]


def _legend(part: Curves) -> Any:
    import altair as alt

    return alt.Legend(title=clean(part.name_title), orient="bottom", columns=2, labelLimit=240, symbolLimit=0, symbolOpacity=1)
