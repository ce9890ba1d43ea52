"""The correlation of predicted and gold numbers, such as ratings of similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Metric, OfExamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def spearman() -> Metric:
    """Spearman's rank correlation of predicted and gold numbers x 100, from -100 to 100.

    Ties have their mean rank. 0 where all numbers of one side are equal. Of an example, gold and predicted
    are one number each, in a tuple. Ranks are taken anew in each bootstrap draw.
    """
    return Metric(
        "Spearman correlation",
        ("gold", "predicted"),
        _pair,
        OfExamples(_spearman),
        lowest=-100.0,
        counts="real",
    )


def _pair(gold: Sequence[float], predicted: Sequence[float]) -> tuple[float, ...]:
    (true,), (said,) = gold, predicted
    return float(true), float(said)


def _spearman(statistics: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of mid-ranks (Spearman 1904).

    Among weighted values, a rank is

        (weight of all that is less) + (its own weight + 1) / 2

    as if each example stood there as often as it was drawn. The centred rank is half of what is less, minus
    half of what is more.
    """
    import numpy as np

    times = np.ascontiguousarray(weights.T)  # examples are rows, so that ordering them copies whole rows
    ranks, squares = [], []
    for column in statistics.T:
        values, place = np.unique(column, return_inverse=True)
        order = np.argsort(place, kind="stable")
        own = np.add.reduceat(times[order], np.searchsorted(place[order], np.arange(len(values))), axis=0)
        upto = np.cumsum(own, axis=0)
        centred = upto - (own + upto[-1]) / 2
        squares.append((own * centred**2).sum(axis=0))
        ranks.append(centred[place])
    root = np.sqrt(squares[0] * squares[1])
    both = 100 * (times * ranks[0] * ranks[1]).sum(axis=0)
    found: NDArray[np.float64] = np.divide(both, root, out=np.zeros_like(root), where=root > 0)
    return np.clip(found, -100, 100)
