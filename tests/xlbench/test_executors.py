"""The local executor, in this process and with real worker processes."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from counting_work import CountingWork
from synthetic import ACCURACY

from xlbench.contracts import Batches, Cell, Evaluation, Event, Job, Notify, Outcome, Work
from xlbench.errors import ExecutorError, MemoryUsedUpError, ResultsError, XlbenchError
from xlbench.results import Store
from xlbench.running.batches import Schedule
from xlbench.running.executors import channel, local
from xlbench.running.executors.local import Local
from xlbench.running.outcomes import outcomes

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that worker processes find the work."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def job(number: int, group: str = "", *needs: Job) -> Job:
    return Job("p", 1, {"number": number}, (), f"job {number}", group=group,
               needs=tuple(x.condition_key for x in needs))  # fmt: skip


def run(jobs: list[Job], work: CountingWork, workers: int) -> tuple[list[Outcome], list[Event]]:
    """As the core runs them, but that nothing is stored."""
    events: list[Event] = []
    found: list[Outcome] = []
    schedule = Schedule(jobs)
    for outcome in Local().run(schedule, work, events.append, workers, None):
        found += [outcome, *schedule.ended(outcome)]
    return found, events


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
    with pytest.raises(
        XlbenchError, match=r"worker process died at 'job 1'.*memory ran out.* fewer --workers"
    ):
        run(jobs, work, 2)


@pytest.mark.parametrize(
    ("does", "kind", "says"),
    [
        ("unpicklable", ResultsError, "^this and that$"),
        ("silent", RuntimeError, "SilentError"),
        ("leaves", ExecutorError, r"died at 'job 1' \(exit status 0\)"),
        ("leaves_a_child", ExecutorError, r"died at 'job 1' \(exit status 3\)"),
    ],
)
def test_whatever_happens_in_a_worker_is_told_and_nothing_hangs(
    jobs: list[Job],
    tmp_path: Path,
    does: str,
    kind: type[Exception],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "PATIENCE", 0.5)
    with pytest.raises(kind, match=says):
        run(jobs, CountingWork(str(tmp_path / "log"), raises=does), 2)


ABANDONS = """
import sys
from counting_work import CountingWork
from xlbench.running.batches import Schedule
from xlbench.contracts import Job
from xlbench.running.executors.local import Local
jobs = [Job("p", 1, {"number": x}, (), f"job {x}", group=str(x)) for x in range(4)]
outcomes = Local().run(Schedule(jobs), CountingWork(sys.argv[1]), lambda event: None, 2, None)
next(outcomes)
raise RuntimeError("of the caller")
"""


def test_a_caller_that_leaves_in_the_middle_ends_as_it_should(tmp_path: Path) -> None:
    """Its iterator lives on until the interpreter ends: no worker, thread or lock keeps that from ending."""
    done = subprocess.run(
        [sys.executable, "-c", ABANDONS, str(tmp_path / "log")], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: of the caller" in done.stderr.splitlines()  # beside what workers print


def test_ctrl_c_while_workers_start_is_left_to_the_parent(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It reaches the whole process group, before a worker can say that it minds its parent alone."""
    start = subprocess.Popen

    def interrupted(*args: Any, **more: Any) -> Any:
        process = start(*args, **more)
        process.send_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(local.subprocess, "Popen", interrupted)
    outcomes, _ = run(jobs, CountingWork(str(tmp_path / "log")), 2)
    assert [x.error for x in outcomes] == [None] * len(jobs)
    assert "KeyboardInterrupt" not in capfd.readouterr().err


def test_what_a_plugin_prints_or_reads_does_not_get_between_messages(jobs: list[Job], tmp_path: Path) -> None:
    outcomes, _ = run(jobs, CountingWork(str(tmp_path / "log"), raises="prints"), 2)
    assert [x.error for x in outcomes] == [None] * len(jobs)


def test_what_stands_between_messages_is_passed_over() -> None:
    pipe = io.BytesIO()
    pipe.write(b"hello\n\x00xlbench")
    channel.send(pipe, ("idle",))
    with pytest.raises(AttributeError):
        channel.send(pipe, lambda: None)
    pipe.write(b"more")
    channel.send(pipe, ("outcome", 1))
    pipe.write(channel.MARK + b"\xff")
    pipe.seek(0)
    assert [channel.receive(pipe), channel.receive(pipe)] == [("idle",), ("outcome", 1)]
    with pytest.raises(EOFError):
        channel.receive(pipe)


