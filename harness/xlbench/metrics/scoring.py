"""Scores of sets of examples: the only place that knows whether a score is of sums or of examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.contracts import OfExamples

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from xlbench.contracts import Score


_AT_ONCE = 2**17
"""Weights that a function of examples is given at once, so that what it makes of them stays in the cache."""


def score_of(score: Score, statistics: NDArray[Any]) -> NDArray[np.float64]:
    """The score of all examples, shape (), of their statistics, shape (n, k): `Evaluation.counts`."""
    import numpy as np

    if isinstance(score, OfExamples):
        return scores_of(score, statistics, np.ones((1, len(statistics)))).reshape(())
    return np.asarray(score(statistics.sum(axis=0, dtype=np.float64)), np.float64)


def scores_of(score: Score, statistics: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Scores of draws, shape (draws,), of statistics of shape (n, k), where `weights`, shape (draws, n), say
    how often each draw has each example. Raises ValueError for scores of another shape.
    """
    import numpy as np

    values, times = np.asarray(statistics, np.float64), np.asarray(weights, np.float64)
    if isinstance(score, OfExamples):
        few = max(1, _AT_ONCE // len(values))
        parts = [score.scores(values, times[i : i + few]) for i in range(0, len(times), few)]
        found = np.concatenate(parts) if all(np.ndim(x) == 1 for x in parts) else np.asarray(parts[0])
    else:
        found = np.asarray(score(times @ values), np.float64)
    if found.shape != (len(times),):
        raise ValueError(
            f"scores of shape {found.shape} for statistics of shape {values.shape} and {len(times)} draws, "
            f"not {(len(times),)}"
        )
    return np.asarray(found, np.float64)


class by_rows:  # noqa: N801 - used like a function, which would not be pickled for another process
    """The `OfExamples.scores` of a function of a plain set of examples: statistics of shape (n, k), a row for
    each time that an example was drawn, to one score. Called once for each draw, so that any function of
    scipy or scikit-learn will do, at its own speed.
    """

    def __init__(self, function: Callable[[NDArray[np.float64]], float]) -> None:
        self.function = function

    def __call__(self, statistics: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `OfExamples.scores`."""
        import numpy as np

        rows = np.arange(len(statistics))
        return np.array(
            [float(self.function(statistics[np.repeat(rows, own.astype(np.int64))])) for own in weights]
        )
