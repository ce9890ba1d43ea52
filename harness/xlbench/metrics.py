"""Metrics that tasks share: accuracy, and F1 over spans."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Labels, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Span: TypeAlias = tuple[int, int, str]
"""First word, one past the last word, and type."""


def accuracy() -> Metric:
    """Share of labels that are right, micro-averaged over words (or examples), in points."""
    return Metric("accuracy", ("correct", "total"), _count_correct, _score_accuracy)


def span_f1() -> Metric:
    """Micro F1 over spans in points, as seqeval 1.2.2 has it with `mode="strict", scheme=IOB2`.

    F1 = 2 tp / (predicted + gold); a span counts as found only with the same words and type.
    """
    return Metric("span F1", ("tp", "predicted", "gold"), _count_spans, _score_f1)


def spans(tags: Labels) -> Set[Span]:
    """The spans that strict IOB2 reads from tags; None is O.

    As in seqeval, a span starts at B- only; an I- that continues nothing belongs to none.
    """
    found = set()
    start, kind = 0, None
    for position, tag in enumerate(tags):
        if kind is not None:
            if tag is not None and tag[0] == "I" and tag[2:] == kind:
                continue
            found.add((start, position, kind))
        start, kind = position, tag[2:] if tag is not None and tag[0] == "B" else None
    if kind is not None:
        found.add((start, len(tags), kind))
    return found


def _count_correct(gold: Labels, predicted: Labels) -> tuple[int, ...]:
    return sum(true == guess for true, guess in zip(gold, predicted, strict=True)), len(gold)


def _count_spans(gold: Labels, predicted: Labels) -> tuple[int, ...]:
    true, guessed = spans(gold), spans(predicted)
    return len(true & guessed), len(guessed), len(true)


def _score_accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(sums[..., 0], sums[..., 1])


def _score_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def _points(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """100 part / whole, 0 where whole is 0."""
    import numpy as np

    score: NDArray[np.float64] = np.divide(
        100 * np.asarray(part, np.float64),
        whole,
        out=np.zeros(np.shape(whole)),
        where=np.asarray(whole) != 0,
    )
    return score