class Lying:
    """An executor that says what it is told to."""

    name, summary, settings = "lying", "", None

    def __init__(self, said: Callable[[Sequence[Job], Work], Iterable[object]]) -> None:
        self.said = said

    def run(
        self, batches: Batches, work: Work, notify: Notify, workers: int, settings: None
    ) -> Iterator[Outcome]:
        jobs = [job for batch in iter(batches.take, None) for job in batch]
        return self.said(jobs, work)  # type: ignore[return-value]


@pytest.mark.parametrize("leaving", [SystemExit(0), SystemExit("done"), OSError("gone")])
def test_an_executor_that_leaves_does_not_end_the_run_as_if_it_were_done(
    jobs: list[Job], tmp_path: Path, leaving: BaseException
) -> None:
    def leave(jobs: Sequence[Job], work: Work) -> Iterator[object]:
        yield from ()
        raise leaving

    with pytest.raises(ExecutorError, match=rf"executor 'lying' failed: {type(leaving).__name__}"):
        list(outcomes(Lying(leave), jobs, CountingWork(""), lambda _: None, 1, Store(tmp_path)))


def test_an_executor_that_has_no_memory_is_not_blamed(jobs: list[Job], tmp_path: Path) -> None:
    def leave(jobs: Sequence[Job], work: Work) -> Iterator[object]:
        yield from ()
        raise MemoryError

    with pytest.raises(MemoryUsedUpError, match=r"memory ran out beside the jobs .*fewer --workers"):
        list(outcomes(Lying(leave), jobs, CountingWork(""), lambda _: None, 1, Store(tmp_path)))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (lambda jobs, done: [], "ended without 3 of 3 jobs, such as 'job 0'"),
        (lambda jobs, done: done[:2], "ended without 1 of 3 jobs, such as 'job 2'"),
        (lambda jobs, done: [*done, done[0]], "a second outcome for 'job 0'"),
        (lambda jobs, done: [*done, Outcome(job(9), 0.0)], "it was not given, 'job 9'"),
        (lambda jobs, done: [*done, None], "gave NoneType instead of an outcome"),
        (lambda jobs, done: None, "failed: TypeError"),
        (lambda jobs, done: [*done[:2], Outcome(jobs[2], 0.0)], "says that 'job 2' is done"),
    ],
)
def test_an_executor_that_loses_work_is_named(
    said: Callable[[Sequence[Job], Sequence[Outcome]], Iterable[object]], says: str, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    cell = Cell("pos", "qaa", "x")
    jobs = [replace(job(i), cells=(cell,)) for i in range(3)]
    for one in jobs[:2]:
        store.write(one, [Evaluation(cell, np.ones((3, 2), np.int32))], {}, {"pos": ACCURACY})
    done = [Outcome(x, 0.1) for x in jobs[:2]] + [Outcome(jobs[2], 0.1, "NaN")]
    executor = Lying(lambda jobs, work: said(jobs, done))
    found: list[Outcome] = []
    with pytest.raises(ExecutorError, match=rf"the executor 'lying' .*{says}.*--executor local"):
        found.extend(outcomes(executor, jobs, CountingWork(""), lambda event: None, 1, store))
    assert len({x.job.label for x in found}) == len(found)


def test_workers_end_when_the_run_is_left(jobs: list[Job], tmp_path: Path) -> None:
    work = CountingWork(str(tmp_path / "log"))
    before = set(psutil.Process().children())  # of other tests
    outcomes = Local().run(Schedule(jobs), work, lambda event: None, 2, None)
    next(outcomes)
    children = set(psutil.Process().children()) - before
    assert children
    outcomes.close()  # type: ignore[attr-defined]
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from counting_work import CountingWork
from xlbench.running.batches import Schedule
from xlbench.contracts import Job
from xlbench.running.executors.local import Local
jobs = [Job("p", 1, {{"number": i}}, (), str(i), group=str(i)) for i in range(4)]
work = CountingWork({log!r}, waits=(0, 1, 2, 3))
# No `if __name__ == "__main__"` here: a plain script may run a study.
for outcome in Local().run(Schedule(jobs), work, lambda event: print(event.job.label, flush=True), 2, None):
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
