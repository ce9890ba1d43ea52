"""Throughput of earlier jobs: what an estimate is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from xlbench.contracts.work import UNITS


def throughput(provenances: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Units of work a second, by the unit's name: medians over stored jobs, from their `seconds` by phase and
    `cost` in units. A phase that did nothing tells nothing; units that no job tells of are left out.
    """
    seen: dict[str, list[float]] = {unit: [] for unit in UNITS}
    for provenance in provenances:
        seconds, cost = provenance.get("seconds", {}), provenance.get("cost", {})
        for unit, (phase, _) in UNITS.items():
            if seconds.get(phase, 0) > 0 and cost.get(unit, 0) > 0:
                seen[unit].append(cost[unit] / seconds[phase])
    return {unit: median(found) for unit, found in seen.items() if found}
