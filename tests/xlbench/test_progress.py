"""What a run shows while it goes on."""

import io

import pytest

from xlbench.contracts import Event, Job, Outcome
from xlbench.output import counted
from xlbench.results.estimate import Meter
from xlbench.running import progress as shown
from xlbench.running.progress import Progress


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
@pytest.mark.parametrize(("count", "noun", "other"), [(1, "job", "jobs"), (2, "jobs", "job,")])
def test_one_job_is_no_jobs(
    stream: io.StringIO, count: int, noun: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream.seek(stream.truncate(0))
    jobs = tuple(Job("p", 1, {"n": n}, (), f"number {n}") for n in range(count))
    with Progress(jobs, Meter(), 1, stream) as progress:
        for job in jobs:
            progress.outcome(Outcome(job, 1.0))
    assert counted(count, "job") == f"{count} {noun}"
    assert f"{noun}" in stream.getvalue()
    assert other not in stream.getvalue()


def test_a_long_job_is_told_of_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(shown.time, "monotonic", lambda: now)
    stream, job = io.StringIO(), Job("p", 1, {}, (), "deu, 100 steps")
    with Progress((job,), Meter(), 1, stream) as progress:
        for minute in range(3):
            for second in range(60):
                now = 100.0 + 60 * minute + second
                progress.event(Event(job, "finetune", minute / 3))
    lines = [x for x in stream.getvalue().splitlines() if "finetune" in x]
    assert lines == [
        "0 of 1 job (0%), estimating: deu, 100 steps: finetune 33%",
        "0 of 1 job (0%), estimating: deu, 100 steps: finetune 67%",
    ]
