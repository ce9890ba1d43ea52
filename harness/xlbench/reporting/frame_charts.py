"""Charts of tidy tables, as Altair charts: the same drawings that the pages have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Curves, Matrix, Number
from xlbench.errors import ResultsError
from xlbench.output import clean
from xlbench.reporting.parts import view
from xlbench.reporting.text import WORDS
from xlbench.reporting.theme import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import altair as alt
    import pandas as pd

    from xlbench.contracts import Part

SIGN = "positive: the target gains"


def heat_map(
    frame: pd.DataFrame, rows: str, columns: str, title: str, name: Callable[[str], str]
) -> alt.TopLevelMixin:
    """`effect` by two columns of a tidy table, each pair once; both sides by their means, the largest first.
    Raises ResultsError where a pair is there twice.
    """
    found = _once(frame, (rows, columns))
    ranked = [_ranked(found, side, (rows, columns)) for side in (0, 1)]
    part = Matrix(
        title,
        tuple(map(name, ranked[0])),
        tuple(map(name, ranked[1])),
        tuple(tuple(found.get((f, g), Number(None)) for g in ranked[1]) for f in ranked[0]),
        _head(rows),
        _head(columns),
        unit=_unit(frame),
        sign=SIGN,
    )
    return _chart(part)


def ranking(frame: pd.DataFrame, of: str, title: str, name: Callable[[str], str]) -> alt.TopLevelMixin:
    """`effect` with its interval, by one column of a tidy table; the largest first. Raises ResultsError where
    a name is there twice.
    """
    found = {key[0]: x for key, x in _once(frame, (of,)).items() if x.value is not None}
    order = sorted(found, key=lambda x: -(found[x].value or 0.0))
    lines = tuple((found[x],) for x in order)
    part = Curves(title, tuple(map(name, order)), (0.0,), lines, _head(of), "", unit=_unit(frame), sign=SIGN)
    return _chart(part)


def curves(frame: pd.DataFrame, of: str, title: str, name: Callable[[str], str]) -> alt.TopLevelMixin:
    """`effect` over `steps`, one line per value of a column, in the order of the most steps. Raises
    ResultsError where a point is there twice.
    """
    found = _once(frame, (of, "steps"))
    steps = sorted({int(k) for _, k in found})

    def last(x: str) -> float:
        value = found.get((x, steps[-1]), Number(None)).value
        return math.inf if value is None else -value

    order = sorted({x for x, _ in found}, key=last)
    lines = tuple(tuple(found.get((x, k)) for k in steps) for x in order)
    names, ends = tuple(map(name, order)), tuple(map(float, steps))
    part = Curves(title, names, ends, lines, _head(of), "Steps", unit=_unit(frame), sign=SIGN)
    return _chart(part)


def _once(frame: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], Number]:
    """Numbers by the values of some columns."""
    if lacking := [x for x in (*keys, "effect", "low", "high", "verdict") if x not in frame.columns]:
        raise ResultsError(f"the table has no column {lacking[0]!r}, which the chart needs")
    if frame.empty:
        raise ResultsError("there is nothing to draw: the table has no such rows")
    twice = frame[frame.duplicated(list(keys), keep=False)]
    if not twice.empty:
        apart = [
            x for x in twice.columns if x not in keys and x != "effect" and twice[x].nunique(dropna=False) > 1
        ]
        which = ", ".join(f"{x} {twice.iloc[0][x]}" for x in keys)
        told = [x for x in apart if x in ("model", "task", "steps", "reading", "composition", "order")]
        hint = f"; name one {told[0]}" if told else ""
        raise ResultsError(f"{which} is there more than once, and a chart shows one number for each{hint}")
    return {tuple(row[x] for x in keys): _number(row) for row in frame.to_dict("records")}


def _number(row: Mapping[Any, Any]) -> Number:
    value, low, high = (_known(row[x]) for x in ("effect", "low", "high"))
    missing = (row["missing"],) if isinstance(row.get("missing"), str) else ()
    return Number(value, low, high, missing, row["verdict"] if row["verdict"] in WORDS else None, signed=True)


def _ranked(found: Mapping[tuple[Any, ...], Number], side: int, keys: Sequence[str]) -> list[str]:
    """Values of one side by the mean of what is known of them, a language on itself apart."""
    values: dict[str, list[float]] = {}
    for pair, x in found.items():
        own = values.setdefault(pair[side], [])
        if x.value is not None and pair[0] != pair[1]:
            own.append(x.value)
    return sorted(values, key=lambda x: -sum(values[x]) / len(values[x]) if values[x] else math.inf)


def _chart(part: Part) -> alt.TopLevelMixin:
    import altair as alt

    drawing = view(part).drawing()
    if drawing is None:
        raise ResultsError("there is nothing to draw: all numbers are missing")
    title = {"text": clean(part.title), "subtitle": [drawing.below] if drawing.below else []}
    return alt.Chart.from_dict(
        {**drawing.specification, "title": title, "config": config("light"), "padding": 16}
    )


def _unit(frame: pd.DataFrame) -> str:
    found: Iterable[Any] = frame["unit"].dropna().unique() if "unit" in frame.columns else ()
    return ", ".join(map(str, found)) or "points"


def _head(column: str) -> str:
    """What an axis says of a column."""
    known = {"transfer": "Transfer language", "target": "Target language", "partners": "Partner language"}
    return known.get(column, column.replace("_", " ").capitalize())


def _known(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
