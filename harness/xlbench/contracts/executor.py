"""What an executor is: something that gets jobs done, here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from xlbench.contracts.probe import Job


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job ended. Its result file is on disk already."""

    job: Job
    seconds: float
    error: str | None = None
    """One line, where the job failed."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is going on inside a job, for the progress display."""

    job: Job
    phase: str
    """"finetune", "train adapter", "evaluate"."""
    fraction: float
    """Of the phase, 0 to 1."""


Notify: TypeAlias = "Callable[[Event], None]"


class Work(Protocol):
    """Does jobs of one study and stores their results. Can be pickled, as it was before its first job."""

    def prepare(self) -> None:
        """Load the model, so that the first job need not wait for it; kept in this process."""

    def __call__(self, job: Job, notify: Notify) -> Outcome:
        """Do one job, and store its result or the record of its failure.

        Raises what makes it pointless to go on: a full disk, a model that cannot be loaded.
        """


@runtime_checkable
class Executor(Protocol):
    """Gets jobs done in an order that keeps `Job.needs` before what needs them."""

    name: str
    summary: str

    def run(self, jobs: Sequence[Job], work: Work, notify: Notify, workers: int) -> Iterator[Outcome]:
        """Yield outcomes as jobs end, with `workers` jobs at a time.
        A job whose need failed is yielded as failed, not run. What `work` raises ends the run.
        """
