"""Conditions of the probe `transfer`, and averages of their effects. A language's effect on itself is
adaptation, and in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.contracts.mixture import has
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import Estimate, counted, mean

if TYPE_CHECKING:
    from xlbench.contracts import Json
    from xlbench.probing import Effects


@dataclass(frozen=True, slots=True)
class Arm:
    """Finetuning on a text."""

    text: str
    """ISO 639-3 of the transfer language."""
    steps: int
    treatment: str = PLAIN

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Each arm has its own: two runs of one seed have nothing in common."""
        return [self.text, self.steps, self.treatment]

    def describe(self) -> str:
        """For people, where something is missing."""
        text = self.text if self.treatment == PLAIN else f"{self.text} {self.treatment}"
        return f"{text}, {counted(self.steps, 'step')}"


def donation(effects: Effects, arm: Arm, targets: Iterable[str]) -> Estimate:
    """Mean effect of `arm` over the targets other than its own languages."""
    return mean(effects.effect(arm, target) for target in targets if not has(arm.text, target))


def recipience(effects: Effects, target: str, arms: Iterable[Arm]) -> Estimate:
    """Mean effect on `target` over the arms of languages other than it."""
    return mean(effects.effect(arm, target) for arm in arms if not has(arm.text, target))
