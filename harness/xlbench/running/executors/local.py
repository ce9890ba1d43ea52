"""The executor `local`: in this process, or in worker processes of this machine."""

from __future__ import annotations

import atexit
import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from xlbench.errors import ExecutorError
from xlbench.hookspecs import hookimpl
from xlbench.running.executors import messages
from xlbench.running.executors.channel import receive, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xlbench.contracts import Batches, Executor, Job, Notify, Outcome, Work

PATIENCE = 5.0
"""Seconds that a worker gets to end by itself."""
GLANCE = 0.1
"""Seconds between two looks at whether a worker still lives."""


class Local:
    """Runs jobs in this process where there is one worker, otherwise in as many processes.

    Workers are fresh interpreters, so a caller's script needs no `if __name__ == "__main__"`. They end
    with this process, however it ends.
    """

    name = "local"
    summary = "This machine: one process, or --workers of them"
    settings = None

    def run(
        self, batches: Batches, work: Work, notify: Notify, workers: int, settings: None
    ) -> Iterator[Outcome]:
        """See `contracts.Executor`. Raises ExecutorError where a worker process dies."""
        if workers == 1 or len(batches) == 1:
            return _here(batches, work, notify)
        return _Pool(batches, work, notify, workers).run()


def _here(batches: Batches, work: Work, notify: Notify) -> Iterator[Outcome]:
    work.prepare()
    while (batch := batches.take()) is not None:
        yield from work(batch, notify)


def _died(status: int, job: Job | None) -> str:
    """What to say of a worker process that ended in the middle of its work."""
    why = f"exit status {status}"
    if status < 0:
        why = f"signal {-status}"
    advice = "run the same command again, perhaps with fewer --workers"
    if status == -signal.SIGKILL:
        why = "signal 9, most likely from the system, since memory ran out"
        advice = (
            "run the same command again with fewer --workers; where one is too many, a smaller batch_size of "
            "what it was training needs less, and is another study"
        )
    where = f" at {job.label!r}" if job is not None else ""
    return f"a worker process died{where} ({why}); what is done is kept: {advice}"


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back, here for a moment, and in a process started meanwhile until it says otherwise."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """One process, and a thread that reads what it says."""

    def __init__(self, work: Work, inbox: queue.SimpleQueue[tuple[_Worker, tuple[Any, ...]]]) -> None:
        self.jobs: tuple[Job, ...] = ()
        """What it is at."""
        self.ended: set[int] = set()
        """Numbers of those of them that have ended."""
        with _uninterrupted():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "xlbench.running.executors.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        # A caller may keep an iterator that it never finishes, such as in the frames of its own error.
        atexit.register(self.stop)
        self._inbox = inbox
        self._send(work)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self, jobs: tuple[Job, ...]) -> None:
        """Give it something to do."""
        self.jobs, self.ended = jobs, set()
        self._send(jobs)

    @property
    def at(self) -> Job | None:
        """The job that it is at, or comes to next."""
        return next((job for number, job in enumerate(self.jobs) if number not in self.ended), None)

    def stop(self) -> None:
        """Close its input, at which it ends; kill it if it does not. May be called again."""
        atexit.unregister(self.stop)
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        # A worker that is gone is noticed where its output ends.
        with contextlib.suppress(BrokenPipeError):
            send(self._process.stdin, message)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                self._inbox.put((self, receive(self._process.stdout)))

    def _watch(self) -> None:
        """Tell that the process has ended: its pipe may stay open, in a process that it left behind.

        `Popen.wait` would hold a lock all the while, which nobody gets any more once the interpreter ends.
        """
        while (status := self._process.poll()) is None:
            time.sleep(GLANCE)
        self._listener.join(PATIENCE)
        self._inbox.put((self, ("gone", status)))


class _Pool:
    def __init__(self, batches: Batches, work: Work, notify: Notify, workers: int) -> None:
        self._batches, self._work, self._notify = batches, work, notify
        self._count = min(workers, len(batches))

    def run(self) -> Iterator[Outcome]:
        inbox: queue.SimpleQueue[tuple[_Worker, tuple[Any, ...]]] = queue.SimpleQueue()
        workers: list[_Worker] = []
        try:
            workers += (_Worker(self._work, inbox) for _ in range(self._count))
            while self._distribute(workers):
                yield from self._hear(*inbox.get())
        finally:
            for worker in workers:
                worker.stop()

    def _distribute(self, workers: Iterable[_Worker]) -> bool:
        """Give every idle worker a batch. Whether one is at work."""
        for worker in workers:
            if not worker.jobs and (batch := self._batches.take()) is not None:
                worker.start(batch)
        return any(worker.jobs for worker in workers)

    def _hear(self, worker: _Worker, message: tuple[Any, ...]) -> Iterator[Outcome]:
        match message:
            case ("idle",):
                worker.jobs = ()
            case ("gone", status):
                raise ExecutorError(_died(status, worker.at))
            case _:
                for outcome in messages.hear(worker.jobs, message, self._notify):
                    worker.ended.add(message[1])
                    yield outcome


@hookimpl
def xlbench_executors() -> Iterable[Executor]:
    """Register the executor."""
    yield Local()
