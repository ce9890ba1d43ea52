"""Metrics of labels from a closed set in which rare ones weigh as much as frequent ones; all of sums."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from xlbench.contracts import Labels, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray


def macro_f1(labels: Sequence[str]) -> Metric:
    """F1 of each label (over words, or examples), averaged over labels, in points.

    F1 = 2 tp / (predicted + gold). As in scikit-learn (`average="macro"`), the mean is over the labels that
    occur in the gold data or in the predictions; so it is in each bootstrap draw.
    """
    columns = tuple(f"{what} {x}" for what in ("tp", "predicted", "gold") for x in labels)
    return Metric("macro F1", columns, partial(_count_each, _numbers(labels)), _score_macro_f1)


def matthews(labels: Sequence[str]) -> Metric:
    """Matthews' correlation of predicted and gold labels x 100, from -100 to 100: of two labels phi, of more
    R_K (Gorodkin 2004). 0 where all predictions, or all gold labels, are the same. A word that was cut off
    is predicted as a label of its own.
    """
    columns = ("correct", *(f"{what} {x}" for what in ("predicted", "gold") for x in labels), "cut off")
    return Metric(
        "Matthews correlation",
        columns,
        partial(_count_margins, _numbers(labels)),
        _score_matthews,
        lowest=-100.0,
    )


def _numbers(labels: Sequence[str]) -> dict[str, int]:
    return {label: number for number, label in enumerate(labels)}


def _margins(numbers: Mapping[str, int], gold: Labels, predicted: Labels) -> tuple[list[int], ...]:
    """How often each label is right, is predicted, and is gold. Raises KeyError for another gold label."""
    right, said, true = ([0] * len(numbers) for _ in range(3))
    for label, guess in zip(gold, predicted, strict=True):
        true[numbers[str(label)]] += 1
        if guess is not None:
            said[numbers[guess]] += 1
            right[numbers[guess]] += guess == label
    return right, said, true


def _count_each(numbers: Mapping[str, int], gold: Labels, predicted: Labels) -> tuple[int, ...]:
    right, said, true = _margins(numbers, gold, predicted)
    return (*right, *said, *true)


def _count_margins(numbers: Mapping[str, int], gold: Labels, predicted: Labels) -> tuple[int, ...]:
    right, said, true = _margins(numbers, gold, predicted)
    return (sum(right), *said, *true, sum(true) - sum(said))


def _score_macro_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    right, said, true = np.split(np.asarray(sums, np.float64), 3, axis=-1)
    either = said + true
    each = np.divide(200 * right, either, out=np.zeros_like(either), where=either != 0)
    occur = np.maximum((either != 0).sum(axis=-1), 1)
    return np.asarray(each.sum(axis=-1) / occur)


def _score_matthews(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """R_K = (c s - p.t) / sqrt((s^2 - p.p) (s^2 - t.t)), where c words of s are right, and p and t are how
    often each label is predicted and gold (Gorodkin 2004, in the form of scikit-learn's documentation).
    """
    import numpy as np

    sums = np.asarray(sums, np.float64)
    k = (sums.shape[-1] - 2) // 2
    correct, said, true = sums[..., 0], sums[..., 1 : 1 + k], sums[..., 1 + k : 1 + 2 * k]
    total, cut = true.sum(axis=-1), sums[..., -1]
    both = correct * total - (said * true).sum(axis=-1)
    spread = (total**2 - (said**2).sum(axis=-1) - cut**2) * (total**2 - (true**2).sum(axis=-1))
    root = np.sqrt(np.maximum(spread, 0))
    found: NDArray[np.float64] = np.divide(100 * both, root, out=np.zeros_like(root), where=root > 0)
    return np.clip(found, -100, 100)
