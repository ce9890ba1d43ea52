"""Counts and scores of a metric, checked: what breaks the metric's own statement is named, never changed."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import OfExamples
from xlbench.errors import JobError, said_of
from xlbench.metrics.scoring import score_of, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Counts, Metric, Score

_LEAST, _LARGEST = -(2**31), 2**31 - 1
"""Of a whole count: what a result file holds."""
_ALONE = 256
"""Examples at most on each of which a score that is not of sums is tried alone."""


def counted(metric: Metric, gold: Iterable[Any], predicted: Iterable[Any], where: str) -> Counts:
    """Counts of every example, shape (n, k): int32, or float64 where the metric states real counts.

    Raises JobError, which begins with `where`, for the first example whose counts are not what the metric
    states, with its number (from 1), the column and the value.
    """
    rows = []
    for number, (true, guess) in enumerate(zip(gold, predicted, strict=True), 1):
        try:
            rows.append(metric.count(true, guess))
        except Exception as error:
            raise JobError(
                f"{where}, example {number}: {metric.name} cannot be counted: {said_of(error)}"
            ) from error
    return checked(metric, rows, where)


def checked(metric: Metric, rows: Any, where: str) -> Counts:
    """`rows` of counts, one row per example, as `counted` gives them. Raises JobError as it does."""
    whole, k = metric.counts == "whole", len(metric.columns)
    try:
        found = np.asarray(rows)
    except (ValueError, OverflowError):
        found = np.empty(0, object)
    if found.ndim == 2 and found.shape[1] == k and found.dtype.kind in "biuf":
        sound = np.isfinite(found).all()
        if whole and sound:
            sound = found.min() >= _LEAST and found.max() <= _LARGEST
            sound = sound and (found.dtype.kind != "f" or (found == np.floor(found)).all())
        if sound:
            return found.astype(np.int32 if whole else np.float64)
    made = [_row(metric, row, f"{where}, example {i}") for i, row in enumerate(rows, 1)]
    if not made:
        raise JobError(f"{where}: there are no examples to count")
    return np.array(made, np.int32 if whole else np.float64)


def scored(metric: Metric, counts: Counts, where: str, score: Score | None = None, name: str = "") -> float:
    """Score of counts, shape (n, k); `score` and `name` are those of one of `Metric.others`.

    Also tries the score on each example alone, the most extreme of bootstrap draws; one that is not of
    sums on the first 256. Raises JobError, which begins with `where`, for a score that is not finite or
    outside the range that the metric states.
    """
    score, name = score or metric.score, name or metric.name
    values = np.asarray(counts, np.float64)
    try:
        total = score_of(score, values)
        alone = (
            scores_of(score, values[:_ALONE], len(values) * np.eye(min(len(values), _ALONE)))
            if isinstance(score, OfExamples)
            else np.asarray(score(len(values) * values), np.float64)
        )
    except Exception as error:
        raise JobError(f"{where}: {name} cannot be scored: {said_of(error)}") from error
    if total.shape != () or (alone.shape != (len(values),) and not isinstance(score, OfExamples)):
        raise JobError(
            f"{where}: {name} gives scores of shape {alone.shape} for sums of shape {values.shape}, "
            f"not {(len(values),)}; see Metric.score"
        )
    _within(metric, float(total), f"{where}: {name}")
    outside = ~((alone >= metric.lowest - _slack(metric)) & (alone <= metric.highest + _slack(metric)))
    if (broken := outside | ~np.isfinite(alone)).any():
        first = int(np.argmax(broken))
        _within(metric, float(alone[first]), f"{where}: {name} of example {first + 1} alone")
    return float(total)


def _row(metric: Metric, row: Any, where: str) -> list[float]:
    """The counts of one example. Raises JobError."""
    try:
        values = list(row)
    except TypeError:
        raise JobError(
            f"{where}: {metric.name} counts {_short(row)}, not one number for each of "
            f"{', '.join(metric.columns)}"
        ) from None
    if len(values) != len(metric.columns):
        raise JobError(
            f"{where}: {metric.name} has {len(values)} counts, not {len(metric.columns)} "
            f"({', '.join(metric.columns)})"
        )
    for column, value in zip(metric.columns, values, strict=True):
        shown = value.item() if isinstance(value, np.generic) else value
        said = f"{where}: {metric.name} counts {_short(shown)} as {column!r}"
        if not isinstance(value, Real | np.bool_):
            raise JobError(f"{said}, which is not a number")
        if not _is_finite(value):
            raise JobError(f"{said}, which is not finite")
        number = float(value)
        if metric.counts == "whole" and number != math.floor(number):
            raise JobError(f'{said}, not a whole number; a metric with such counts states counts="real"')
        if metric.counts == "whole" and not _LEAST <= number <= _LARGEST:
            raise JobError(
                f"{said}; whole counts are from {_LEAST} to {_LARGEST}: a metric with others states "
                'counts="real"'
            )
    return [float(x) for x in values]


def _short(value: Any) -> str:
    text = (
        repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a number of 31 digits or more"
    )
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _within(metric: Metric, value: float, said: str) -> None:
    if not math.isfinite(value):
        raise JobError(f"{said} is {value}; a score is a finite number, 0 where it is not defined")
    slack = _slack(metric)
    if not metric.lowest - slack <= value <= metric.highest + slack:
        raise JobError(
            f"{said} is {value:g}, outside the range that the metric states, {metric.lowest:g} to "
            f"{metric.highest:g}; state its lowest and highest score"
        )


def _slack(metric: Metric) -> float:
    """What rounding may add to a score at the end of its range."""
    ends = [abs(x) for x in (metric.lowest, metric.highest) if math.isfinite(x)]
    return 1e-9 * max(ends, default=0.0)
