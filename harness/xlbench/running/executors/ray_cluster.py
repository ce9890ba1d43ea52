"""The executor `ray`: workers on the nodes of a Ray cluster, or on this machine.

A worker is an actor with the model in memory. It sends back, as a stream, what happens to its batch. A worker
that is lost with its node or process is replaced, and the jobs of its batch that had not ended run again: a
result is stored under the name of its job, so that what ran twice is stored once.
"""

from __future__ import annotations

import os
import queue
import socket
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.errors import ExecutorError
from xlbench.hookspecs import hookimpl
from xlbench.results import Store
from xlbench.running.executors import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from xlbench.contracts import Batches, Executor, Job, Notify, Outcome, Work

KNOCK = 10.0
"""Seconds that a cluster has to answer."""
AHEAD = 64
"""Messages of a worker that may wait for the driver, which then holds the worker up."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`--option ray.KEY=VALUE`."""

    address: str | None = None
    """Of a cluster that runs: "auto", or HOST:PORT. None: a cluster of this machine alone, for this run."""
    cpus: float = 1.0
    """Processors that each worker takes."""
    gpus: float = 0.0
    """Accelerators that each worker takes; a share, such as 0.25, for several workers on one."""
    retries: int = 3
    """How often a batch may be begun again after its worker was lost."""
    shared: bool = True
    """Whether all nodes see the folder of results under its path here. Otherwise results are sent to this
    process, which stores them, and each worker trains the adapters that it needs."""


class Ray:
    """Runs batches on a Ray cluster; what waits for what is the core's."""

    name = "ray"
    summary = "A Ray cluster (--option ray.address=auto), or this machine; needs xlbench[ray]"
    settings = Settings

    def capacity(self, settings: Settings) -> int:
        """How many workers the cluster has room for now."""
        with _Connection(settings) as ray:
            there = ray.cluster_resources()
            room = [int(there.get("CPU", 0.0) / settings.cpus)] if settings.cpus else []
            if settings.gpus:
                room.append(int(there.get("GPU", 0.0) / settings.gpus))
            if not room or min(room) < 1:
                raise ExecutorError(
                    f"the Ray cluster has {there.get('CPU', 0.0):g} processors and "
                    f"{there.get('GPU', 0.0):g} accelerators, too few for a worker of "
                    f"{settings.cpus:g} and {settings.gpus:g}; set --option ray.cpus and ray.gpus"
                )
            return min(room)

    def run(
        self, batches: Batches, work: Work, notify: Notify, workers: int, settings: Settings
    ) -> Iterator[Outcome]:
        """See `contracts.Executor`. Raises ExecutorError where the cluster cannot be reached, has no room, or
        loses the same batch too often.
        """
        with _Connection(settings) as ray:
            yield from _Run(ray, batches, work, notify, workers, settings).run()


