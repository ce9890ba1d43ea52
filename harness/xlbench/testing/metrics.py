"""Metrics over real gold and predictions: type and range, the same for the same, whatever the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.errors import JobError, said_of
from xlbench.metrics.counting import counted, scored
from xlbench.metrics.scoring import score_of, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xlbench.contracts import Counts, Metric

Fault = tuple[str, str, Any]
"""Field, what is wrong with it, and the function that is at fault."""
_DRAWS = 20


def faults(metric: Metric, pairs: Sequence[tuple[Any, Any]]) -> Iterator[Fault]:
    """What is wrong with a metric, given gold and predicted of examples."""
    gold, predicted = [x for x, _ in pairs], [x for _, x in pairs]
    try:
        counts = counted(metric, gold, predicted, "counts")
    except JobError as error:
        yield "metric.count", _after(error), metric.count
        return
    if not _same(counts, again := _recounted(metric, gold, predicted)):
        first = _first(counts, again)
        yield (
            "metric.count",
            f"gives {_row(again, first)} for example {first + 1} the second time, and "
            f"{_row(counts, first)} the first; count each example from its gold and prediction alone",
            metric.count,
        )
        return
    if not _same(counts, again := _recounted(metric, gold[::-1], predicted[::-1])[::-1]):
        first = _first(counts, again)
        yield (
            "metric.count",
            f"gives {_row(again, first)} for example {first + 1} in another order of the examples, and "
            f"{_row(counts, first)} in theirs; count each example by itself",
            metric.count,
        )
        return
    for name, score in ((metric.name, metric.score), *metric.others):
        field = "metric.score" if score is metric.score else f"metric.others[{name!r}]"
        yield from ((field, what, score) for what in _of_score(metric, counts, name, score))


def _of_score(metric: Metric, counts: Counts, name: str, score: Any) -> Iterator[str]:
    try:
        total = scored(metric, counts, "score", score, name)
    except JobError as error:
        yield _after(error)
        return
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), _DRAWS).astype(np.float64)
    low, high = metric.lowest - 1e-6, metric.highest + 1e-6
    try:
        drawn = scores_of(score, counts, weights)
        shuffled = float(score_of(score, counts[rng.permutation(len(counts))]))
        whole = float(scores_of(score, counts, np.ones((1, len(counts))))[0])
    except Exception as error:
        yield f"cannot be resampled: {said_of(error)}"
        return
    if not (np.isfinite(drawn).all() and (drawn >= low).all() and (drawn <= high).all()):
        wrong = next(x for x in drawn if not (np.isfinite(x) and low <= x <= high))
        yield (
            f"gives {wrong:g} for a bootstrap draw, outside the range that the metric states, "
            f"{metric.lowest:g} to {metric.highest:g}; give 0 where it is undefined, or state them"
        )
    for what, other in (("another order", shuffled), ("a draw that has each of them once", whole)):
        if not np.isclose(other, total, rtol=1e-7, atol=1e-7):
            yield f"gives {other:g} for {what} of the same examples, and {total:g} for them; it must be equal"


def _recounted(metric: Metric, gold: Sequence[Any], predicted: Sequence[Any]) -> Any:
    return np.array([metric.count(x, y) for x, y in zip(gold, predicted, strict=True)], np.float64)


def _same(counts: Any, other: Any) -> bool:
    return bool(np.array_equal(np.asarray(counts, np.float64), other))


def _first(counts: Any, other: Any) -> int:
    return int(np.argmax((np.asarray(counts, np.float64) != other).any(axis=1)))


def _row(counts: Any, number: int) -> str:
    return str(tuple(float(x) for x in counts[number]))


def _after(error: JobError) -> str:
    """What was found, without the words that only said where to begin."""
    return str(error).partition(": ")[2] if str(error).startswith("score: ") else str(error)
