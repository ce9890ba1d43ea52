"""Interference between language adapters: what others combined with one do to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlbench.scores.effects import Mixture
from xlbench.scores.estimate import Estimate, difference, mean

if TYPE_CHECKING:
    from xlbench.scores.effects import Effects

Pairs = Mapping[tuple[str, str], Estimate]
"""Interference of b on a, by (a, b)."""


def interference(effects: Effects, fused: Mixture, target: str) -> Estimate:
    """s(mix of the set + task, a) - s(a's adapter + task, a) for the member `target`, paired by seed.

    Alone, the adapter is that of the same variant, or, where there is none, that of the study's own settings.
    """
    alone = Mixture((target,), "single", fused.variant)
    if not effects.seeds(alone):
        alone = Mixture((target,))
    return difference(effects.effect(fused, target), effects.effect(alone, target))


def inflicted(pairs: Pairs, by: str) -> Estimate:
    """Mean over the others of what `by` does to them."""
    return mean(x for (_, b), x in pairs.items() if b == by)


def suffered(pairs: Pairs, target: str) -> Estimate:
    """Mean over the others of what they do to `target`."""
    return mean(x for (a, _), x in pairs.items() if a == target)
