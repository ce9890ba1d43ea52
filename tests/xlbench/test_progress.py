"""What a run shows while it goes on."""

import io

import pytest

from xlbench.contracts import Job, Outcome
from xlbench.results.estimate import Meter
from xlbench.running.progress import Progress, counted


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
