"""What a source language would do for a target that was not measured: a prediction from those that were.

Effects are level(target) + quality(source) + what is special of the pair. The first two are the additive
model, which holds most of the variance of published matrices. The third is a ridge regression (Hoerl &
Kennard 1970) on what is known of pairs, and on what the additive model misses for nearby targets; its penalty
is chosen by leaving out one target at a time, and may be so large that the additive model is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.contracts.mixture import has

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.crossed import Pair

    Array = NDArray[np.float64]

FEWEST = 3
"""Targets below which nothing is predicted."""
_PENALTIES = np.array([1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 1e9])
"""Of squared coefficients of predictors with variance 1, beside the mean squared error; the last leaves
nothing of them."""
_CAUTION = 1.0
"""A larger penalty is taken as long as its error is within so many standard errors of the least (Breiman,
Friedman, Olshen & Stone 1984)."""
_PRIOR = 1.0
"""Weight, in targets at distance 0, of what is expected where no target is near: nothing special."""


class Left(NamedTuple):
    """What is predicted of one target from all others."""

    order: dict[str, float]
    """By source: the predicted effect."""
    penalty: float


class Predictor:
    """A prediction for any target, which never reads the effects on that target, nor its effects on others.

    `features` are by name, numbers by (source, target); pairs that are not in one are not known there, and
    get neither credit nor blame for it. `apart` are distances between targets, in any unit.
    """

    def __init__(
        self,
        effects: Mapping[Pair, float],
        features: Mapping[str, Mapping[Pair, float]],
        apart: Mapping[Pair, float] | None = None,
        also: Sequence[Pair] = (),
    ) -> None:
        """`also`: pairs without an effect that predictions are wanted of."""
        pairs = [pair for pair in (*effects, *also) if not has(*pair)]
        self.sources = list(dict.fromkeys(f for f, _ in pairs))
        self.targets = list(dict.fromkeys(g for _, g in pairs))
        place = {x: i for i, x in enumerate(self.sources)}
        column = {x: i for i, x in enumerate(self.targets)}
        shape = len(self.sources), len(self.targets)
        self._y = np.full(shape, np.nan)
        for (f, g), value in effects.items():
            if not has(f, g):
                self._y[place[f], column[g]] = value
        self._x = np.full((*shape, len(features)), np.nan)
        for i, table in enumerate(features.values()):
            for (f, g), value in table.items():
                if f in place and g in column:
                    self._x[place[f], column[g], i] = value
        self._own = np.array([[has(f, g) for f in self.sources] for g in self.targets], dtype=bool)
        """Shape (targets, sources): the sources that are the target, or have it among their languages."""
        self._near = _nearness(self.targets, apart or {})

    def of(self, target: str) -> Left:
        """By source other than the target, what it is predicted to do for it."""
        t = self.targets.index(target)
        known = self._y.copy()
        known[:, t] = np.nan
        known[self._own[t]] = np.nan
        rest = np.flatnonzero(np.isfinite(known).any(axis=0))
        fitted = _Fit(known, self._special(known, rest), rest)
        offset, x = self._special(known, np.array([t]))
        at = self._level(known, t, rest) + offset[0] + x[0] @ fitted.coefficients
        return Left(
            {f: float(at[i]) for i, f in enumerate(self.sources) if np.isfinite(at[i])}, fitted.penalty
        )

    @cached_property
    def left_out(self) -> dict[str, Left]:
        """Each target that has effects, predicted from the others."""
        measured = np.isfinite(self._y).sum(axis=0) > 1
        return {g: self.of(g) for g, there in zip(self.targets, measured, strict=True) if there}

    def _special(self, known: Array, wanted: NDArray[np.int64]) -> tuple[Array, Array]:
        """For each of the `wanted` targets, from all others: what sources do in general, shape (wanted,
        sources), and what is known of the pair, shape (wanted, sources, predictors), centred on the target.
        """
        y = np.repeat(known[None], len(wanted), axis=0)
        for i, t in enumerate(wanted):
            y[i, :, t] = np.nan
            y[i, self._own[t]] = np.nan
        quality, level = additive(y)
        rest = np.nan_to_num(y - quality[..., None] - level[:, None])
        there = np.isfinite(y)
        near = self._near[wanted]
        # Kernel regression on nearby targets, shrunk towards 0 by a prior of so many targets.
        special = np.einsum("wft,wt->wf", rest, near) / (np.einsum("wft,wt->wf", there, near) + _PRIOR)
        x = np.moveaxis(self._x[:, wanted], 0, 1)
        x = np.concatenate([x, special[..., None]], axis=-1)
        x[self._own[wanted]] = np.nan
        quality = np.where(self._own[wanted] | ~there.any(axis=2), np.nan, quality)
        return quality, _centred(x)

    def _level(self, known: Array, t: int, rest: NDArray[np.int64]) -> float:
        """The mean effect on a target, from the levels of the others and what is known of targets."""
        level = additive(known[None])[1][0]
        facts = np.moveaxis(self._x, 0, 1)
        facts = np.where(np.isfinite(facts).any(axis=1), _mean(facts, axis=1), np.nan)  # (targets, features)
        centre = float(level[rest].mean())
        weights = self._near[:, rest] * (rest[None] != np.arange(len(self.targets))[:, None])
        nearby = (weights @ (level[rest] - centre)) / (weights.sum(axis=1) + _PRIOR)
        x = np.column_stack([facts, nearby])
        x = np.nan_to_num(x - _mean(x[rest], axis=0))
        y = np.full((1, len(self.targets)), np.nan)
        y[0, rest] = level[rest] - centre
        fitted = _Fit(y, (np.zeros((len(rest), 1)), x[rest][:, None]), rest, centred=False)
        return centre + float(x[t] @ fitted.coefficients)


def predicted(
    effects: Mapping[Pair, float],
    features: Mapping[str, Mapping[Pair, float]],
    target: str,
    candidates: Sequence[str],
    apart: Mapping[Pair, float] | None = None,
) -> dict[str, float]:
    """Predicted effect of each candidate on `target`, in the unit of the effects; its own effects in
    `effects`, and effects of text of it, are not used. Candidates of which no effect is known are left out.
    """
    found = Predictor(effects, features, apart, [(f, target) for f in candidates]).of(target).order
    return {f: found[f] for f in candidates if f in found}


def additive(y: Array) -> tuple[Array, Array]:
    """Source and target effects of matrices, shape (..., sources, targets), NaN where nothing was measured:
    `quality`, shape (..., sources), with mean 0 and shrunk towards it (empirical Bayes), and `level`, shape
    (..., targets).
    """
    there = np.isfinite(y)
    known = np.where(there, y, 0.0)
    per_source, per_target = (np.maximum(there.sum(axis=axis), 1) for axis in (-1, -2))
    some = there.any(axis=-1)
    quality = np.zeros(y.shape[:-1])
    level = np.zeros((*y.shape[:-2], y.shape[-1]))
    prior = np.zeros((*y.shape[:-2], 1))
    for _ in range(_ROUNDS):
        level = np.where(there, known - quality[..., None], 0.0).sum(axis=-2) / per_target
        sums = np.where(there, known - level[..., None, :], 0.0).sum(axis=-1)
        found = np.where(some, sums / (per_source + prior), 0.0)
        found -= np.where(some, found, 0.0).sum(axis=-1, keepdims=True) / np.maximum(
            some.sum(axis=-1, keepdims=True), 1
        )
        found = np.where(some, found, 0.0)
        settled = np.abs(found - quality).max(initial=0.0) <= 1e-9 * (1 + np.abs(found).max(initial=0.0))
        quality = found
        rest = np.where(there, known - quality[..., None] - level[..., None, :], 0.0)
        noise = (rest**2).sum(axis=(-2, -1)) / np.maximum(there.sum(axis=(-2, -1)), 1)
        count = np.maximum(some.sum(axis=-1), 1)
        between = (quality**2).sum(axis=-1) / count - noise / (per_source * some).sum(axis=-1) * count
        prior = np.minimum(noise / np.maximum(between, 1e-12 + noise / 1e3), 1e3)[..., None]
        if settled:
            break
    return quality, level


_ROUNDS = 25


class _Fit:
    """Ridge coefficients of what is special of pairs."""

    def __init__(
        self,
        known: Array,
        special: tuple[Array, Array],
        targets: NDArray[np.int64],
        *,
        centred: bool = True,
    ) -> None:
        offset, x = special
        y = known[:, targets].T - offset
        there = np.isfinite(y)
        weight = there / np.maximum(there.sum(axis=1, keepdims=True), 1)  # targets count alike
        y = np.where(there, y, 0.0)
        x = np.where(there[..., None], x, 0.0)
        if centred:
            y = np.where(there, y - (weight * y).sum(axis=1, keepdims=True), 0.0)
            x = np.where(there[..., None], x - (weight[..., None] * x).sum(axis=1, keepdims=True), 0.0)
        scale = np.sqrt((weight[..., None] * x * x).sum(axis=(0, 1)) / max(1, len(targets)))
        scale = np.where(scale > 1e-9, scale, np.inf)
        x = x / scale
        weighted = x * weight[..., None]
        # Normal equations of each target, so that any one of them can be taken out.
        gram, moment = np.einsum("tfp,tfq->tpq", weighted, x), np.einsum("tfp,tf->tp", weighted, y)
        n, size = len(targets), x.shape[-1]
        errors = np.array(
            [
                [
                    float((weight[i] * (y[i] - x[i] @ w) ** 2).sum())
                    for i, w in enumerate(
                        np.linalg.solve(
                            gram.sum(axis=0) - gram + penalty * (n - 1) * np.eye(size),
                            (moment.sum(axis=0) - moment)[..., None],
                        )[..., 0]
                    )
                ]
                for penalty in _PENALTIES
            ]
        )
        self.penalty = float(_PENALTIES[_cautious(errors)])
        whole = gram.sum(axis=0) + self.penalty * n * np.eye(size)
        self.coefficients = np.linalg.solve(whole, moment.sum(axis=0)) / scale


def _cautious(errors: Array) -> int:
    """The largest penalty whose error, shape (penalties, targets), is hardly above the least."""
    means = errors.mean(axis=1)
    best = int(np.argmin(means))
    worse = errors - errors[best]
    n = errors.shape[1]
    spread = worse.std(axis=1, ddof=1) / n**0.5 if n > 1 else np.zeros(len(errors))
    return int(np.flatnonzero(means - means[best] <= _CAUTION * spread + 1e-15).max())


def _centred(x: Array) -> Array:
    """Less the mean over the sources of each target, shape (targets, sources, predictors); 0 where it is not
    known.
    """
    return np.nan_to_num(x - _mean(x, axis=1)[:, None])


def _mean(x: Array, axis: int) -> Array:
    """Of what is known; 0 where nothing is."""
    there = np.isfinite(x)
    found: Array = np.where(there, x, 0.0).sum(axis=axis) / np.maximum(there.sum(axis=axis), 1)
    return found


def _nearness(targets: Sequence[str], apart: Mapping[Pair, float]) -> Array:
    """Weights between targets, shape (targets, targets): exp(-(d/h)^2), h half the median distance; 0 where
    no distance is known, so that nothing is said for what nobody knows.
    """
    d = np.array([[apart.get((a, b), apart.get((b, a), np.nan)) for b in targets] for a in targets])
    known = d[np.isfinite(d) & (d > 0)]
    if not len(known):
        return np.zeros((len(targets), len(targets)))
    return np.nan_to_num(np.exp(-((d / (0.5 * float(np.median(known)))) ** 2)))
