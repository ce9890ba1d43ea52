"""The scale that what is foreseen has in measured effects, and how far predictions are off.

Measured effects y of transfer language f on target g are taken as

    y_fg = a + b x_fg + u_f + v_g + e_fg,    x_fg foreseen, with standard error s_fg over batches

where u and v are what the scale misses of a whole language, so that cells of one row or column are off
together. What a prediction for another pair is off by is therefore measured on pairs neither of whose
languages took part: for each measured pair, a and b are fitted to all pairs that share no language with it
(least squares), and its residual r_fg has all of u, v and e in it, and what fitting adds. Then

    tau^2 = max(0, mean of r^2 - b^2 mean of s^2),    95% interval: a + b x +- t sqrt(tau^2 + b^2 s^2)

with t of the degrees of freedom that a mean of n squares has whose terms correlate (Satterthwaite 1946):

    n^2 / sum over i and j of rho_ij^2 = n^2 / (n + p^2 P + q^2 Q)

where P pairs share a transfer language and Q a target (each counted both ways), and p and q are the
correlations of their residuals, mean products over mean squares, between 0 and 1. So there are about as many
as transfer languages where only these differ, and as many as cells where languages have nothing in common.
The interval is for what a study with as many seeds as the measured one would find. Its calibration is
measured in `benchmarks/foresight.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pair: TypeAlias = "tuple[str, str]"
FEWEST = 4
"""Transfer languages, and targets, of which effects must be measured for a scale."""
LEVEL = 0.95
"""Of every interval of a prediction."""


class Foreseen(NamedTuple):
    """Of a pair, before any scale."""

    value: float
    error: float
    """Standard error over batches."""


class Scale(NamedTuple):
    """What a unit of what is foreseen comes to in measured effects."""

    intercept: float
    slope: float
    apart: float
    """tau^2."""
    freedom: float
    cells: int

    def predict(self, one: Foreseen, level: float = LEVEL) -> tuple[float, float, float]:
        """The predicted effect of a pair, and the ends of its interval."""
        from scipy.stats import t

        value = self.intercept + self.slope * one.value
        error = (self.apart + (self.slope * one.error) ** 2) ** 0.5
        reach = float(t.ppf((1 + level) / 2, self.freedom)) * error
        return value, value - reach, value + reach


def fit(foreseen: Mapping[Pair, Foreseen], measured: Mapping[Pair, float]) -> Scale | None:
    """The scale of pairs that were measured; None where they are too few, or nothing varies."""
    pairs = [x for x in measured if x in foreseen]
    donors, targets = ({pair[i] for pair in pairs} for i in (0, 1))
    if min(len(donors), len(targets)) < FEWEST:
        return None
    x = np.array([foreseen[pair].value for pair in pairs])
    s = np.array([foreseen[pair].error for pair in pairs])
    y = np.array([measured[pair] for pair in pairs])
    if x.std() == 0:
        return None
    f, g = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    r = np.full(len(pairs), np.nan)
    for i in range(len(pairs)):
        rest = (f != f[i]) & (g != g[i])
        if rest.sum() < 3 or x[rest].std() == 0:
            continue
        a, b = _line(x[rest], y[rest])
        r[i] = y[i] - a - b * x[i]
    known = np.isfinite(r)
    if known.sum() < len(pairs) / 2:
        return None
    a, b = _line(x, y)
    apart = max(0.0, float(np.mean(np.square(r[known]))) - b * b * float(np.mean(s * s)))
    return Scale(a, b, apart, _freedom(r[known], f[known], g[known]), len(pairs))


def _freedom(r: NDArray[np.float64], *languages: NDArray[np.str_]) -> float:
    """Degrees of freedom of the mean of the squares of residuals, of which those that share one of their
    languages correlate.
    """
    n, square, more = len(r), float(np.mean(r * r)), 0.0
    if not square:
        return float(n)
    for one in languages:
        groups = [r[one == x] for x in dict.fromkeys(one)]
        shared = sum(len(x) * (len(x) - 1) for x in groups)
        product = sum(float(x.sum() ** 2 - (x * x).sum()) for x in groups)
        if shared:
            more += min(1.0, max(0.0, product / shared / square)) ** 2 * shared
    return n * n / (n + more)


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Intercept and slope, by least squares."""
    b = float(((x - x.mean()) * (y - y.mean())).sum() / np.square(x - x.mean()).sum())
    return float(y.mean() - b * x.mean()), b
