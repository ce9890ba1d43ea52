"""How far estimates may be off: variances of examples and of seeds, and the quantiles that go with both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.scores.variances import moderated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.estimate import Estimate

ADAPTERS = "task adapters"
"""What names of groups of runs begin with whose seeds are those of task adapters."""
_LEAST = 1e-30
"""Smallest p-value that is distinguished from 0."""


class Spread(NamedTuple):
    """How far an estimate may be off."""

    error: float
    """Standard error."""
    share: float = 0.0
    """Part of error^2 that is of seeds, 0 to 1; the rest is of test examples."""
    freedom: float = np.inf
    """Degrees of freedom with which that part is known."""

    def quantile(self, p: float) -> float:
        """Of (estimate - truth) / error, at `p` from 0 to 1.

        The quantiles of a normal distribution for examples and of Student's t for seeds, weighted by their
        shares of the variance (Cochran & Cox 1957, section 4.14): somewhat wide between the two, where
        Satterthwaite's single t is too narrow with 2 or 3 seeds.
        """
        from scipy.special import ndtri, stdtrit

        normal = float(ndtri(p))
        return normal if not self.share else normal + self.share * (float(stdtrit(self.freedom, p)) - normal)

    def p_value(self, value: float) -> float:
        """Two-sided, of `value` against 0: the level at which its interval just reaches 0; at least 1e-30."""
        from scipy.optimize import brentq

        if value == 0 or self.error == 0:
            return float(value == 0)
        far = abs(value) / self.error

        def reach(log: float) -> float:
            return -self.quantile(float(np.exp(log)) / 2) - far

        least = float(np.log(_LEAST))
        return _LEAST if reach(least) <= 0 else float(np.exp(brentq(reach, least, 0.0, xtol=1e-6)))


def spreads(alike: Sequence[Estimate]) -> list[Spread | None]:
    """Of estimates of one kind, what few seeds say of the variance of each backed by the others.

    error^2 is the variance over test examples, less what of it is different in each run, plus the variance
    over seeds, which has that too. With a handful of seeds the last is hardly known from one estimate: it
    is drawn towards the others', those on the same test sets before all, as far as they agree and that is
    certain (`variances`), never counted as better known than all of them together. None where draws are
    missing or not defined.
    """
    there = [x for x in alike if x.draws is not None and np.isfinite(x.draws).all()]
    examples = [max(0.0, float(x.draws.var()) - overlapping(x)) for x in there if x.draws is not None]
    moderated = iter(zip(examples, *_moderated(there), strict=True))
    known = {id(x) for x in there}
    return [_spread(*next(moderated)) if id(x) in known else None for x in alike]


def _spread(examples: float, seeds: float, freedom: float) -> Spread:
    total = examples + seeds
    return Spread(total**0.5, seeds / total, freedom) if seeds > 0 else Spread(total**0.5)


def overlapping(estimate: Estimate) -> float:
    """The part of its variance over seeds that comes from test examples."""
    if estimate.overlap is None:
        return 0.0
    seeds, adapters, both = estimate.overlap.var(axis=-1)
    return float(max(seeds, adapters, seeds + adapters - both))


def components(estimate: Estimate) -> dict[str, float]:
    """Parts of its variance, which add up to 1: what varies, for people. Empty where nothing is known."""
    if estimate.draws is None:
        return {}
    raw = {key: float(x @ x) / (len(x) * (len(x) - 1)) for key, x in estimate.seeds.items()}
    seeds, adapters = (
        sum(v for key, v in raw.items() if key.startswith(ADAPTERS) is x) for x in (False, True)
    )
    examples = max(0.0, float(estimate.draws.var()) - overlapping(estimate))
    both = over_seeds(estimate)[0] / (seeds + adapters) if seeds + adapters else 0.0
    parts = {
        "test examples": examples,
        "fine-tuning seeds": both * seeds,
        "task adapters": both * adapters,
    }
    total = sum(parts.values())
    return {what: x / total for what, x in parts.items()} if total else {}


def _moderated(estimates: Sequence[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variances over seeds, their degrees of freedom, shapes (estimates,); 0 and infinite with one seed."""
    own = np.array([over_seeds(x) for x in estimates]).reshape(-1, 2)
    variance, freedom = own[:, 0], own[:, 1]
    some = np.isfinite(freedom)
    if some.sum() < 2 or not np.median(variance[some]):
        return variance, freedom
    there = [x for x, is_ in zip(estimates, some, strict=True) if is_]
    v, d = variance[some], freedom[some]
    most = max(float(d.max()), _together(there))
    level, known = _levels(there, v, d, most)
    moderate, free = moderated(v / level, d, most)
    variance[some], freedom[some] = level * moderate, np.minimum(free, np.maximum(d, known))
    return variance, freedom


