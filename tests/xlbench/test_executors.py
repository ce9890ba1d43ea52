"""The local executor, in this process and with real worker processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from counting_work import CountingWork

from xlbench.contracts import Event, Job, Outcome
from xlbench.errors import ResultsError, XlbenchError
from xlbench.executors.local import Local

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that worker processes find the work."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def job(number: int, group: str = "", *needs: Job) -> Job:
    return Job("p", 1, {"number": number}, (), f"job {number}", group=group,
               needs=tuple(x.condition_key for x in needs))  # fmt: skip


def run(jobs: list[Job], work: CountingWork, workers: int) -> tuple[list[Outcome], list[Event]]:
    events: list[Event] = []
    return list(Local().run(jobs, work, events.append, workers)), events


@pytest.fixture
def jobs() -> list[Job]:
    """Two that others need, then four groups of three."""
    first, second = job(0, "base"), job(1, "base")
    return [first, second, *(job(10 * g + i, f"g{g}", first, second) for g in range(1, 5) for i in range(3))]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_job_is_done_once_and_what_is_needed_first(
    jobs: list[Job], tmp_path: Path, workers: int
) -> None:
    work = CountingWork(str(tmp_path / "log"))
    outcomes, events = run(jobs, work, workers)
    assert {x.job.label for x in outcomes} == {x.label for x in jobs}
    assert len(outcomes) == len(jobs)
    assert all(x.error is None and x.seconds == 0.25 for x in outcomes)
    assert {(x.job.label, x.phase, x.fraction) for x in events} == {(x.label, "evaluate", 0.5) for x in jobs}
    lines = work.lines()
    assert sorted(n for n, _ in lines) == sorted(int(str(x.condition["number"])) for x in jobs)
    assert {n for n, _ in lines[:2]} == {0, 1}
    where = {g: {pid for n, pid in lines if n // 10 == g} for g in range(1, 5)}
    assert all(len(pids) == 1 for pids in where.values())  # a group stays with one worker
    processes = {pid for _, pid in lines}
    assert (processes == {os.getpid()}) == (workers == 1)
    assert len(processes) <= workers


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_whose_need_failed_is_not_run(tmp_path: Path, workers: int) -> None:
    bad, good = job(0, "a"), job(1, "b")
    after, last, free = job(2, "c", bad), job(3, "c"), job(4, "d", good)
    further = job(5, "a", bad)  # in the very group of what failed
    indirect = job(6, "e", after)
    work = CountingWork(str(tmp_path / "log"), fails=(0,))
    outcomes, _ = run([bad, further, good, after, last, free, indirect], work, workers)
    errors = {x.job.label: x.error for x in outcomes}
    assert errors == {
        "job 0": "NaN",
        "job 1": None,
        "job 2": "not run, since 'job 0' failed",
        "job 3": None,
        "job 4": None,
        "job 5": "not run, since 'job 0' failed",
        "job 6": "not run, since 'job 2' failed",
    }
    assert sorted(n for n, _ in work.lines()) == [0, 1, 3, 4]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_the_run(jobs: list[Job], tmp_path: Path, workers: int) -> None:
    work = CountingWork(str(tmp_path / "log"), breaks=(1,))
    with pytest.raises(ResultsError, match="the disk is full"):
        run(jobs, work, workers)
    assert [n for n, _ in work.lines()] == [0, 1]


def test_a_worker_that_is_killed_ends_the_run_with_advice(jobs: list[Job], tmp_path: Path) -> None:
    work = CountingWork(str(tmp_path / "log"), dies=(1,))
    with pytest.raises(XlbenchError, match=r"worker process died .* fewer --workers"):
        run(jobs, work, 2)


def test_workers_end_when_the_run_is_left(jobs: list[Job], tmp_path: Path) -> None:
    work = CountingWork(str(tmp_path / "log"))
    outcomes = Local().run(jobs, work, lambda event: None, 2)
    next(outcomes)
    children = psutil.Process().children()
    assert children
    outcomes.close()  # type: ignore[attr-defined]
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from counting_work import CountingWork
from xlbench.contracts import Job
from xlbench.executors.local import Local
jobs = [Job("p", 1, {{"number": i}}, (), str(i), group=str(i)) for i in range(4)]
work = CountingWork({log!r}, waits=(0, 1, 2, 3))
# No `if __name__ == "__main__"` here: a plain script may run a study.
for outcome in Local().run(jobs, work, lambda event: print(event.job.label, flush=True), 2):
    print(outcome)
"""


@pytest.fixture
def busy(tmp_path: Path) -> subprocess.Popen[str]:
    """A script with two workers, both at a job that takes for ever."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(TESTS), log=str(tmp_path / "log")))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert {process.stdout.readline().strip() for _ in range(2)} == {"0", "1"}
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_do_not_outlive_the_main_process(busy: subprocess.Popen[str], how: signal.Signals) -> None:
    children = psutil.Process(busy.pid).children()
    assert len(children) == 2
    busy.send_signal(how)
    busy.communicate(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
