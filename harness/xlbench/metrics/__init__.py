"""Metrics that tasks share: of labels, ratings, spans, trees, answers, retrieval and text."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Arcs, Labels, Likelihood, Metric
from xlbench.metrics import answers
from xlbench.metrics.correlation import spearman
from xlbench.metrics.labels import macro_f1, matthews
from xlbench.metrics.scoring import by_rows, score_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "accuracy",
    "answer_f1",
    "attachment",
    "by_rows",
    "log_likelihood",
    "macro_f1",
    "matthews",
    "precision_at_1",
    "score_of",
    "span_f1",
    "spans",
    "spearman",
]

Span: TypeAlias = tuple[int, int, str]
"""First word, one past the last word, and type."""
UNIT = 10**9
"""Of a fraction that is stored as a whole number."""


def accuracy() -> Metric:
    """Share of labels that are right, micro-averaged over words (or examples), in points."""
    return Metric("accuracy", ("correct", "total"), _count_correct, _score_accuracy)


def precision_at_1() -> Metric:
    """Share of queries for which the first of the pool is the right one, in points.

    Of a query, gold and predicted are what names an item of the pool, in a tuple. The pool is part of the
    task: a bootstrap draws queries, and each of them is searched in the whole pool, as it was.
    """
    return Metric("precision at 1", ("correct", "queries"), _count_correct, _score_accuracy)


def span_f1() -> Metric:
    """Micro F1 over spans in points, as seqeval 1.2.2 has it with `mode="strict", scheme=IOB2`.

    F1 = 2 tp / (predicted + gold); a span counts as found only with the same words and type.
    """
    return Metric("span F1", ("tp", "predicted", "gold"), _count_spans, _score_f1)


def attachment() -> Metric:
    """LAS in points, and UAS beside it, over all words, punctuation among them.

    The CoNLL 2018 shared task's on gold tokenization (Zeman et al. 2018): a word counts with the right head,
    for LAS also with the right universal relation, what stands before a ":".
    """
    return Metric("LAS", ("labelled", "unlabelled", "words"), _count_arcs, _score_las, (("UAS", _score_uas),))


def answer_f1() -> Metric:
    """F1 of answers in points, and exact match beside it, as SQuAD 1.1's script has them
    (Rajpurkar et al. 2016): the mean over questions of the best over the gold answers; see
    `xlbench.metrics.answers`.

    A question's F1 is stored in units of 1e-9, which moves a mean by less than 1e-7 points.
    """
    return Metric(
        "F1", ("f1 x 1e9", "exact", "questions"), _count_answer, _score_answer_f1,
        (("exact match", _score_exact),),
    )  # fmt: skip


def log_likelihood() -> Metric:
    """Log-likelihood of texts in bits per character, all characters together; higher is better.

    Without its minus sign it is the loss that is usually given, comparable over tokenizers; beside it the
    same in nats per token, which is not. Of a masked model it is the pseudo-log-likelihood
    (`xlbench.lab.kinds.language_model`).
    """
    return Metric(
        "log-likelihood",
        ("nats", "characters", "tokens"),
        _count_likelihood,
        _score_bits,
        (("nats per token", _score_nats),),
        lowest=-math.inf,
        highest=0.0,
        counts="real",
        unit="bits per character",
    )


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


def _count_arcs(gold: Arcs, predicted: Arcs) -> tuple[int, ...]:
    labelled = unlabelled = 0
    for true, guess in zip(gold, predicted, strict=True):
        if true is not None and guess is not None and true[0] == guess[0]:
            unlabelled += 1
            labelled += true[1].partition(":")[0] == guess[1].partition(":")[0]
    return labelled, unlabelled, len(gold)


def _count_answer(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, ...]:
    (said,) = predicted
    best = max(answers.f1(said, true) for true in gold)
    return round(best * UNIT), int(any(answers.exact(said, true) for true in gold)), 1


def _count_likelihood(gold: str, predicted: Likelihood) -> tuple[float, ...]:
    return predicted.nats, predicted.characters, predicted.tokens


def _score_bits(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return -_points(sums[..., 0], 100 * math.log(2) * sums[..., 1])


def _score_nats(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return -_points(sums[..., 0], 100 * sums[..., 2])


def _score_las(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(sums[..., 0], sums[..., 2])


def _score_uas(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(sums[..., 1], sums[..., 2])


def _score_answer_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(sums[..., 0], UNIT * sums[..., 2])


def _score_exact(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _points(sums[..., 1], sums[..., 2])


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
