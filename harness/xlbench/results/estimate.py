"""How long work takes: from stored timings, from what this run has shown so far, or not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlbench.contracts.work import UNITS, Cost


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
    def of(cls, rates: Mapping[str, float]) -> Meter:
        """A meter that begins with known rates, in units a second."""
        return cls({unit: 1 / rate for unit, rate in rates.items()})

    def add(self, cost: Cost, phases: Mapping[str, float], whole: float) -> None:
        """One job has ended: its cost, its seconds by phase, and in all."""
        self.jobs += 1
        for unit, done in cost.work.items():
            if took := phases.get(UNITS[unit].phase, 0.0):
                self.units[unit] = self.units.get(unit, 0) + done
                self.seconds[unit] = self.seconds.get(unit, 0.0) + took
                whole -= took
        self.other += max(whole, 0.0)

    def knows(self, cost: Cost) -> bool:
        """Whether there is a rate for every unit that `cost` has."""
        return all(unit in self.known or unit in self.units for unit in cost.work)

    def estimate(self, cost: Cost, jobs: int = 0) -> float | None:
        """Seconds of one worker for `cost`, in `jobs` jobs; None while nothing is known."""
        rates = {**self.known, **{unit: self.seconds[unit] / n for unit, n in self.units.items()}}
        if not rates:
            return None
        scale = sum(rate / UNITS[unit].relative for unit, rate in rates.items()) / len(rates)
        work = sum(n * rates.get(unit, UNITS[unit].relative * scale) for unit, n in cost.work.items())
        return work + (jobs * self.other / self.jobs if self.jobs else 0.0)
