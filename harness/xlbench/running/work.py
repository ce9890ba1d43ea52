"""Doing one job: the probe asks the Lab, the Store keeps the answer. Can be sent to other processes."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, chdir, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench import hub, plugins
from xlbench.contracts import Event, Outcome, Unavailable
from xlbench.errors import (
    ExecutorError,
    JobError,
    MemoryUsedUpError,
    ResultsError,
    XlbenchError,
    ran_out,
    said_of,
    text_of,
)
from xlbench.models import checkpoints
from xlbench.results import Store
from xlbench.running import provenance
from xlbench.running.batches import in_turn
from xlbench.spec.fields import shown
from xlbench.spec.study import parse
from xlbench.studies import planned
from xlbench.studies.missing_data import without, written_in
from xlbench.studies.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xlbench.contracts import Evaluation, Job, Json, Notify, Resolved
    from xlbench.lab import Lab
    from xlbench.plugins import Registry

SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EROFS), "make room"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit (ulimit -n)"),
}
"""Errors of the system with which no other job would end well, and what to do."""


@dataclass
class Room:
    """What a process keeps between jobs."""

    registry: Registry
    resolved: Resolved
    lab: Lab
    store: Store
    facts: dict[str, Json]
    """Provenance that is the same for all jobs."""


@dataclass
class Work:
    """Does jobs of one study. Only what can be pickled is sent; the rest is made where it is used."""

    study: Mapping[str, Json]
    """With all defaults filled in."""
    results: str
    """An absolute path, wherever the work is done."""
    study_id: str
    """As `Store.save_study` gave it."""
    device: str = "auto"
    threads: int | None = None
    """Of torch, in each process."""
    unavailable: tuple[Unavailable, ...] = ()
    """Data that the study does without."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """By language, what its data are written in."""
    planned: Mapping[str, str] = field(default_factory=dict)
    """What `planned.fingerprints` gave: other processes must read the same."""
    known: tuple[Registry, Resolved] | None = None
    """Made already in this process."""
    commits: Mapping[tuple[str, str, str], str] = field(default_factory=hub.known_commits)
    """What revisions of the hub the study was planned with, so that other processes read the same."""
    folder: str = field(default_factory=os.getcwd)
    """Where the study was planned: what its relative paths are relative to."""
    given: tuple[plugins.Given, ...] = ()
    """Plugins that are not installed, for other processes to load."""
    deferred: tuple[str, ...] = ()
    """Plugins that were not imported, and are not in other processes (`Registry.deferred`)."""
    keep_predictions: bool = False
    """Whether what is predicted of each example is stored too."""
    only_here: str = ""
    """Why no other process could do it; empty where others can."""
    _room: Room | None = field(default=None, repr=False)
    _job: tuple[Job, Notify] | None = field(default=None, repr=False)

    def into(self, results: str) -> Work:
        """See `contracts.Work`."""
        return replace(self, results=results, known=None, _room=None, _job=None)

    def __getstate__(self) -> dict[str, Any]:
        """For another process. Raises ExecutorError where none can do it."""
        if self.only_here:
            raise ExecutorError(self.only_here)
        return {**vars(self), "known": None, "_room": None, "_job": None}

    def prepare(self) -> None:
        """Load the model. Raises ModelError and the like where that cannot be done."""
        if self._room is None:
            try:
                with self._at_home():
                    self._room = self._make_room()
            except Exception as error:
                if not ran_out(error):
                    raise
                raise MemoryUsedUpError(
                    "memory ran out while the model and the data were loaded; use fewer --workers or more "
                    "memory (`xlbench plan` says how much a worker needs)"
                ) from error
            self._room.lab.take_seconds()  # loading is no part of any job

    def _at_home(self) -> AbstractContextManager[object]:
        """In the folder where the study was planned, as far as this machine has it."""
        away = Path.cwd() != Path(self.folder) and Path(self.folder).is_dir()
        return chdir(self.folder) if away else nullcontext()

    def __call__(self, jobs: Sequence[Job], notify: Notify) -> Iterator[Outcome]:
        """Do a batch, and store each result or the record of its failure.

        Raises ModelError and the like where the model cannot be loaded, ResultsError where the disk
        takes no more: then no other job could be done either.
        """
        return in_turn(jobs, lambda job: self._do(job, notify))

    def _do(self, job: Job, notify: Notify) -> Outcome:
        self.prepare()
        start, cpu = time.perf_counter(), time.process_time()
        room = self._room
        assert room is not None  # noqa: S101 - just prepared
        self._job = (job, notify)
        seconds: dict[str, float] = {}
        facts = {**room.facts, **provenance.of_job(job, room.resolved, room.registry)}
        error: str | None = None
        try:
            room.lab.begin(job.condition_key)
            with self._at_home():
                probe = room.registry.probes[job.probe]
                evaluations = _evaluations(probe.run(_own(job), room.lab), job)
            seconds = room.lab.take_seconds()
            metrics = {task: one.metric for task, one in room.resolved.tasks.items()}
            facts |= {**provenance.of_text(job, room.resolved), "adapters": room.lab.adapters_used()}
            if halved := room.lab.halved():
                facts["halved"] = list(halved)
            took: dict[str, Json] = {"seconds": dict(seconds), "cpu_seconds": time.process_time() - cpu}
            room.store.write(job, evaluations, {**facts, **took}, metrics)
        except (ResultsError, KeyboardInterrupt):
            raise
        except BaseException as problem:  # a plugin's sys.exit() must not end the run, least of all with 0
            if isinstance(problem, OSError) and problem.errno in SYSTEM:
                raise ResultsError(
                    f"{problem.strerror}: {SYSTEM[problem.errno]} and run the same command again"
                ) from problem
            if ran_out(problem) and not isinstance(problem, JobError):
                problem = _out_of_memory(problem)
            seconds = seconds or room.lab.take_seconds()
            room.store.write_failure(job, problem, {**facts, "seconds": dict(seconds)})
            error = _blamed(problem)
        return Outcome(job, time.perf_counter() - start, error)

    def _make_room(self) -> Room:
        from xlbench.lab import Lab

        registry, resolved = self.known or self._look_up()
        checkpoint = checkpoints.locate(resolved.model)
        store = Store(Path(self.results))
        lab = Lab(
            resolved,
            str(checkpoints.download(checkpoint)),
            store.adapters,
            device=self.device,
            threads=self.threads,
            keep_predictions=self.keep_predictions,
            notify=self._tell,
            gradients=store.gradients,
        )
        planned.check_model(resolved)
        if resolved.study.transfer and not store.has_subwords(self.study_id):
            store.save_subwords(self.study_id, lab.subwords())
        facts = provenance.of_process(lab.device, resolved, registry)
        return Room(registry, resolved, lab, store, facts)

    def _look_up(self) -> tuple[Registry, Resolved]:
        study, registry = plugins.settle(
            parse(self.study), plugins.load(given=self.given, deferred=self.deferred)
        )
        hub.remember(self.commits)
        rest = without(resolve(study, registry), self.unavailable)
        found = written_in(rest, self.scripts)
        planned.check(self.planned, found)
        return registry, found

    def _tell(self, phase: str, fraction: float) -> None:
        if self._job is not None:
            job, notify = self._job
            notify(Event(job, phase, fraction))


def _out_of_memory(error: BaseException) -> JobError:
    """What to say of a job where there was nothing to halve; keeps the error as what led to it."""
    found = JobError(
        f"memory ran out ({said_of(error)}); use fewer --workers or more memory, then run the same command "
        "again, which tries this job once more"
    )
    found.__cause__ = error
    return found


def _own(job: Job) -> Job:
    """The same job, whose condition its probe may change without harm."""
    return replace(job, condition=deepcopy(dict(job.condition)))


def _evaluations(given: object, job: Job) -> list[Evaluation]:
    """What a probe gives of a job, as far as the job has cells. Raises JobError for what is no sequence."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise JobError(f"probe {job.probe!r}: run gives {shown(given)}, not a sequence of evaluations")
    return list(islice(given, len(job.cells) + 1))  # one too many is refused where they are stored


def _blamed(error: BaseException) -> str:
    """`one_line`, and of an error that no plugin should raise, the plugin and its line."""
    known = isinstance(error, JobError | XlbenchError)
    where = None if known else plugins.culprit(error)
    return f"{where} failed: {one_line(error)}" if where else one_line(error)


def one_line(error: BaseException) -> str:
    """What went wrong, for people."""
    if isinstance(error, JobError | XlbenchError):
        return " ".join(text_of(error).split())
    return said_of(error)