def _levels(
    estimates: Sequence[Estimate], v: NDArray[np.float64], d: NDArray[np.float64], most: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each, the variance that is common on its test sets, and how well it is known: on one target runs may
    differ far more than on another, whatever was done to the model. 1 and infinite where all rest on the
    same, or each on its own.
    """
    sets = list(dict.fromkeys(x.test_sets for x in estimates))
    if len(sets) in {1, len(estimates)}:
        return np.ones(len(v)), np.full(len(v), np.inf)
    place = np.array([sets.index(x.test_sets) for x in estimates])
    pooled, free = np.empty(len(sets)), np.empty(len(sets))
    for i, one in enumerate(sets):
        own = place == i
        pooled[i] = np.average(v[own], weights=d[own])
        free[i] = max(float(d[own].max()), _together([x for x in estimates if x.test_sets == one]))
    if not np.median(pooled):
        return np.ones(len(v)), np.full(len(v), np.inf)
    level, known = moderated(pooled, free, max(most, float(free.max())))
    return level[place], known[place]


def over_seeds(estimate: Estimate) -> tuple[float, float]:
    """Squared standard error over seeds, groups of runs added up, and its degrees of freedom
    (Satterthwaite 1946).

    Where n fine-tuning seeds are crossed with m task adapters, the means over either have the variance of the
    pairs, S_both / nm, in them, and it is taken off once: S_seeds / n + S_adapters / m - S_both / nm (Owen
    2007), never less than either.
    """
    parts = {key: (float(x @ x) / (len(x) * (len(x) - 1)), len(x) - 1) for key, x in estimate.seeds.items()}
    if not parts:
        return 0.0, np.inf
    total = sum(v for v, _ in parts.values())
    terms = list(parts.values())
    if estimate.crossed:
        sides = ([v for key, (v, _) in parts.items() if key.startswith(ADAPTERS) is x] for x in (True, False))
        most = max(map(sum, sides))
        for x in estimate.crossed.values():
            freedom = (x.shape[0] - 1) * (x.shape[1] - 1)
            terms.append((float((x * x).sum()) / (freedom * x.size), freedom))
        total = max(most, total - sum(v for v, _ in terms[len(parts) :]))
    if not total:  # means over either that are equal, whatever the pairs do
        return 0.0, float(sum(n for _, n in parts.values()))
    return total, total * total / sum(v * v / n for v, n in terms)


def _together(estimates: Sequence[Estimate]) -> float:
    """Degrees of freedom of a mean of their variances over seeds.

    For m variances of d degrees each it is d m^2 / sum of squared correlations of what seeds do to them:
    0 between groups of runs, and within a group the mean of what is seen, corrected for chance.
    """
    found: dict[str, list[NDArray[np.float64]]] = {}
    shares: dict[str, list[float]] = {}
    for estimate in estimates:
        parts = {key: float(x @ x) / (len(x) * (len(x) - 1)) for key, x in estimate.seeds.items() if x.any()}
        for key, variance in parts.items():
            own = estimate.seeds[key]
            found.setdefault(key, []).append(own / np.sqrt(own @ own))
            # What is crossed is in several groups, in each with a part of its variance.
            shares.setdefault(key, []).append(variance / sum(parts.values()) if estimate.crossed else 1.0)
    total, squares = 0.0, 0.0
    for key, units in found.items():
        m, d = len(units), len(units[0]) - 1
        stacked = np.stack(units)
        gram = float(np.square(stacked.T @ stacked).sum())  # the sum of all squared correlations
        others = (gram - m) / (m * (m - 1)) if m > 1 else 0.0
        alike = max(0.0, (others - 1 / d) / (1 - 1 / d)) if d > 1 else 1.0
        share = float(np.mean(shares[key]))
        squares += share * share * (m + m * (m - 1) * alike) / d
        total += share * m
    return total * total / squares if squares else 0.0
