"""Scores of many evaluations of the same examples, on the same draws and swaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from xlbench.contracts import OfExamples
from xlbench.metrics.scoring import score_of, scores_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xlbench.contracts import Counts, OfSums, Score

_EXACT = 2**24
"""Whole numbers below this are exact in 32 bits."""


class Resampled(Protocol):
    """Evaluations ("runs") of the same n examples."""

    def whole(self) -> NDArray[np.float64]:
        """Scores of all examples, shape (runs,)."""

    def drawn(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of draws, shape (draws, runs); `weights` as `bootstrap.weights` gives them."""

    def swapped(self, swaps: NDArray[np.float32], partner: Sequence[int]) -> NDArray[np.float64]:
        """Score of each run less that of its partner, after examples changed places between the two, shape
        (draws, runs); `swaps` as `bootstrap.swaps` gives them, `partner` is the number of another run.
        """


def resampled(score: Score, runs: Sequence[Counts]) -> Resampled:
    """Of statistics, shape (n, k) each."""
    return _Examples(score, runs) if isinstance(score, OfExamples) else _Sums(score, runs)


class _Sums:
    """One product of a matrix of weights with the statistics of all runs; in 32 bits where that is exact."""

    def __init__(self, score: OfSums, runs: Sequence[Counts]) -> None:
        n, k = runs[0].shape
        self._score, self._shape = score, (len(runs), k)
        self._sums = np.stack([x.sum(axis=0, dtype=np.float64) for x in runs])
        most = max(float(np.abs(x).max()) for x in runs)
        whole = all(np.issubdtype(x.dtype, np.integer) for x in runs)
        self._exact: Any = np.float32 if whole and n * most < _EXACT else np.float64
        self._counts: NDArray[Any] = np.concatenate(runs, axis=1, dtype=self._exact)

    def whole(self) -> NDArray[np.float64]:
        return self._score(self._sums)

    def drawn(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._score(self._of(weights).astype(np.float64, copy=False))

    def swapped(self, swaps: NDArray[np.float32], partner: Sequence[int]) -> NDArray[np.float64]:
        # after - moved and before + moved, where moved = swaps (after - before)
        given = self._of(swaps)
        moved = given - given[:, partner]
        return self._score(self._sums - moved) - self._score(self._sums[list(partner)] + moved)

    def _of(self, weights: NDArray[np.float32]) -> NDArray[Any]:
        summed: NDArray[Any] = weights.astype(self._exact) @ self._counts
        return summed.reshape(len(weights), *self._shape)


class _Examples:
    """Each run on its own."""

    def __init__(self, score: OfExamples, runs: Sequence[Counts]) -> None:
        self._score, self._runs = score, runs

    def whole(self) -> NDArray[np.float64]:
        return np.stack([score_of(self._score, x) for x in self._runs])

    def drawn(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.stack([scores_of(self._score, x, weights) for x in self._runs], axis=1)

    def swapped(self, swaps: NDArray[np.float32], partner: Sequence[int]) -> NDArray[np.float64]:
        # Both sides in one table of 2n examples: a draw takes each example from one of them.
        found = np.zeros((len(swaps), len(self._runs)))
        for i, other in enumerate(partner):
            if i == other:
                continue
            both = np.concatenate([self._runs[i], self._runs[other]])
            stays, goes = np.hstack([1 - swaps, swaps]), np.hstack([swaps, 1 - swaps])
            found[:, i] = scores_of(self._score, both, stays) - scores_of(self._score, both, goes)
        return found