class _Connection:
    """A Ray cluster for a while; one that was connected before stays so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = False

    def __enter__(self) -> ModuleType:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise ExecutorError(
                "the executor ray needs the package ray; install it with pip install 'xlbench[ray]'"
            ) from None
        if not ray.is_initialized():
            own = {} if self._settings.address else {"include_dashboard": False}
            try:
                _knock(self._settings.address)
                ray.init(address=self._settings.address, logging_level="ERROR", log_to_driver=False, **own)
            except (OSError, ValueError, RuntimeError) as error:
                text = " ".join(str(error).split())
                raise ExecutorError(
                    f"no Ray cluster at {self._settings.address or 'this machine'}: {text}; start one with "
                    "`ray start --head`, or leave out --option ray.address"
                ) from error
            self._own = True
        return ray  # type: ignore[no-any-return]

    def __exit__(self, *_: object) -> None:
        if self._own:
            import ray

            ray.shutdown()


def _knock(address: str | None) -> None:
    """Raise OSError where nothing listens at HOST:PORT: Ray itself goes on trying for minutes."""
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if host and port.isascii() and port.isdigit():
        socket.create_connection((host, int(port)), KNOCK).close()


@dataclass(eq=False)
class _Batch:
    """Jobs that go to one worker, those that ended left out when they go to another."""

    jobs: tuple[Job, ...]
    losses: int = 0
    """Of its first job, one after the other."""


@dataclass(eq=False)
class _Worker:
    actor: Any
    batch: _Batch = field(default_factory=lambda: _Batch(()))
    ended: set[int] = field(default_factory=set)
    """Numbers of the jobs of the batch that have ended."""


class _Run:
    def __init__(
        self,
        ray: ModuleType,
        batches: Batches,
        work: Work,
        notify: Notify,
        workers: int,
        settings: Settings,
    ) -> None:
        self._ray, self._batches, self._notify = ray, batches, notify
        self._count, self._settings = min(workers, len(batches)), settings
        self._actor = ray.remote(num_cpus=settings.cpus, num_gpus=settings.gpus, max_restarts=0)(Remote)
        self._work = ray.put(work)
        self._results = Path(work.results)
        self._lost: deque[_Batch] = deque()
        self._starting: dict[Any, _Worker] = {}
        self._failed = 0

    def run(self) -> Iterator[Outcome]:
        # Only a worker that has begun is given a batch: where a node was lost, there may be no room for
        # another before those that are there have ended.
        idle: list[_Worker] = []
        streams: dict[Any, _Worker] = {}
        for _ in range(self._count):
            self._start()
        try:
            while True:
                while idle and (batch := self._next()) is not None:
                    worker = idle.pop()
                    worker.batch, worker.ended = batch, set()
                    streams[self._give(worker)] = worker
                if idle and not streams:
                    return
                ready, _ = self._ray.wait([*streams, *self._starting], num_returns=1, fetch_local=False)
                for stream in ready:
                    if stream in self._starting:
                        idle += self._started(stream)
                        continue
                    worker = streams[stream]
                    try:
                        message = self._ray.get(next(stream))
                    except StopIteration:
                        del streams[stream]
                        idle.append(worker)
                        continue
                    except self._ray.exceptions.RayError as error:
                        del streams[stream]
                        self._replace(worker, error)
                        continue
                    yield from self._hear(worker, message)
        finally:
            for worker in (*idle, *streams.values(), *self._starting.values()):
                self._ray.kill(worker.actor)

    def _start(self) -> None:
        worker = _Worker(self._actor.remote(self._work, self._settings.shared))
        self._starting[worker.actor.is_there.remote()] = worker

    def _started(self, answer: Any) -> list[_Worker]:
        """The worker that has begun; none where it was lost at once, and another one is started. Raises
        ExecutorError where that happens too often.
        """
        worker = self._starting.pop(answer)
        try:
            self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            self._failed += 1
            if self._failed > self._settings.retries:
                raise ExecutorError(
                    f"a worker was lost {self._failed} times before it began ({type(error).__name__}); see "
                    "the logs of Ray on its nodes, and run the same command again; what is done is kept"
                ) from error
            self._start()
            return []
        self._failed = 0
        return [worker]

    def _next(self) -> _Batch | None:
        if self._lost:
            return self._lost.popleft()
        jobs = self._batches.take()
        return None if jobs is None else _Batch(jobs)

    def _give(self, worker: _Worker) -> Any:
        do = worker.actor.do.options(
            num_returns="streaming", _generator_backpressure_num_objects=AHEAD, max_task_retries=0
        )
        return do.remote(worker.batch.jobs)

    def _replace(self, worker: _Worker, error: Exception) -> None:
        """Start another worker, and have the jobs that the lost one had not ended begun again, by whoever is
        there first. Raises ExecutorError where that happened too often.
        """
        batch, ended = worker.batch, worker.ended
        self._ray.kill(worker.actor)
        left = tuple(job for number, job in enumerate(batch.jobs) if number not in ended)
        losses = 1 if ended else batch.losses + 1
        if left and losses > self._settings.retries:
            raise ExecutorError(
                f"a worker was lost {losses} times at {left[0].label!r} ({type(error).__name__}); run the "
                "same command again, perhaps with more memory for each worker (--option ray.cpus=2); what is "
                "done is kept"
            )
        if left:
            self._lost.append(_Batch(left, losses))
        self._start()

    def _hear(self, worker: _Worker, message: tuple[Any, ...]) -> Iterator[Outcome]:
        if message[0] == "file":
            Store(self._results).receive(*message[1:])
            return
        for outcome in messages.hear(worker.batch.jobs, message, self._notify):
            worker.ended.add(message[1])
            yield outcome


class Remote:
    """A worker, in a process of its own on some node. A thread of its own has the model: torch's settings of
    a thread, and what it computes, are then the same for all batches.
    """

    def __init__(self, work: Work, shared: bool) -> None:
        self._aside = None if shared else Path(tempfile.mkdtemp(prefix="xlbench-"))
        self._work = work if self._aside is None else work.into(str(self._aside))
        self._given: queue.SimpleQueue[tuple[tuple[Job, ...], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def is_there(self) -> None:
        """Answer, once the worker has begun."""

    def do(self, jobs: tuple[Job, ...]) -> Iterator[tuple[Any, ...]]:
        """Do a batch; what happens, as `messages`, and ("file", name, content) of each result that is to be
        stored elsewhere, before its outcome.
        """
        said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._given.put((jobs, said))
        while (message := said.get()) is not None:
            if message[0] == "outcome":
                yield from self._files()
            yield message

    def _serve(self) -> None:
        while True:
            jobs, said = self._given.get()
            try:
                self._work.prepare()
                messages.say(jobs, self._work, lambda *message, to=said: to.put(message))
            except BaseException as error:
                said.put(messages.last(error))
            said.put(None)

    def _files(self) -> Iterator[tuple[Any, ...]]:
        if self._aside is not None:
            for path in (self._aside / "jobs").glob("[!.]*.parquet"):
                yield "file", path.name, path.read_bytes()
                path.unlink()


@hookimpl
def xlbench_executors() -> Iterable[Executor]:
    """Register the executor."""
    yield Ray()
