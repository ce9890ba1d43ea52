"""A matrix of scores that others have published, as a value; and the metric that its scores are of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xlbench.contracts.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts.cell import Json
    from xlbench.contracts.probe import Job

Pair: TypeAlias = tuple[str, str]
"""Source and target, ISO 639-3."""

KEY = "published"
"""Under which a job's condition says which file its scores are from."""


@dataclass(frozen=True, slots=True)
class Published:
    """Scores of pairs of languages, higher is better, and where they come from."""

    scores: Mapping[Pair, float]
    """In the unit of the file. A language's score on itself is among them, where the file has it."""
    name: str
    """Of the file, without folder."""
    sha256: str
    """64 hexadecimal digits of the file's content."""
    layout: str
    """How it was read, for people: "long, scores in the column f1", "wide, rows are sources"."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Columns of a long layout that say the same on every line that was read, such as `model_id`."""
    skipped: tuple[str, ...] = ()
    """Identifiers that are no language, where these were to be skipped."""

    @property
    def sources(self) -> tuple[str, ...]:
        """In the file's order."""
        return tuple(dict.fromkeys(f for f, _ in self.scores))

    @property
    def targets(self) -> tuple[str, ...]:
        """In the file's order."""
        return tuple(dict.fromkeys(g for _, g in self.scores))

    def condition(self, source: str, unit: str) -> dict[str, Json]:
        """Of a job with one source's scores: the file's digest and how it was read are in its identity, so
        that it is never taken for what was measured, nor for another file.
        """
        only = ", ".join(f"{k}={v}" for k, v in sorted(self.facts.items()))
        return {
            KEY: {"source": source, "sha256": self.sha256, "layout": self.layout, "lines": only, "unit": unit}
        }


def source_of(condition: Mapping[str, Any]) -> str | None:
    """The source language of a job with published scores; None of any other."""
    said = condition.get(KEY)
    return str(said["source"]) if isinstance(said, Mapping) and "source" in said else None


def metric_of(condition: Mapping[str, Any]) -> Metric | None:
    """The metric of a job with published scores, which have no test examples; None of any other."""
    said = condition.get(KEY)
    if not isinstance(said, Mapping):
        return None
    return Metric(
        "published score",
        ("score", "files"),
        _uncounted,
        _mean,
        lowest=-math.inf,
        highest=math.inf,
        unit=str(said.get("unit", "points")),
        counts="real",
    )


def metrics_of(jobs: Iterable[Job]) -> dict[str, Metric]:
    """By task: the metrics of jobs with published scores."""
    found: dict[str, Metric] = {}
    for job in jobs:
        if (metric := metric_of(job.condition)) is not None:
            found |= {cell.task: metric for cell in job.cells}
    return found


def _uncounted(gold: Any, predicted: Any) -> tuple[float, ...]:
    raise ValueError("published scores have no test examples")


def _mean(sums: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))
