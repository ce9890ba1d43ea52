"""Effects in relation to scores, and which of several is the largest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from xlbench.scores.estimate import Estimate, absent

Name = TypeVar("Name", bound=Hashable)


def relative(effect: Estimate, before: Estimate) -> Estimate:
    """`effect` in percent of the absolute zero-shot score `before`, paired, so that a gain stays positive
    where scores are below 0; empty where that score is 0.
    """
    if effect.value is None or effect.draws is None or before.value is None or before.draws is None:
        return absent(*dict.fromkeys(effect.missing + before.missing))
    if before.value == 0:
        return absent("a zero-shot score above 0")
    scale = 100 / abs(before.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Estimate(
            scale * effect.value,
            100 * effect.draws / np.abs(before.draws),
            seeds={key: scale * own for key, own in effect.seeds.items()},
            overlap=None if effect.overlap is None else scale * effect.overlap,
            crossed={pair: scale * left for pair, left in effect.crossed.items()},
            alone=effect.alone,
            test_sets=effect.test_sets,
            signed=effect.signed,
        )


def chances(estimates: Mapping[Name, Estimate]) -> dict[Name | None, float] | None:
    """The share of draws (0 to 1) in which each effect is the largest; shares add up to 1.

    To do nothing, an effect of 0, is a candidate as well, under None. Where several are the largest in a
    draw, they share it. None where an effect is missing, or there is none.
    """
    draws = [
        x.resampled(unsure=True) for x in estimates.values() if x.draws is not None and x.value is not None
    ]
    if not estimates or len(draws) < len(estimates):
        return None
    every = np.stack([np.zeros_like(draws[0]), *draws])
    first = every == every.max(axis=0)
    shares = (first / first.sum(axis=0)).mean(axis=1)
    return dict(zip((None, *estimates), map(float, shares), strict=True))


def best(estimates: Mapping[Name, Estimate]) -> tuple[tuple[Name, ...], float] | None:
    """Names of the largest effect, and the share of draws (0 to 1) in which it is the largest too.

    Several names where effects are exactly equal; their draws are shared out. To do nothing, an effect of 0,
    is a candidate as well: no name where no effect is above 0, with the share of draws in which none is. None
    where an effect is missing, or there is none.
    """
    shares = chances(estimates)
    if shares is None:
        return None
    values = {name: x.value for name, x in estimates.items() if x.value is not None}
    most = max(values.values())
    if most <= 0:
        return (), shares[None]
    top = tuple(name for name, x in values.items() if x == most)
    return top, sum(shares[name] for name in top)
