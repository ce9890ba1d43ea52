"""Work that can be sent to real worker processes: it writes down what it did, and where."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xlbench.contracts import Event, Job, Notify, Outcome
from xlbench.errors import ResultsError
from xlbench.running.batches import in_turn


@dataclass
class CountingWork:
    """Appends a line a job to a file; some numbers mean trouble."""

    log: str
    fails: tuple[int, ...] = ()
    breaks: tuple[int, ...] = ()
    """Jobs after which no other makes sense."""
    dies: tuple[int, ...] = ()
    waits: tuple[int, ...] = ()
    """Jobs that take longer than any test."""
    raises: str = ""
    """What job 1 does instead: the name of a function below."""
    results: str = ""

    def into(self, results: str) -> "CountingWork":
        return replace(self, results=results)

    def prepare(self) -> None:
        print("what a library may print, which must not get between the messages")

    def __call__(self, jobs: Sequence[Job], notify: Notify) -> Iterator[Outcome]:
        return in_turn(jobs, lambda job: self._do(job, notify))

    def _do(self, job: Job, notify: Notify) -> Outcome:
        number = int(str(job.condition["number"]))
        notify(Event(job, "evaluate", 0.5))
        with Path(self.log).open("a") as file:
            file.write(f"{number} {os.getpid()}\n")
        if self.raises and number == 1:
            globals()[self.raises]()
        if number in self.waits:
            time.sleep(600)
        if number in self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.breaks:
            raise ResultsError("the disk is full")
        return Outcome(job, 0.25, "NaN" if number in self.fails else None)

    def lines(self) -> list[tuple[int, int]]:
        """(job, process) in order."""
        if not Path(self.log).exists():
            return []
        return [(int(a), int(b)) for a, b in (x.split() for x in Path(self.log).read_text().splitlines())]


class UnpicklableError(ResultsError):
    """Its arguments are not those that it is made with."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")
        self.held = lambda: one


class SilentError(Exception):
    """It cannot be shown."""

    def __str__(self) -> str:
        raise TypeError


def unpicklable() -> None:
    raise UnpicklableError("this", "that")


def silent() -> None:
    raise SilentError


def leaves() -> None:
    os._exit(0)


def leaves_a_child() -> None:
    """The child keeps the pipes open."""
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    os._exit(3)


def prints() -> None:
    os.write(1, b"\x00xlbench" * 100)
    print("x" * 100_000, flush=True)
    sys.__stdout__.write("y\n")  # type: ignore[union-attr]
    assert sys.stdin.read() == ""
