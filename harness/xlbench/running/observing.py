"""Telling observers how a run goes, so that nothing of theirs can harm it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from xlbench.contracts import (
    JobEnded,
    JobFailed,
    JobProgressed,
    JobStarted,
    Observer,
    Scored,
    StudyEnded,
    StudyPlanned,
)
from xlbench.errors import said_of
from xlbench.metrics import score_of
from xlbench.output import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xlbench.contracts import Event, Metric, Notify, Observed, Outcome, Tell
    from xlbench.results import Store

Chosen = tuple[Observer, Any]
"""An observer and an instance of its settings."""


@dataclass
class Observing:
    """The observers of one run."""

    chosen: Sequence[Chosen]
    store: Store
    """Of results, at an absolute path."""
    metrics: Mapping[str, Metric]
    """By task."""
    say: Callable[[str], object] = complain
    failed: dict[str, str] = field(default_factory=dict)
    """By observer: its first error."""
    _told: list[tuple[str, Tell]] = field(default_factory=list)
    _started: set[str] = field(default_factory=set)
    _start: float = field(default_factory=monotonic)
    _kept: int = 0
    _failures: int = 0
    _done: int = 0

    @contextmanager
    def watching(self, planned: StudyPlanned) -> Iterator[None]:
        """From the plan to the end of the run, however that comes."""
        self._kept = planned.kept
        for observer, settings in self.chosen:
            with self._harmless(observer.name):
                self._told.append((observer.name, observer.observe(settings)))
        self.tell(planned)
        error = ""
        try:
            yield
        except BaseException as stopped:
            error = "interrupted" if isinstance(stopped, KeyboardInterrupt) else said_of(stopped)
            raise
        finally:
            seconds = monotonic() - self._start
            self.tell(StudyEnded(self._done, self._kept, self._failures, seconds, error))

    def tell(self, what: Observed) -> None:
        """Tell every observer."""
        for name, told in self._told:
            with self._harmless(name):
                told(what)

    def after(self, first: Notify) -> Notify:
        """A function that is told of something inside a job: `first` is told, then the observers."""

        def notify(event: Event) -> None:
            first(event)
            if self._told:
                self._begin(event.job.condition_key, JobStarted(event.job))
                self.tell(JobProgressed(event.job, event.phase, event.fraction))

        return notify

    def outcome(self, outcome: Outcome) -> None:
        """A job has ended."""
        if not self._told:
            return
        job = outcome.job
        if outcome.error is not None:
            self._failures += 1
            self.tell(JobFailed(job, outcome.seconds, outcome.error))
            return
        self._done += 1
        self._begin(job.condition_key, JobStarted(job))
        scores = []
        for record in self.store.read([file := self.store.file(job)]):
            one = record.evaluation
            if not one.is_scored:
                continue
            metric = self.metrics[one.cell.task]
            score = float(score_of(metric.score, one.counts))
            scores.append(Scored(one.cell.task, one.cell.target, metric.name, score, len(one.counts)))
        self.tell(JobEnded(job, outcome.seconds, tuple(scores), Path(file.path)))

    def _begin(self, key: str, what: JobStarted) -> None:
        if key not in self._started:
            self._started.add(key)
            self.tell(what)

    @contextmanager
    def _harmless(self, name: str) -> Iterator[None]:
        """Report the first error of an observer, and go on; only Ctrl-C passes."""
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # its sys.exit() must not end the run, least of all with 0
            if name not in self.failed:
                self.failed[name] = said_of(error)
                self.say(
                    f"the observer {name!r} failed: {said_of(error)}; the run goes on, and further errors of "
                    "it are not shown"
                )
