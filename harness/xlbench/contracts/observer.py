"""What an observer is: something that is told how a run goes, such as a tracker of experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import allowed
    from xlbench.contracts.cell import Json
    from xlbench.contracts.probe import Job


@dataclass(frozen=True, slots=True)
class StudyPlanned:
    """A study is about to run."""

    study_id: str
    """The same whenever the study goes on: what a tracker resumes by."""
    results: Path
    """Folder of results, absolute."""
    study: Mapping[str, Json]
    """With all defaults filled in."""
    jobs: tuple[Job, ...]
    """Jobs to run; of an adaptive study, those of its first round."""
    kept: int
    """Jobs that were done before."""


@dataclass(frozen=True, slots=True)
class JobStarted:
    """A job has begun. Told just before its end by an executor that does not say earlier."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """A job goes on."""

    job: Job
    phase: str
    """"finetune", "train adapter", "evaluate"."""
    fraction: float
    """Of the phase, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of one evaluation of a job."""

    task: str
    target: str
    metric: str
    score: float
    """In the metric's unit."""
    examples: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job has ended well, and its results are stored."""

    job: Job
    seconds: float
    scores: tuple[Scored, ...]
    path: Path
    """The file of its results."""


@dataclass(frozen=True, slots=True)
class JobFailed:
    """A job has failed, or is not run since one that it needs has failed."""

    job: Job
    seconds: float
    error: str
    """One line."""


@dataclass(frozen=True, slots=True)
class StudyEnded:
    """The run is over, or was stopped."""

    run: int
    """Jobs done now."""
    kept: int
    """Jobs that were done before."""
    failed: int
    seconds: float
    error: str = ""
    """One line, where the run was stopped before its end."""


Observed: TypeAlias = StudyPlanned | JobStarted | JobProgressed | JobEnded | JobFailed | StudyEnded
Tell: TypeAlias = "Callable[[Observed], object]"


@runtime_checkable
class Observer(Protocol):
    """Told how a run goes, in the process that the run was started in, whatever the executor.

    An observer changes no result. The first error of its own is reported in one line, and the run goes on.
    """

    name: allowed.OptionName
    summary: str

    @property
    def settings(self) -> type[Any] | None:
        """What may be set for this observer (`--option OBSERVER.KEY=VALUE`), as `Probe.settings` says it;
        never part of an identity. None: there is nothing to set. A class attribute will do.
        """

    def observe(self, settings: Any) -> Tell:
        """Begin to observe a run, with an instance of `self.settings`. Gives a function that is told of
        everything, in order: the study is planned, jobs start, progress and end or fail, the study ends.
        """
