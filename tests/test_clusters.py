"""The executors `ray` and `slurm` on real clusters of this machine: what they lose is done again, and the
numbers are those of a local run.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import stubbed_study
from counting_work import CountingWork
from test_resume import STUDY, numbers
from warm import Command

from benchmarks.stub_work import Stub
from xlbench.contracts import Job, Outcome
from xlbench.errors import ExecutorError, ResultsError
from xlbench.results import Store, jobfile
from xlbench.results.index import StoredFile
from xlbench.running.batches import Schedule
from xlbench.running.executors.slurm import Settings, Slurm

submitit = pytest.importorskip("submitit", reason="needs xlbench[slurm]")
LARGE = {
    **{k: v for k, v in STUDY.items() if k not in ("option", "language-training")},
    "task": "pos,nli", "probe": "transfer", "seeds": "4", "readings": "put-back", "adapter-seeds": "1",
}  # fmt: skip
"""Of 60 jobs and more."""


def words(results: Path, *more: str, workers: int = 3) -> list[str]:
    options = [x for k, v in {**LARGE, "workers": str(workers)}.items() for x in (f"--{k}", v)]
    return ["run", "--quiet", "--results", str(results), *options, *more]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("whole") / "results"
    command = Command(words(results, workers=1))
    assert command.wait() == 0, command.stderr
    assert len(list((results / "jobs").glob("*.parquet"))) >= 60
    return results


def done(results: Path) -> int:
    return len(list((results / "jobs").glob("[!.]*.parquet")))


ROOT = Path(__file__).resolve().parent.parent
WITH_STUBS = {
    **os.environ,
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
}
"""Environment of processes that find the stubbed study."""


def wait_for(condition: Callable[[], bool], command: Command, seconds: float = 300) -> None:
    """Look, without end for as long as the command runs, whether something has come about."""
    end = time.monotonic() + seconds
    while not condition():
        assert command.wait(0.05) is None, command.stderr
        assert time.monotonic() < end


def same(results: Path, whole: Path) -> None:
    assert not list((results / "jobs").glob("*.failed.parquet"))
    pd.testing.assert_frame_equal(numbers(results), numbers(whole))


# Slurm, by submitit's own executor for one machine


def job(number: int, group: str = "", *needs: Job) -> Job:
    return Job("p", 1, {"number": number}, (), f"job {number}", group=group,
               needs=tuple(x.condition_key for x in needs))  # fmt: skip


def run(jobs: list[Job], work: CountingWork, workers: int, **settings: Any) -> list[Outcome]:
    found: list[Outcome] = []
    schedule = Schedule(jobs)
    how = Settings(cluster="local", **settings)
    for outcome in Slurm().run(schedule, work, lambda event: None, workers, how):
        found += [outcome, *schedule.ended(outcome)]
    return found


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingWork:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent))
    return CountingWork(str(tmp_path / "log"), results=str(tmp_path))


def test_tasks_share_what_is_ready_and_what_needs_it_comes_after(work: CountingWork) -> None:
    first = job(0, "base")
    jobs = [first, *(job(10 * g + i, f"g{g}", first) for g in range(1, 5) for i in range(2))]
    found = run(jobs, work, 2)
    assert sorted(x.job.label for x in found) == sorted(x.label for x in jobs)
    assert all(x.error is None and x.seconds == 0.25 for x in found)
    lines = work.lines()
    assert lines[0][0] == 0
    assert len({pid for n, pid in lines if n}) == 2  # one array of two tasks, each with two groups


def test_what_fails_and_what_needs_it_is_told(work: CountingWork) -> None:
    work.fails = (0,)
    first = job(0, "base")
    found = run([first, job(1, "g", first), job(2, "h")], work, 2)
    assert {x.job.label: x.error for x in found} == {
        "job 0": "NaN", "job 1": "not run, since 'job 0' failed", "job 2": None,
    }  # fmt: skip


@pytest.mark.slow
def test_a_task_that_dies_is_submitted_again_a_few_times(work: CountingWork) -> None:
    work.dies = (2,)
    with pytest.raises(ExecutorError, match=r"a task was lost 2 times before 'job 2' ended"):
        run([job(1, "g"), job(2, "g")], work, 1, retries=1)
    assert [n for n, _ in work.lines()] == [1, 2, 2]  # what had ended is not begun again


def test_what_ends_the_run_ends_it(work: CountingWork) -> None:
    work.breaks = (1,)
    with pytest.raises(ResultsError, match="the disk is full"):
        run([job(1, "g"), job(2, "g")], work, 1)


def test_a_task_that_is_requeued_does_what_it_had_not_done(work: CountingWork, tmp_path: Path) -> None:
    from xlbench.running.executors.slurm import Array

    array = Array(work, [(job(1), job(2)), (job(3),)], str(tmp_path / "notes"))
    (tmp_path / "notes").write_text('["outcome", 0, 0.25, null]\n["outcome", 2, 0.2')
    again = array.checkpoint()
    again.function(*again.args, **again.kwargs)
    assert [n for n, _ in work.lines()] == [2, 3]


@pytest.mark.slow
def test_a_study_by_submitit_is_that_of_a_local_run(whole: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    command = Command([*words(results), "--executor", "slurm", "--option", "slurm.cluster=local"])
    wait_for(lambda: done(results) >= 8, command)
    killed = [x for x in processes("submitit.core._submit") if x.ppid() != 1]
    killed[-1].kill()
    assert command.wait(600) == 0, command.stderr
    same(results, whole)


def processes(name: str) -> list[psutil.Process]:
    return [x for x in psutil.process_iter(["cmdline"]) if name in " ".join(x.info["cmdline"] or ())]


# Ray, on a cluster of three nodes


@pytest.fixture
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="needs xlbench[ray]")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.nodes = [made.add_node(num_cpus=1) for _ in range(3)]
    yield made
    made.shutdown()


def on_ray(results: Path, cluster: Any, *more: str, workers: int = 3) -> Command:
    address = f"ray.address={cluster.address}"
    return Command(words(results, "--executor", "ray", "--option", address, *more, workers=workers))


@pytest.mark.slow
def test_nodes_workers_and_the_driver_are_lost_and_nothing_else(
    whole: Path, tmp_path: Path, cluster: Any
) -> None:
    results = tmp_path / "results"
    command = on_ray(results, cluster)
    wait_for(lambda: done(results) >= 5, command)
    cluster.remove_node(cluster.nodes[0], allow_graceful=False)
    seen = done(results)
    wait_for(lambda: done(results) >= seen + 4, command)
    processes("ray::Remote")[0].kill()
    seen = done(results)
    wait_for(lambda: done(results) >= seen + 4, command)
    command.send(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    assert done(results) < done(whole)
    assert on_ray(results, cluster, workers=2).wait(900) == 0
    same(results, whole)


@pytest.mark.slow
def test_a_cluster_with_less_room_than_workers_does_all_the_same(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs xlbench[ray]")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        driver = [sys.executable, stubbed_study.__file__, str(tmp_path / "results"), made.address]
        subprocess.run(driver, check=True, env=WITH_STUBS, timeout=600)  # two workers, room for one
    finally:
        made.shutdown()
    same_stubs(tmp_path)


def same_stubs(place: Path) -> None:
    """Each job of the stubbed study is stored once, with the numbers of a local run."""
    list(Stub(str(place / "local"))(stubbed_study.JOBS, lambda event: None))
    found, local = ({x.name: x for x in (place / y / "jobs").iterdir()} for y in ("results", "local"))
    assert found.keys() == local.keys()
    for name in local:
        assert counts(found[name]) == counts(local[name])


def counts(path: Path) -> list[Any]:
    key = path.name.partition("-")[0]
    records = jobfile.decode(StoredFile(path, key, path.stem, failed=False))
    return [(x.evaluation.cell, x.evaluation.counts.tolist()) for x in records]


# Ray, on two machines with a cable between them


class Machines:
    """Two network namespaces, each with a node of a Ray cluster of one processor."""

    def __init__(self, place: Path) -> None:
        own = f"xl{os.getpid() % 100_000}"
        self.names = (f"{own}a", f"{own}b")
        self.address = "10.77.0.1:6379"
        self._place = place

    def begin(self) -> None:
        """Make both, and the cable, and start the nodes."""
        one, other = self.names
        for name in self.names:
            ip("netns", "add", name)
        ip("link", "add", one, "type", "veth", "peer", "name", other)
        for i, name in enumerate(self.names, 1):
            ip("link", "set", name, "netns", name)
            self.inside(name, "ip", "addr", "add", f"10.77.0.{i}/24", "dev", name)
            for link in ("lo", name):
                self.inside(name, "ip", "link", "set", link, "up")
        head = ("--head", "--port=6379", "--include-dashboard=false")
        for i, (name, how) in enumerate(zip(self.names, (head, (f"--address={self.address}",)), strict=True)):
            self.inside(
                name, sys.executable, "-m", "ray.scripts.scripts", "start", *how, "--num-cpus=1",
                f"--node-ip-address=10.77.0.{i + 1}", f"--temp-dir={self._place / str(i)}",
                "--object-store-memory=100000000", "--disable-usage-stats",
            )  # fmt: skip

    def inside(self, name: str, *command: str) -> None:
        """Run a command on a machine to its end."""
        words = ["ip", "netns", "exec", name, *command]
        subprocess.run(words, check=True, capture_output=True, env=WITH_STUBS)

    def cut(self) -> None:
        """Pull the cable."""
        self.inside(self.names[0], "ip", "link", "set", self.names[0], "down")

    def end(self) -> None:
        """Kill what runs on both machines, and remove them."""
        for name in self.names:
            said = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
            for number in said.stdout.split():
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def ip(*command: str) -> None:
    subprocess.run(["ip", *command], check=True, capture_output=True)


@pytest.fixture
def machines() -> Iterator[Machines]:
    pytest.importorskip("ray", reason="needs xlbench[ray]")
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2")
    place = Path(tempfile.mkdtemp(prefix="r"))  # Ray's sockets want short paths
    made = Machines(place)
    try:
        made.begin()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode()[-300:]}")
    else:
        yield made
    finally:
        made.end()
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_a_connection_that_is_cut_loses_a_worker_and_no_number(tmp_path: Path, machines: Machines) -> None:
    results = tmp_path / "results"
    one, driver = machines.names[0], [sys.executable, stubbed_study.__file__, str(results), machines.address]
    command = subprocess.Popen(["ip", "netns", "exec", one, *driver], env=WITH_STUBS)
    try:
        while done(results) < 100:
            assert command.poll() is None
            time.sleep(0.1)
        machines.cut()
        before = done(results)
        assert command.wait(900) == 0
    finally:
        command.kill()
    assert before < len(stubbed_study.JOBS)
    same_stubs(tmp_path)


@pytest.mark.slow
def test_results_are_sent_where_no_folder_is_shared(whole: Path, tmp_path: Path, cluster: Any) -> None:
    results = tmp_path / "results"
    command = on_ray(results, cluster, "--option", "ray.shared=false")
    assert command.wait(900) == 0, command.stderr
    assert not Store(results).kept()
    same(results, whole)


@pytest.mark.slow
def test_without_a_number_of_workers_the_cluster_is_filled(tmp_path: Path, cluster: Any) -> None:
    from xlbench.running.executors import ray_cluster

    settings = ray_cluster.Settings(address=cluster.address)
    assert ray_cluster.Ray().capacity(settings) == 3
    with pytest.raises(ExecutorError, match="too few for a worker of 4 and 0"):
        ray_cluster.Ray().capacity(ray_cluster.Settings(address=cluster.address, cpus=4))


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_told() -> None:
    pytest.importorskip("ray", reason="needs xlbench[ray]")
    from xlbench.running.executors import ray_cluster

    with pytest.raises(ExecutorError, match=r"no Ray cluster at 127\.0\.0\.1:1: "):
        ray_cluster.Ray().capacity(ray_cluster.Settings(address="127.0.0.1:1"))
