"""Executors as strangers write them: the package of `xlbench plugin new`, and the example of the guide."""

from __future__ import annotations

import importlib
import multiprocessing
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from counting_work import CountingWork

from xlbench import api, plugins, templates
from xlbench.contracts import Event, Executor, Job, Outcome
from xlbench.errors import ExecutorError
from xlbench.running.batches import Schedule
from xlbench.testing import tiny_study

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "writing-a-plugin.md").read_text("utf-8")
EXAMPLE = "# my_pool.py" + GUIDE.split("# my_pool.py")[1].split("```")[0]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("executors")
    templates.new("written-pool", "executor", folder / "new", plugins.load())
    (folder / "written_pool.py").write_text(
        (folder / "new" / "written_pool" / "plugin.py").read_text("utf-8"), "utf-8"
    )
    (folder / "guides_pool.py").write_text(EXAMPLE, "utf-8")
    return folder


@pytest.fixture(params=["written_pool", "guides_pool"])
def executor(request: pytest.FixtureRequest, packages: Path, monkeypatch: pytest.MonkeyPatch) -> Executor:
    monkeypatch.syspath_prepend(packages)
    monkeypatch.syspath_prepend(ROOT / "tests")
    (found,) = importlib.import_module(request.param).xlbench_executors()
    assert isinstance(found, Executor)
    return found


def job(number: int, *needs: Job) -> Job:
    keys = tuple(x.condition_key for x in needs)
    return Job("p", 1, {"number": number}, (), f"job {number}", group=str(number), needs=keys)


def settings(executor: Executor) -> Any:
    return None if executor.settings is None else executor.settings()


def test_each_job_is_done_once_by_workers_after_what_it_needs(executor: Executor, tmp_path: Path) -> None:
    first = job(0)
    schedule = Schedule([first, *(job(n, first) for n in (1, 2, 3, 4))])
    work, found = CountingWork(str(tmp_path / "log"), fails=(3,)), []
    events: list[tuple[Event, threading.Thread]] = []

    def notify(event: Event) -> None:
        events.append((event, threading.current_thread()))

    for outcome in executor.run(schedule, work, notify, 2, settings(executor)):
        found.append(outcome)
        schedule.ended(outcome)
    assert sorted((x.job.label, x.error) for x in found) == [
        (f"job {n}", "NaN" if n == 3 else None) for n in range(5)
    ]
    assert work.lines()[0][0] == 0
    assert 1 <= len({process for _, process in work.lines()}) <= 2
    if executor.name == "written-pool":
        assert sorted(x.job.label for x, _ in events) == [f"job {n}" for n in range(5)]
    assert {thread for _, thread in events} <= {threading.current_thread()}


def test_a_lost_process_is_one_line_and_no_process_is_left(executor: Executor, tmp_path: Path) -> None:
    work = CountingWork(str(tmp_path / "log"), dies=(1,))
    before = set(psutil.Process().children())
    with pytest.raises(ExecutorError, match=r"^a process .*lost; .*run the same command again") as caught:
        list(executor.run(Schedule([job(1), job(2)]), work, lambda event: None, 1, settings(executor)))
    assert "\n" not in str(caught.value)
    assert not _pool(before)


@pytest.mark.slow
def test_processes_end_where_the_run_is_left(executor: Executor, tmp_path: Path) -> None:
    work = CountingWork(str(tmp_path / "log"), waits=(2,))
    before = set(psutil.Process().children())
    run = executor.run(Schedule([job(1), job(2)]), work, lambda event: None, 2, settings(executor))
    assert isinstance(next(run), Outcome)
    run.close()  # type: ignore[attr-defined]
    assert not _pool(before)


def _pool(before: set[psutil.Process]) -> list[psutil.Process]:
    """Processes of a pool that do not end; multiprocessing's own helper stays for good."""
    for one in multiprocessing.active_children():
        one.join(10)
    new = [x for x in set(psutil.Process().children()) - before if "resource_tracker" not in str(x.cmdline())]
    return [x for x in new if x.status() != psutil.STATUS_ZOMBIE]


def test_a_file_whose_functions_other_processes_cannot_import_is_refused_before_any_job(
    packages: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, rival = packages / "guides_pool.py", tmp_path / "rival.py"
    rival.write_text(EXAMPLE + "\n", "utf-8")
    with pytest.raises(
        ExecutorError, match=r"'my-pool': .*guides_pool\.py is a single file.*package"
    ) as caught:
        api.run(
            tiny_study(), results=tmp_path, workers=1, device="cpu", quiet=True, plugins=[path, rival],
            executor="guides_pool.py/my-pool",
        )  # fmt: skip
    assert "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err
    assert not list((tmp_path / "jobs").rglob("*.parquet"))
