"""First-order values of runs as a control variate of exact ones: effects on the task loss with the seeds at
hand, and with what many more seeds do to first order.

Of a pair, let y_s be the exact effect of seed s, known of n seeds, and x_s the first-order effect of the same
run, known of these and of m further seeds. With any fixed b,

    mean of y - b (mean of x over the n seeds - mean of x over the m further ones)

has the same expectation as the mean of y, since the seeds of both means of x are drawn alike. Its variance is

    var(y - b x) / n + b^2 var(x) / m

less than var(y) / n where x goes along with y and m is large (Glasserman 2003, section 4.1). The m seeds are
none of the n, so that both parts are independent whatever b is. The slope b is one for all pairs at one
number of steps, of the deviations of y on those of x within each pair: far better known than that of a single
pair with a handful of seeds, which would itself add variance and have intervals cover too seldom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.contracts import digest
from xlbench.scores.spread import ADAPTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.probing import Estimate

FEWEST = 8
"""Degrees of freedom of the slope, below which there is none."""


class Slope(NamedTuple):
    """Of exact effects on first-order ones within a pair."""

    value: float
    correlation: float
    freedom: int
    """Seeds beyond the first of each fine-tuning text, which all its targets share."""


def pooled(
    exact: Sequence[NDArray[np.float64]], linear: Sequence[NDArray[np.float64]], runs: int
) -> Slope | None:
    """The slope over pairs, each with effects of the same seeds, shape (seeds,); `runs`: how many texts were
    fine-tuned on. None where seeds are too few, or do not differ.
    """
    y = [x - x.mean() for x in exact]
    x = [v - v.mean() for v in linear]
    freedom = runs * (min(map(len, y), default=1) - 1)
    xx, yy = (float(sum(v @ v for v in some)) for some in (x, y))
    if freedom < FEWEST or xx == 0 or yy == 0:
        return None
    xy = float(sum(a @ b for a, b in zip(x, y, strict=True)))
    return Slope(xy / xx, xy / (xx * yy) ** 0.5, freedom)


def controlled(
    effect: Estimate, linear: Mapping[int, float], further: Mapping[int, float], slope: float, group: str
) -> Estimate:
    """An exact effect with its control variate. `linear` and `further`: first-order effects by seed, of the
    seeds that the effect has, in the order of their deviations in it, and of others. `group` names the runs
    of the latter, which all targets of a text share.

    What of the spread over seeds comes from test examples is not taken off, since the control takes off some
    of it: intervals are rather too wide than too narrow.
    """
    if effect.value is None or effect.draws is None or len(further) < 2:
        return effect
    x, z = np.array(list(linear.values())), np.array(list(further.values()))
    shift = -slope * (x.mean() - z.mean())
    seeds = dict(effect.seeds)
    own = [key for key, dev in seeds.items() if not key.startswith(ADAPTERS) and len(dev) == len(x)]
    if len(own) != 1:
        return effect
    seeds[own[0]] = seeds[own[0]] - slope * (x - x.mean())
    seeds[f"further {digest([group, len(z)])}"] = slope * (z - z.mean())
    return replace(effect, value=effect.value + shift, draws=effect.draws + shift, seeds=seeds, overlap=None)
