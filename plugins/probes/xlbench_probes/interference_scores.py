"""Interference between language adapters: what others combined with one do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.probing import Estimate, difference, mean

if TYPE_CHECKING:
    from xlbench.contracts import Json
    from xlbench.probing import Effects

Pairs = Mapping[tuple[str, str], Estimate]
"""Interference of b on a, by (a, b)."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Language adapters under a task adapter."""

    adapters: tuple[str, ...]
    """ISO 639-3, or "random"."""
    mix: str = "single"
    variant: str = ""
    """What differs from the study's own settings."""

    @property
    def draws_of_seeds(self) -> list[Json]:
        """The same for all: a seed trains an adapter the same, alone or combined, so both are paired."""
        return ["language adapters"]

    def describe(self) -> str:
        """For people, where something is missing."""
        return " ".join(x for x in ("+".join(self.adapters), self.mix, self.variant) if x)


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
