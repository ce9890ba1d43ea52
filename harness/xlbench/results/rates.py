"""How fast earlier jobs were: what an estimate is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Rates:
    """Medians over stored jobs of one model on one device; None where no job tells."""

    finetune_tokens_per_second: float | None = None
    train_examples_per_second: float | None = None
    evaluate_examples_per_second: float | None = None
    adapt_tokens_per_second: float | None = None
    fuse_examples_per_second: float | None = None


_PHASES = {
    "finetune": "finetune_tokens",
    "train adapter": "train_examples",
    "evaluate": "evaluate_examples",
    "train language adapter": "adapt_tokens",
    "tune fusion": "fuse_examples",
}


def rates(provenances: Iterable[Mapping[str, Any]]) -> Rates:
    """From `seconds` by phase and `cost` in units of work; a phase that did nothing tells nothing."""
    seen: dict[str, list[float]] = {phase: [] for phase in _PHASES}
    for provenance in provenances:
        seconds, cost = provenance.get("seconds", {}), provenance.get("cost", {})
        for phase, unit in _PHASES.items():
            if seconds.get(phase, 0) > 0 and cost.get(unit, 0) > 0:
                seen[phase].append(cost[unit] / seconds[phase])
    return Rates(*(median(found) if found else None for found in seen.values()))
