"""How long work takes: from stored timings, from what this run has shown so far, or not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xlbench.contracts import Cost

if TYPE_CHECKING:
    from xlbench.results import Rates

UNITS = {
    "finetune": "finetune_tokens",
    "train adapter": "train_examples",
    "evaluate": "evaluate_examples",
    "train language adapter": "adapt_tokens",
    "tune fusion": "fuse_examples",
}
"""The phases of the Lab, and the unit of `Cost` that each works off."""
RELATIVE = {
    "finetune_tokens": 3.0,
    "train_examples": 120.0,
    "evaluate_examples": 40.0,
    "adapt_tokens": 3.0,
    "fuse_examples": 120.0,
}
"""Rough seconds a unit in relation to each other, in forward passes of one piece: a backward pass costs
two forward ones, and an example has about 40 pieces. Used for units of which no time is known yet."""


def total(costs: Iterable[Cost]) -> Cost:
    """The sum."""
    found = list(costs)
    return Cost(
        sum(x.finetune_tokens for x in found),
        sum(x.train_examples for x in found),
        sum(x.evaluate_examples for x in found),
        sum(x.adapt_tokens for x in found),
        sum(x.fuse_examples for x in found),
    )


@dataclass
class Meter:
    """Seconds a unit of work, measured as jobs end."""

    known: dict[str, float] = field(default_factory=dict)
    """Seconds a unit from earlier runs or a calibration."""
    units: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    jobs: int = 0
    other: float = 0.0
    """Seconds outside the known phases: loading, tokenizing, storing."""

    @classmethod
    def of(cls, rates: Rates | None) -> Meter:
        """A meter that begins with known rates."""
        if rates is None:
            return cls()
        given = {
            "finetune_tokens": rates.finetune_tokens_per_second,
            "train_examples": rates.train_examples_per_second,
            "evaluate_examples": rates.evaluate_examples_per_second,
            "adapt_tokens": rates.adapt_tokens_per_second,
            "fuse_examples": rates.fuse_examples_per_second,
        }
        return cls({unit: 1 / rate for unit, rate in given.items() if rate})

    def add(self, cost: Cost, phases: Mapping[str, float], whole: float) -> None:
        """One job has ended: its cost, its seconds by phase, and in all."""
        self.jobs += 1
        for phase, unit in UNITS.items():
            done, took = getattr(cost, unit), phases.get(phase, 0.0)
            if done and took:
                self.units[unit] = self.units.get(unit, 0) + done
                self.seconds[unit] = self.seconds.get(unit, 0.0) + took
                whole -= took
        self.other += max(whole, 0.0)

    def knows(self, cost: Cost) -> bool:
        """Whether there is a rate for every unit that `cost` has."""
        return all(unit in self.known or unit in self.units for unit in RELATIVE if getattr(cost, unit))

    def estimate(self, cost: Cost, jobs: int = 0) -> float | None:
        """Seconds of one worker for `cost`, in `jobs` jobs; None while nothing is known."""
        rates = {**self.known, **{unit: self.seconds[unit] / n for unit, n in self.units.items()}}
        if not rates:
            return None
        scale = sum(rate / RELATIVE[unit] for unit, rate in rates.items()) / len(rates)
        work = 0.0
        for unit, relative in RELATIVE.items():
            work += getattr(cost, unit) * rates.get(unit, relative * scale)
        return work + (jobs * self.other / self.jobs if self.jobs else 0.0)


def passes(cost: Cost) -> float:
    """Rough work in forward passes of one piece, the same on every machine."""
    return float(sum(getattr(cost, unit) * relative for unit, relative in RELATIVE.items()))
