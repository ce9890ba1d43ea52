"""A number and how far it may be off. What shares data stays paired under plus, minus and mean.

The variance has two parts, as the data have two levels: test examples, by a bootstrap of them, and
seeds, by the spread of the runs. `docs/explanation/statistics.md` derives it and shows its calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Number
from xlbench.scores.bootstrap import all_weights, generator
from xlbench.scores.spread import Spread, over_seeds, overlapping, spreads

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A value and what it varies with; neither where something needed is missing."""

    value: float | None
    draws: NDArray[np.float64] | None = None
    """Shape (draws,). Draw i of all estimates of one task rests on the same resampled test examples; the
    runs are as they are."""
    missing: tuple[str, ...] = ()
    """What is missing, for people. Empty beside a value of None: there is nothing to take a mean of."""
    null: NDArray[np.float64] | None = None
    """Shape (draws,), of a difference: what it comes to where each example's two sides are swapped at
    random, the same examples in all that shares draw i."""
    seeds: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """By group of runs: what each seed adds to the value, less its mean; shape (seeds,)."""
    signed: bool = False
    """Whether it is a difference, or made of differences."""
    overlap: NDArray[np.float64] | None = None
    """Shape (3, fewer draws): draws of a contrast of seeds, of task adapters, and of both at once. The sum of
    the first two variances less the third is the part of the seeds' spread that comes from test examples,
    which `draws` has already."""
    crossed: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    """By two groups of runs that are crossed: what is left of each pair of seeds without what either adds,
    shape (seeds of the one, seeds of the other)."""
    alone: bool = False
    """Whether it rests on a condition that was run with one seed, so that it says nothing of other runs."""
    test_sets: frozenset[tuple[str, str]] = frozenset()
    """That it rests on: tasks and targets."""

    def spread(self) -> Spread | None:
        """Of this estimate alone; None where draws are missing or not defined."""
        return spreads([self])[0]

    def number(self, spread: Spread | None = None) -> Number:
        """The value with its 95% interval, by its own spread where none is given."""
        spread = spread or self.spread()
        if self.value is None or spread is None:
            return Number(self.value, missing=self.missing, signed=self.signed)
        reach = spread.quantile((1 + LEVEL) / 2) * spread.error
        return Number(self.value, self.value - reach, self.value + reach, signed=self.signed)

    def resampled(self, *, unsure: bool = False) -> NDArray[np.float64]:
        """Two-level bootstrap draws, shape (draws,): seeds, then test examples.

        The same seeds are drawn for all estimates of a group, their deviations stretched to the variance
        that the seeds really show (Davison & Hinkley 1997, section 3.8), less what of it comes from test
        examples, which are drawn already. With `unsure`, what seeds do is drawn from Student's t with as many
        degrees of freedom as their variance has, again alike for all of a group: few seeds have few distinct
        resamples, and say little of how far others would differ. ValueError if there are none.
        """
        if self.draws is None:
            raise ValueError("an estimate that is missing has no draws")
        total = self.draws.copy()
        raw = sum(float(own @ own) / (len(own) * (len(own) - 1)) for own in self.seeds.values())
        twice = overlapping(self)
        if self.crossed:  # what two groups share is in both
            twice += raw - over_seeds(self)[0]
        if raw > twice:
            for key, own in self.seeds.items():
                n = len(own)
                if unsure:
                    total += ((1 - twice / raw) / (n * (n - 1))) ** 0.5 * (_others(key, n, len(total)) @ own)
                    continue
                stretch = ((1 - twice / raw) * n / (n - 1)) ** 0.5
                total += stretch * (_shares(key, n, len(total)) @ own)
        return total


@lru_cache(maxsize=256)
def _shares(key: str, seeds: int, draws: int) -> NDArray[np.float64]:
    """Shape (draws, seeds): the share of each seed of a group in each draw."""
    return all_weights(seeds, draws, generator("seeds", key, seeds)) / seeds


@lru_cache(maxsize=256)
def _others(key: str, seeds: int, draws: int) -> NDArray[np.float64]:
    """Shape (draws, seeds): z / sqrt(c / (seeds - 1)), z normal, c of chi-squared with seeds - 1 degrees of
    freedom, one for all of a draw. Its product with deviations from their mean is Student's t.
    """
    rng = generator("other seeds", key, seeds)
    z, c = rng.standard_normal((draws, seeds)), rng.chisquare(seeds - 1, (draws, 1))
    return np.asarray(z / np.sqrt(c / (seeds - 1)))


def absent(*missing: str) -> Estimate:
    """An estimate that cannot be obtained, and what is missing for it."""
    return Estimate(None, None, missing)


def difference(one: Estimate, other: Estimate) -> Estimate:
    """`one` minus `other`, paired by draw and by seed."""
    return replace(_combined([(1.0, one), (-1.0, other)]), signed=True)


def mean(estimates: Iterable[Estimate]) -> Estimate:
    """Their mean, paired by draw; empty where one is missing, never taken over what is left."""
    each = list(estimates)
    return _combined([(1 / len(each), x) for x in each])


def weighted(parts: Iterable[tuple[float, Estimate]]) -> Estimate:
    """Sum of weight times estimate, paired by draw; empty where one is missing."""
    return _combined(list(parts))


def _combined(parts: list[tuple[float, Estimate]]) -> Estimate:
    """Sum of (weight, estimate)."""
    if not parts or any(x.value is None or x.draws is None for _, x in parts):
        return absent(*dict.fromkeys(text for _, x in parts for text in x.missing))
    seeds: dict[str, Any] = {}
    crossed: dict[tuple[str, str], Any] = {}
    for weight, x in parts:
        for key, own in x.seeds.items():
            seeds[key] = seeds[key] + weight * own if key in seeds else weight * own
        for pair, left in x.crossed.items():
            crossed[pair] = crossed[pair] + weight * left if pair in crossed else weight * left
    return Estimate(
        float(sum(weight * x.value for weight, x in parts if x.value is not None)),
        _sum([(weight, x.draws) for weight, x in parts]),
        null=_sum([(weight, x.null) for weight, x in parts]),
        seeds=seeds,
        signed=any(x.signed for _, x in parts),
        overlap=_sum([(weight, x.overlap) for weight, x in parts if x.overlap is not None]),
        crossed=crossed,
        alone=any(x.alone for _, x in parts),
        test_sets=frozenset().union(*(x.test_sets for _, x in parts)),
    )


def _sum(parts: list[tuple[float, NDArray[np.float64] | None]]) -> NDArray[np.float64] | None:
    """None where there are no parts, or one is None."""
    if not parts or any(x is None for _, x in parts):
        return None
    found: NDArray[np.float64] = np.zeros_like(parts[0][1])
    for weight, x in parts:
        assert x is not None  # noqa: S101 - narrows the type
        found += weight * x
    return found
