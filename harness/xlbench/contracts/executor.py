"""What an executor is: something that gets jobs done, here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from xlbench.contracts import allowed
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


class Batches(Protocol):
    """The jobs that are left, handed out as they can be done.

    A batch is done by one process, one job after the other: its jobs share a state of the model, and need one
    another or what has ended. What needs a job that failed is never handed out.
    """

    def take(self) -> tuple[Job, ...] | None:
        """The next batch. None: what is left, if anything, waits for an outcome that was not yielded yet."""

    def __len__(self) -> int:
        """Number of batches that nobody has taken."""


class Work(Protocol):
    """Does jobs of one study and stores their results. Can be pickled, as it was before its first job."""

    results: str
    """Absolute path of the folder in which results are stored."""

    def into(self, results: str) -> Work:
        """The same work, whose results are stored in another folder."""

    def prepare(self) -> None:
        """Load the model, so that the first job need not wait for it; kept in this process."""

    def __call__(self, jobs: Sequence[Job], notify: Notify) -> Iterator[Outcome]:
        """Do a batch, and store each result or the record of its failure.

        Raises what makes it pointless to go on: a full disk, a model that cannot be loaded.
        """


@runtime_checkable
class HasCapacity(Protocol):
    """An executor that knows how many batches it has room for at a time, where nobody says how many."""

    def capacity(self, settings: Any) -> int:
        """At least 1. Raises ExecutorError where there is no room at all."""


@runtime_checkable
class Executor(Protocol):
    """Gets jobs done, here or elsewhere. What waits for what, and what a failure stops, is the core's."""

    name: allowed.Name
    summary: str

    @property
    def settings(self) -> type[Any] | None:
        """What may be set for this executor (`--option EXECUTOR.KEY=VALUE`), as `Probe.settings` says it;
        never part of an identity. None: there is nothing to set. A class attribute will do.
        """

    def run(
        self, batches: Batches, work: Work, notify: Notify, workers: int, settings: Any
    ) -> Iterator[Outcome]:
        """Yield outcomes as jobs end, with `workers` batches at a time; done once nothing is at work and
        `batches.take` gives None. `settings` is an instance of `self.settings`. What `work` raises ends the
        run.
        """
