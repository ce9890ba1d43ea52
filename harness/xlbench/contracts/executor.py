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
Work: TypeAlias = "Callable[[Job, Notify], Outcome]"
"""Does one job and stores its result. Loads the model when first called, then keeps it."""


@runtime_checkable
class Executor(Protocol):
    """Gets jobs done in an order that keeps `Job.needs` before what needs them."""

    name: str
    summary: str

    def run(self, jobs: Sequence[Job], work: Work, notify: Notify) -> Iterator[Outcome]:
        """Yield outcomes as jobs end. A job whose need failed is yielded as failed, not run."""
