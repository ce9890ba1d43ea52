"""Work without a model, for `benchmarks.executors`: it stores random counts as results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import Evaluation, Outcome
from xlbench.metrics import accuracy
from xlbench.results import Store
from xlbench.running.batches import in_turn

if TYPE_CHECKING:
    from xlbench.contracts import Job, Notify

EXAMPLES = 10
"""Of a cell."""


@dataclass
class Stub:
    """Stores a result for every job."""

    results: str

    def into(self, results: str) -> Stub:
        """See `contracts.Work`."""
        return replace(self, results=results)

    def prepare(self) -> None:
        """See `contracts.Work`."""

    def __call__(self, jobs: Sequence[Job], notify: Notify) -> Iterator[Outcome]:
        """See `contracts.Work`."""
        return in_turn(jobs, self._do)

    def _do(self, job: Job) -> Outcome:
        rng = np.random.default_rng(int(job.condition_key[:8], 16))
        counts = np.ones((len(job.cells), EXAMPLES, 2), np.int32)
        counts[..., 0] = rng.integers(0, 2, counts.shape[:2])
        found = [Evaluation(cell, own) for cell, own in zip(job.cells, counts, strict=True)]
        Store(Path(self.results)).write(job, found, {"device": "cpu"}, {"t": accuracy()})
        return Outcome(job, 0.0)
