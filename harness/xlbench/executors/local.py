"""The executor `local`: in this process, or in worker processes of this machine."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xlbench import hookimpl
from xlbench.contracts import Event, Executor, Job, Notify, Outcome, Work
from xlbench.errors import ExecutorError
from xlbench.executors.channel import receive, send, untold

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

    def run(self, jobs: Sequence[Job], work: Work, notify: Notify, workers: int) -> Iterator[Outcome]:
        """See `contracts.Executor`. Raises ExecutorError where a worker process dies."""
        if workers == 1 or len(jobs) == 1:
            return _here(jobs, work, notify)
        return _Pool(jobs, work, notify, workers).run()


def _here(jobs: Iterable[Job], work: Work, notify: Notify) -> Iterator[Outcome]:
    work.prepare()
    failed: dict[str, str] = {}
    for job in jobs:
        outcome = _blocked(job, failed) or work(job, notify)
        if outcome.error is not None:
            failed[job.condition_key] = job.label
        yield outcome


def _blocked(job: Job, failed: dict[str, str]) -> Outcome | None:
    """The outcome of a job that is not run because one that it needs failed."""
    need = next((x for x in job.needs if x in failed), None)
    return None if need is None else Outcome(job, 0.0, f"not run, since {failed[need]!r} failed")


def _died(status: int, job: Job | None) -> str:
    """What to say of a worker process that ended in the middle of its work."""
    why = f"exit status {status}"
    if status < 0:
        why = f"signal {-status}{', perhaps for want of memory' if status == -9 else ''}"
    where = f" at {job.label!r}" if job is not None else ""
    return (
        f"a worker process died{where} ({why}); run the same command again, perhaps with fewer --workers; "
        "what is done is kept"
    )


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
        self.jobs: list[Job] = []
        """What it is at."""
        with _uninterrupted():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "xlbench.executors.worker"],
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

    def start(self, jobs: list[Job]) -> None:
        """Give it something to do."""
        self.jobs = jobs
        self._send(jobs)

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
    def __init__(self, jobs: Sequence[Job], work: Work, notify: Notify, workers: int) -> None:
        grouped = itertools.groupby(jobs, key=lambda x: x.group or x.condition_key)
        self._waiting = [list(batch) for _, batch in grouped]
        self._open = {job.condition_key for job in jobs}
        """Keys of the jobs that have not ended."""
        self._failed: dict[str, str] = {}
        self._work, self._notify = work, notify
        self._count = min(workers, len(self._waiting))

    def run(self) -> Iterator[Outcome]:
        inbox: queue.SimpleQueue[tuple[_Worker, tuple[Any, ...]]] = queue.SimpleQueue()
        workers: list[_Worker] = []
        try:
            workers += (_Worker(self._work, inbox) for _ in range(self._count))
            while self._open:
                yield from self._distribute(workers)
                if self._open:
                    yield from self._hear(*inbox.get())
        finally:
            for worker in workers:
                worker.stop()

    def _distribute(self, workers: Iterable[_Worker]) -> Iterator[Outcome]:
        """Give every idle worker the first batch that waits for nothing."""
        for worker in workers:
            while not worker.jobs and (batch := self._next()) is not None:
                runnable = []
                for job in batch:
                    if (outcome := _blocked(job, self._failed)) is None:
                        runnable.append(job)
                    else:
                        yield self._ended(outcome)
                if runnable:
                    worker.start(runnable)

    def _next(self) -> list[Job] | None:
        for number, batch in enumerate(self._waiting):
            own = {job.condition_key for job in batch}
            if all(need in own or need not in self._open for job in batch for need in job.needs):
                return self._waiting.pop(number)
        return None

    def _hear(self, worker: _Worker, message: tuple[Any, ...]) -> Iterator[Outcome]:
        match message:
            case ("event", number, phase, fraction):
                self._notify(Event(worker.jobs[number], phase, fraction))
            case ("outcome", number, seconds, error):
                yield self._ended(Outcome(worker.jobs[number], seconds, error))
            case ("idle",):
                worker.jobs = []
            case ("fatal", known, text):
                raise untold(known, text)
            case ("crashed", text):
                raise RuntimeError(f"in a worker process:\n{text}")
            case ("gone", status):
                at = next((x for x in worker.jobs if x.condition_key in self._open), None)
                raise ExecutorError(_died(status, at))

    def _ended(self, outcome: Outcome) -> Outcome:
        self._open.discard(outcome.job.condition_key)
        if outcome.error is not None:
            self._failed[outcome.job.condition_key] = outcome.job.label
        return outcome


@hookimpl
def xlbench_executors() -> Iterable[Executor]:
    """Register the executor."""
    yield Local()
