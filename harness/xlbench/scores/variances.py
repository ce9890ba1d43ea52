"""Many variances, each hardly known, that say something of one another (hierarchical model, Smyth 2004).

The truths behind variances v of d degrees of freedom are scattered about a common one, c: each is c s over
chi-squared with s degrees of freedom, so that v / c has the F distribution of d and s (Smyth 2004, section
3). How far they are scattered is hardly known itself. One best guess of s, which is infinite as soon as what
is seen could be chance, takes the largest variances for chance too, just where claims are then made; so c and
s are integrated over, the standard deviation of the logarithms of the truths being anywhere from 0 to 3.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDEST = 3.0
"""Standard deviation of the logarithms of true variances: a factor of 20 either way."""
_SCATTERS = 13
_PARTS, _FEW_PARTS, _MANY = 15, 3, 100
"""Quantiles that stand for the distribution of c; fewer where it is narrow, as from `_MANY` variances on."""
_BODY, _TAIL = 0.975, 0.9997
"""Where Student's t is matched: at intervals of 95%, and where the first of a hundred tests is claimed."""
_LIKELY = 1e-3


def moderated(
    variance: NDArray[np.float64], freedom: NDArray[np.float64], most: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is known of each by all of them: variance and degrees of freedom of Student's t, shapes as given.

    Where c and s are known, an estimate is off by Student's t of s + d degrees of freedom and the variance
    (s c + d v) / (s + d). The mixture of these over c and s has the two quantiles of what is returned.
    `most`: degrees of freedom that all have together, fewer than their sum where they rest on the same runs.
    """
    from scipy.special import stdtr, stdtrit

    v, d = np.maximum(variance, 1e-5 * np.median(variance)), freedom
    weight, common, strength = _posterior(v, d)
    with np.errstate(invalid="ignore"):
        mixed = np.where(np.isinf(strength), common, (strength * common + d * v) / (strength + d))
    known = np.minimum(strength + d, most)
    scale = np.sqrt(mixed)
    found = []
    for p in (_BODY, _TAIL):
        each = np.log(scale * stdtrit(known, p))
        low, high = each.min(axis=0), each.max(axis=0)
        for _ in range(20):
            middle = (low + high) / 2
            beyond = weight @ stdtr(known, np.exp(middle) / scale) > p
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        found.append(np.exp((low + high) / 2))
    body, tail = found
    ratios, freedoms = _tails()
    matched = np.minimum(np.exp(np.interp(-tail / body, -ratios, freedoms)), most)
    return np.square(body / stdtrit(matched, _BODY)), matched


def _posterior(
    v: NDArray[np.float64], d: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights, shape (n,), which add up to 1, of values of c and of s, shapes (n, 1)."""
    start = np.linspace(np.log(v.min()) - 2, np.log(v.max()) + 2, 141)
    parts = _FEW_PARTS if len(v) >= _MANY else _PARTS
    heights, commons = [], []
    for s in _strengths():
        coarse = _log_likelihood(v, d, s, start)
        at = np.exp(coarse - coarse.max())
        mean = np.average(start, weights=at)
        error = max(start[1] - start[0], np.average((start - mean) ** 2, weights=at) ** 0.5)
        fine = mean + error * np.linspace(-4, 4, 41)
        height = _log_likelihood(v, d, s, fine)
        most = height.max()
        mass = np.exp(height - most)
        commons.append(
            np.interp((np.arange(parts) + 0.5) / parts, (np.cumsum(mass) - mass / 2) / mass.sum(), fine)
        )
        heights.append(most + np.log(mass.sum() * (fine[1] - fine[0])))
    weights = np.exp(heights - np.max(heights))
    likely = weights > _LIKELY * weights.max()
    weight = np.repeat(weights[likely], parts)
    strength = np.repeat(np.array(_strengths())[likely], parts)
    return weight / weight.sum(), np.exp(np.array(commons)[likely]).reshape(-1, 1), strength[:, None]


def _log_likelihood(
    v: NDArray[np.float64], d: NDArray[np.float64], s: float, logs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of the logarithms of c, up to a constant in c: sum of log densities of log v, v / c being F(d, s)
    distributed, or chi-squared(d) / d where s is infinite. Shape as `logs`.
    """
    from scipy.special import betaln, gammaln

    half = d / 2
    x = half * v * np.exp(-logs)[:, None]
    if np.isinf(s):
        each = half * np.log(x) - x - gammaln(half)
    else:
        x = 2 * x / s
        each = half * np.log(x) - (half + s / 2) * np.log1p(x) - betaln(half, s / 2)
    return np.asarray(each.sum(axis=1))


@cache
def _strengths() -> tuple[float, ...]:
    """Values of s. The logarithms of the truths have the variance trigamma(s / 2)."""
    from scipy.optimize import brentq
    from scipy.special import polygamma

    def of(deviation: float) -> float:
        return 2 * float(brentq(lambda x: float(polygamma(1, x)) - deviation**2, 1e-3, 1e5))

    return (float("inf"), *(of(x) for x in np.linspace(0, _WIDEST, _SCATTERS)[1:]))


@cache
def _tails() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios of the two quantiles of Student's t, falling, and logarithms of its degrees of freedom."""
    from scipy.special import stdtrit

    logs = np.linspace(np.log(0.5), np.log(1e5), 500)
    return np.asarray(stdtrit(np.exp(logs), _TAIL) / stdtrit(np.exp(logs), _BODY)), logs
