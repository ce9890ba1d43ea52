"""Averages of transfer effects. A language's effect on itself is adaptation, and in none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from xlbench.scores.estimate import Estimate, absent, mean

if TYPE_CHECKING:
    from xlbench.scores.effects import Arm, Effects


def donation(effects: Effects, arm: Arm, targets: Iterable[str]) -> Estimate:
    """Mean effect of `arm` over the targets other than its own language."""
    return mean(effects.effect(arm, target) for target in targets if target != arm.text)


def recipience(effects: Effects, target: str, arms: Iterable[Arm]) -> Estimate:
    """Mean effect on `target` over the arms of languages other than it."""
    return mean(effects.effect(arm, target) for arm in arms if arm.text != target)


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
            signed=effect.signed,
        )


def best(estimates: Mapping[str, Estimate]) -> tuple[tuple[str, ...], float] | None:
    """Names of the largest effect, and the share of draws (0 to 1) in which it is the largest too.

    Several names where effects are exactly equal; their draws are shared out. To do nothing, an effect of 0,
    is a candidate as well: no name where no effect is above 0, with the share of draws in which none is. None
    where an effect is missing, or there is none.
    """
    names = list(estimates)
    values = [x.value for x in estimates.values() if x.value is not None]
    draws = [x.resampled() for x in estimates.values() if x.draws is not None]
    if not names or len(values) < len(names) or len(draws) < len(names):
        return None
    every = np.stack([np.zeros_like(draws[0]), *draws])
    first = every == every.max(axis=0)
    most = max(values)
    if most <= 0:
        return (), float(np.mean(first[0]))
    top = [i for i, x in enumerate(values) if x == most]
    shares = first / first.sum(axis=0)
    return tuple(names[i] for i in top), float(np.mean(shares[[i + 1 for i in top]].sum(axis=0)))
