"""The executor `slurm`: batches as arrays of Slurm jobs, by submitit.

What is ready is divided among the tasks of one array, each of which loads the model once. A task notes each
outcome in a file of its own, on the disk that all nodes share, as the results are; this process reads these
files, so that what a lost task had done stays done. A task that is preempted, or that runs into its time
limit, is put into the queue again by submitit, and does what it had not done.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xlbench.errors import ExecutorError
from xlbench.hookspecs import hookimpl
from xlbench.running.executors import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from xlbench.contracts import Batches, Executor, Job, Notify, Outcome, Work

LOOK = {"local": 0.2, "slurm": 5.0}
"""Seconds between two looks at what tasks have noted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`--option slurm.KEY=VALUE`."""

    cluster: Literal["slurm", "local"] = "slurm"
    """`local`: submitit's processes on this machine, to try a study before it goes to the queue."""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    hours: float = 4.0
    """Time limit of each task; a task that runs into it goes on in another."""
    cpus: int = 1
    gpus: int = 0
    memory: float = 8.0
    """In GB, of each task."""
    tasks: int = 8
    """Tasks of an array, and so parallel jobs, where --workers does not say how many."""
    retries: int = 3
    """How often jobs may be submitted again after their task was lost."""


class Slurm:
    """Submits what is ready as arrays; what waits for what is the core's."""

    name = "slurm"
    summary = "A Slurm cluster, by arrays of jobs (--option slurm.partition=NAME); needs xlbench[slurm]"
    settings = Settings

    def capacity(self, settings: Settings) -> int:
        """How many tasks an array has. Raises ExecutorError where nothing can be submitted."""
        _submitit()
        if settings.cluster == "slurm":
            if shutil.which("sbatch") is None:
                raise _no_slurm("there is no sbatch")
            try:
                subprocess.run(
                    ["sinfo", "--noheader"], capture_output=True, text=True, check=True, timeout=60
                )
            except subprocess.CalledProcessError as error:
                raise _no_slurm(" ".join(error.stderr.split()) or "sinfo fails") from error
            except (OSError, subprocess.TimeoutExpired) as error:
                raise _no_slurm(f"no queue answers: {error}") from error
        return settings.tasks

    def run(
        self, batches: Batches, work: Work, notify: Notify, workers: int, settings: Settings
    ) -> Iterator[Outcome]:
        """See `contracts.Executor`. Raises ExecutorError where nothing can be submitted, or the same jobs
        are lost too often.
        """
        queue = _Queue(_submitit(), work, workers, settings)
        tasks: list[_Task] = []
        try:
            while True:
                ready = _all(batches)
                if ready:
                    tasks += queue.submit(ready)
                if not tasks:
                    return
                found = [(task, message) for task in tasks for message in task.news()]
                over = [task for task in tasks if task.is_over()]
                found += ((task, message) for task in over for message in task.news())
                for task, message in found:
                    for outcome in messages.hear(task.jobs, message, notify):
                        task.ended.add(message[1])
                        yield outcome
                tasks = [task for task in tasks if task not in over]
                tasks += queue.again([task for task in over if task.left])
                if not found and not over:
                    time.sleep(LOOK[settings.cluster])
        finally:
            for task in tasks:
                task.cancel()


def _submitit() -> ModuleType:
    try:
        import submitit
    except ImportError:
        raise ExecutorError(
            "the executor slurm needs the package submitit; install it with pip install 'xlbench[slurm]'"
        ) from None
    return submitit  # type: ignore[no-any-return]


def _no_slurm(why: str) -> ExecutorError:
    return ExecutorError(
        f"Slurm cannot be used here ({why}); run this on a node with sbatch, or try the study with --option "
        "slurm.cluster=local"
    )


def _all(batches: Batches) -> list[tuple[Job, ...]]:
    """Every batch that can be done now."""
    found = []
    while (batch := batches.take()) is not None:
        found.append(batch)
    return found


