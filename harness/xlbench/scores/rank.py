"""Whether effects go with a known distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xlbench.contracts import Number
from xlbench.scores.bootstrap import generator
from xlbench.scores.estimate import LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 4
"""Pairs below which no rank correlation is given."""


def spearman(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Spearman's rank correlation along the last axis, ties at their mean rank: shapes (..., n) to (...).

    It is Pearson's correlation of the ranks (Spearman 1904); NaN where all of one side are equal.
    """
    a, b = _centred_ranks(one), _centred_ranks(other)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return found


def rank_correlation(effects: Sequence[Estimate], known: Sequence[float], label: str) -> Number:
    """Spearman's correlation, -1 to 1, of effects with what is known of the same pairs.

    Its draws resample the pairs themselves with replacement and take, for each, the effect in the same
    draw of seeds and examples: the percentile interval is over pairs and over the data behind each effect. The
    noise of the effects enters it a second time, which draws it somewhat towards 0. Empty where an
    effect is missing, pairs are fewer than 4, or one side does not vary.
    """
    if missing := dict.fromkeys(text for effect in effects for text in effect.missing):
        return Number(None, missing=tuple(missing))
    if len(effects) < FEWEST:
        return Number(None, missing=(f"at least {FEWEST} pairs with a known distance",))
    distances = np.asarray(known, dtype=np.float64)
    value = float(spearman(np.array([x.value for x in effects], dtype=np.float64), distances))
    if np.isnan(value):
        return Number(None, missing=("effects and distances that vary",))
    draws = np.stack([x.resampled() for x in effects], axis=1)
    chosen = generator("pairs", label, len(effects)).integers(0, len(effects), size=draws.shape)
    found = spearman(np.take_along_axis(draws, chosen, axis=1), distances[chosen])
    low, high = np.quantile(found[np.isfinite(found)], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Number(value, float(low), float(high))


def _centred_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    flat = pd.DataFrame(np.atleast_2d(values))
    ranks = flat.rank(axis=1).to_numpy(dtype=np.float64).reshape(np.shape(values))
    centred: NDArray[np.float64] = ranks - ranks.mean(-1, keepdims=True)
    return centred
