"""Whether effects go with a known distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Number
from xlbench.scores.bootstrap import all_weights, generator
from xlbench.scores.estimate import LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.crossed import Pair

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


def rank_correlation(effects: Mapping[Pair, Estimate], known: Mapping[Pair, float], label: str) -> Number:
    """Spearman's correlation, -1 to 1, of effects with what is known of the same pairs.

    Its draws resample transfer and target languages, each with replacement, and take all their pairs (Owen
    2007), each with its effect in the same draw of seeds and examples: pairs that share a language are no
    independent evidence. The percentile interval is somewhat wide, and the noise of the effects, which
    enters a second time, draws it towards 0. Empty where an effect is missing, pairs are fewer than 4, or
    one side does not vary.
    """
    if missing := dict.fromkeys(text for effect in effects.values() for text in effect.missing):
        return Number(None, missing=tuple(missing))
    if len(effects) < FEWEST:
        return Number(None, missing=(f"at least {FEWEST} pairs with a known distance",))
    distances = np.array([known[pair] for pair in effects], dtype=np.float64)
    value = float(spearman(np.array([x.value for x in effects.values()], dtype=np.float64), distances))
    if np.isnan(value):
        return Number(None, missing=("effects and distances that vary",))
    draws = np.stack([x.resampled() for x in effects.values()], axis=1, dtype=np.float32)
    times = np.ones(draws.shape)
    for side in (0, 1):
        names, place = np.unique([pair[side] for pair in effects], return_inverse=True)
        times *= all_weights(len(names), len(draws), generator(label, side, len(names)))[:, place]
    found = _weighted(draws, distances, times)
    if np.isnan(found).all():
        return Number(value, signed=True)
    low, high = np.quantile(found[np.isfinite(found)], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Number(value, float(low), float(high), signed=True)


def _weighted(one: NDArray[Any], other: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """`spearman` of rows in which pair j stands times[i, j] times: `one` of shape (draws, n), `other` (n,).
    NaN where fewer than `FEWEST` pairs stand in a row.
    """
    count = times.sum(-1, keepdims=True)
    a, b = _ranks_of_repeated(one, times), _ranks_of_repeated(np.broadcast_to(other, one.shape), times)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (x - (times * x).sum(-1, keepdims=True) / count for x in (a, b))
        squares = (times * a * a).sum(-1) * (times * b * b).sum(-1)
        found: NDArray[np.float64] = (times * a * b).sum(-1) / np.sqrt(squares)
    return np.where(count[..., 0] >= FEWEST, found, np.nan)


def _ranks_of_repeated(values: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean rank of each value in its row, in which it stands so many times: both of shape (draws, n).

    Values that are equal share one rank: what stands below them, and half of one more than they are.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered, own = (np.take_along_axis(x, order, -1) for x in (values, times))
    ends = np.cumsum(own, axis=-1)
    first = np.concatenate([np.ones((len(own), 1), bool), ordered[:, 1:] != ordered[:, :-1]], axis=-1)
    place = np.arange(own.shape[-1])
    begun = np.maximum.accumulate(np.where(first, place, 0), axis=-1)
    last = np.concatenate([first[:, 1:], np.ones((len(own), 1), bool)], axis=-1)
    ended = np.minimum.accumulate(np.where(last, place, own.shape[-1])[:, ::-1], axis=-1)[:, ::-1]
    below = np.take_along_axis(ends - own, begun, -1)
    ranks = np.empty_like(ends)
    np.put_along_axis(ranks, order, (below + np.take_along_axis(ends, ended, -1) + 1) / 2, -1)
    return ranks


def _centred_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(values, axis=-1)
    centred: NDArray[np.float64] = ranks - ranks.mean(-1, keepdims=True)
    return centred
