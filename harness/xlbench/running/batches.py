"""Which jobs can be done now: groups stay together, needs come first, what needs a failed job is not run."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from xlbench.contracts import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xlbench.contracts import Job


class Schedule:
    """`contracts.Batches` over jobs in an order that keeps what is needed before what needs it."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        grouped = itertools.groupby(jobs, key=lambda x: x.group or x.condition_key)
        self._waiting = [list(batch) for _, batch in grouped]
        self._open = {job.condition_key for job in jobs}
        """Keys of the jobs that have not ended."""
        self._failed: dict[str, str] = {}

    def take(self) -> tuple[Job, ...] | None:
        """See `contracts.Batches`."""
        for number, batch in enumerate(self._waiting):
            own = {job.condition_key for job in batch}
            if all(need in own or need not in self._open for job in batch for need in job.needs):
                return tuple(self._waiting.pop(number))
        return None

    def __len__(self) -> int:
        return len(self._waiting)

    def ended(self, outcome: Outcome) -> list[Outcome]:
        """Take note of how a job ended. Gives the outcomes of jobs that are now never to be run."""
        self._open.discard(outcome.job.condition_key)
        if outcome.error is None:
            return []
        self._failed[outcome.job.condition_key] = outcome.job.label
        lost = [x for batch in self._waiting for job in batch if (x := self._lost(job)) is not None]
        keys = {x.job.condition_key for x in lost}
        left = ([job for job in batch if job.condition_key not in keys] for batch in self._waiting)
        self._waiting = [batch for batch in left if batch]
        return lost

    def _lost(self, job: Job) -> Outcome | None:
        found = not_run(job, self._failed)
        if found is not None:
            self._failed[job.condition_key] = job.label
            self._open.discard(job.condition_key)
        return found


def in_turn(jobs: Sequence[Job], do: Callable[[Job], Outcome]) -> Iterator[Outcome]:
    """Do the jobs of a batch, but for those that need one of them that failed."""
    failed: dict[str, str] = {}
    for job in jobs:
        outcome = not_run(job, failed) or do(job)
        if outcome.error is not None:
            failed[job.condition_key] = job.label
        yield outcome


def not_run(job: Job, failed: Mapping[str, str]) -> Outcome | None:
    """The outcome of a job that needs one of those that failed (condition key to label)."""
    need = next((x for x in job.needs if x in failed), None)
    return None if need is None else Outcome(job, 0.0, f"not run, since {failed[need]!r} failed")
