"""A number with its bootstrap draws. What shares draws stays paired under plus, minus and mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import Number

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A value and what it came to in each bootstrap draw; neither where something needed is missing."""

    value: float | None
    draws: NDArray[np.float64] | None = None
    """Shape (draws,). Draw i of all estimates of one task rests on the same resampled data."""
    missing: tuple[str, ...] = ()
    """What is missing, for people. Empty beside a value of None: there is nothing to take a mean of."""

    def number(self) -> Number:
        """The value with its 95% percentile interval (Efron & Tibshirani 1993, chapter 13)."""
        if self.value is None or self.draws is None:
            return Number(self.value, missing=self.missing)
        if not np.isfinite(self.draws).all():
            return Number(self.value)
        low, high = np.quantile(self.draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Number(self.value, float(low), float(high))


def absent(*missing: str) -> Estimate:
    """An estimate that cannot be had, and what is missing for it."""
    return Estimate(None, None, missing)


def difference(one: Estimate, other: Estimate) -> Estimate:
    """`one` minus `other`, paired by draw."""
    if one.value is None or one.draws is None or other.value is None or other.draws is None:
        return absent(*dict.fromkeys(one.missing + other.missing))
    return Estimate(one.value - other.value, one.draws - other.draws)


def mean(estimates: Iterable[Estimate]) -> Estimate:
    """Their mean, paired by draw; empty where one is missing, never taken over what is left."""
    values, draws, missing, empty = [], [], dict[str, None](), False
    for estimate in estimates:
        if estimate.value is None or estimate.draws is None:
            missing.update(dict.fromkeys(estimate.missing))
            empty = True
        else:
            values.append(estimate.value)
            draws.append(estimate.draws)
    if empty or not values:
        return absent(*missing)
    return Estimate(float(np.mean(values)), np.mean(draws, axis=0))