@dataclass
class Array:
    """What one task does, on its node: batches, one after the other, and a line for each outcome."""

    work: Work
    batches: Sequence[tuple[Job, ...]]
    notes: str
    """The file for the lines."""

    def __call__(self) -> None:
        """Do what no line says is done."""
        numbers = _ended(_lines(Path(self.notes))[0])
        with Path(self.notes).open("a", encoding="utf-8") as file:

            def note(*message: Any) -> None:
                file.write(json.dumps(message) + "\n")
                file.flush()
                os.fsync(file.fileno())

            first = 0
            try:
                self.work.prepare()
                for batch in self.batches:
                    own = [(first + n, job) for n, job in enumerate(batch) if first + n not in numbers]
                    first += len(batch)
                    if own:
                        places = [number for number, _ in own]
                        messages.say([job for _, job in own], self.work, _numbered(note, places))
            except BaseException as error:
                note(*messages.last(error))

    def checkpoint(self) -> Any:
        """What goes into the queue when this is preempted, or runs into its time limit: itself."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def _numbered(note: Any, places: Sequence[int]) -> Any:
    """Notes outcomes alone, with the numbers that their jobs have in the task."""

    def say(what: str, number: int, *rest: Any) -> None:
        if what == "outcome":
            note(what, places[number], *rest)

    return say


@dataclass(eq=False)
class _Task:
    """A task as it is seen from here."""

    jobs: tuple[Job, ...]
    notes: Path
    submitted: Any
    losses: int = 0
    """Of its first job, one after the other."""
    ended: set[int] = field(default_factory=set)
    """Numbers of the jobs that have ended."""
    _read: int = 0

    def news(self) -> list[tuple[Any, ...]]:
        """What it noted since this was asked."""
        found, self._read = _lines(self.notes, self._read)
        return [x for x in found if x[0] != "outcome" or x[1] not in self.ended]

    def is_over(self) -> bool:
        """Whether it does no more, for whatever reason."""
        return bool(self.submitted.done()) or len(self.ended) == len(self.jobs)

    @property
    def left(self) -> tuple[Job, ...]:
        """Its jobs that have not ended."""
        return tuple(job for number, job in enumerate(self.jobs) if number not in self.ended)

    def cancel(self) -> None:
        """Take it out of the queue."""
        self.submitted.cancel(check=False)

    def why(self) -> str:
        """What its node says, in a line."""
        error = self.submitted.exception()
        text = "" if error is None else " ".join(str(error).split())
        return (
            f"{self.submitted.state}{f': {text[-200:]}' if text else ''}; see {self.submitted.paths.stderr}"
        )


def _lines(path: Path, start: int = 0) -> tuple[list[tuple[Any, ...]], int]:
    """The whole lines after `start` bytes of a file, and where the next one begins."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read()
    except FileNotFoundError:
        return [], start
    whole = content[: content.rfind(b"\n") + 1]
    return [tuple(json.loads(x)) for x in whole.splitlines()], start + len(whole)


def _ended(lines: Iterable[tuple[Any, ...]]) -> set[int]:
    return {line[1] for line in lines if line[0] == "outcome"}


class _Queue:
    def __init__(self, submitit: ModuleType, work: Work, workers: int, settings: Settings) -> None:
        self._work, self._workers, self._settings = work, workers, settings
        self._folder = Path(work.results) / "slurm"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._executor = submitit.AutoExecutor(self._folder, cluster=settings.cluster)
        except (OSError, RuntimeError) as error:
            raise _no_slurm(" ".join(str(error).split())) from error
        more: dict[str, Any] = {"mem_gb": settings.memory, "timeout_min": max(1, round(settings.hours * 60))}
        if settings.cluster == "slurm":
            named = {x: getattr(settings, x) for x in ("partition", "account", "qos", "constraint")}
            more |= {f"slurm_{key}": value for key, value in named.items() if value is not None}
            more["slurm_array_parallelism"] = workers
        self._executor.update_parameters(
            name="xlbench", cpus_per_task=settings.cpus, gpus_per_node=settings.gpus, **more
        )
        self._submitted = 0

    def submit(self, ready: Sequence[tuple[Job, ...]], losses: int = 0) -> list[_Task]:
        """An array in which batches are divided evenly, neighbours together."""
        count = min(self._workers, len(ready))
        parts = [ready[len(ready) * i // count : len(ready) * (i + 1) // count] for i in range(count)]
        arrays = [Array(self._work, part, str(self._notes())) for part in parts]
        try:
            with self._executor.batch():
                submitted = [self._executor.submit(array) for array in arrays]
        except Exception as error:  # whatever sbatch says
            text = " ".join(str(error).split())
            raise ExecutorError(f"Slurm takes no jobs: {text[-300:]}; what is done is kept") from error
        return [
            _Task(tuple(job for batch in array.batches for job in batch), Path(array.notes), one, losses)
            for array, one in zip(arrays, submitted, strict=True)
        ]

    def again(self, lost: Sequence[_Task]) -> list[_Task]:
        """Submit again what lost tasks had not done, each on its own."""
        found = []
        for task in lost:
            losses = 1 if task.ended else task.losses + 1
            if losses > self._settings.retries:
                raise ExecutorError(
                    f"a task was lost {losses} times before {task.left[0].label!r} ended ({task.why()}); "
                    "give tasks more --option slurm.hours or slurm.memory and run the same command again; "
                    "what is done is kept"
                )
            found += self.submit([task.left], losses)
        return found

    def _notes(self) -> Path:
        self._submitted += 1
        return self._folder / f"{os.getpid()}-{time.time_ns()}-{self._submitted}.jsonl"


@hookimpl
def xlbench_executors() -> Iterable[Executor]:
    """Register the executor."""
    yield Slurm()
