"""What work jobs are, for estimates: one field per unit, with the phase that works it off and its weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

_UNIT = "xlbench.unit"


class Unit(NamedTuple):
    """A unit of work."""

    phase: str
    """Of the Lab, whose seconds it takes; each unit has one of its own."""
    relative: float
    """Rough seconds in relation to the others, in forward passes of one token: a backward pass costs two
    forward ones, and an example has about 40 tokens. Used where no time is known yet."""


def _unit(phase: str, relative: float) -> Any:
    return field(default=0, metadata={_UNIT: Unit(phase, relative)})


@dataclass(frozen=True, slots=True)
class Cost:
    """Work in a job beside what it shares, for estimates; never part of its identity."""

    finetune_tokens: int = _unit("finetune", 3.0)
    """Tokens seen in fine-tuning: steps x batch x chunk."""
    train_examples: int = _unit("train adapter", 120.0)
    """Examples seen in task-adapter training: examples x epochs."""
    evaluate_examples: int = _unit("evaluate", 40.0)
    adapt_tokens: int = _unit("train language adapter", 3.0)
    """Tokens seen in the training of language adapters."""
    gradient_examples: int = _unit("gradient", 120.0)
    """Examples whose task loss a gradient is taken of."""
    gradient_tokens: int = _unit("pretraining gradients", 3.0)
    """Tokens of text of which a gradient is taken without a step: batches x batch x chunk."""
    fuse_examples: int = _unit("tune fusion", 120.0)
    """Examples seen in the tuning of fusion layers: steps x batch."""

    @property
    def work(self) -> dict[str, int]:
        """How much of each unit there is, of those that there are."""
        return {unit: amount for unit in UNITS if (amount := getattr(self, unit))}


NO_WORK = Cost()
UNITS: Mapping[str, Unit] = {x.name: x.metadata[_UNIT] for x in fields(Cost)}
"""By name of the field of `Cost`."""


def total(costs: Iterable[Cost]) -> Cost:
    """The sum."""
    found = list(costs)
    return Cost(**{unit: sum(getattr(x, unit) for x in found) for unit in UNITS})


def passes(cost: Cost) -> float:
    """Rough work in forward passes of one token, the same on every machine."""
    return sum(amount * UNITS[unit].relative for unit, amount in cost.work.items())
