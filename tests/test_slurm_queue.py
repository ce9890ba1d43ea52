"""The executor `slurm` on a real queue: what it loses is done again, with the numbers of a local run.

Run where `sbatch` is and a queue answers; XLBENCH_SLURM_PARTITION names a partition that has room for three
tasks of one processor, and `--basetemp` a folder that its nodes share.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_clusters import done, same, wait_for, whole, words
from warm import Command

__all__ = ["whole"]
pytestmark = pytest.mark.slow


def slurm(*command: str) -> list[str]:
    """What a command of Slurm prints, by lines."""
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return said.stdout.split("\n")[:-1]


@pytest.fixture
def partition() -> str:
    if shutil.which("sbatch") is None:
        pytest.skip("no sbatch on this machine")
    try:
        partitions = slurm("sinfo", "-h", "-o", "%P")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no Slurm queue answers: {error.stderr.strip()}")
    default = next((x.rstrip("*") for x in partitions if x.endswith("*")), "")
    return os.environ.get("XLBENCH_SLURM_PARTITION") or default or pytest.skip("no default partition")


@pytest.fixture
def queued(tmp_path: Path, partition: str) -> Iterator[Callable[[], Command]]:
    """Begins the study; at the end takes whatever it left out of the queue."""
    options = f"slurm.partition={partition},slurm.memory=2"

    def begin() -> Command:
        more = ("--executor", "slurm", "--option", options)
        return Command(words(tmp_path / "results", *more), SLURM_JOB_NAME="")

    yield begin
    for number in tasks():
        subprocess.run(["scancel", number], check=False)


def tasks(*states: str) -> list[str]:
    """The tasks of xlbench in the queue, or those in these states."""
    found = [x.split() for x in slurm("squeue", "--me", "-h", "-r", "-n", "xlbench", "-o", "%i %T")]
    return [number for number, state in found if not states or state in states]


def part_done(results: Path, command: Command, more: int = 8) -> None:
    """Wait until more jobs are done, and tasks run."""
    enough = done(results) + more
    wait_for(lambda: done(results) >= enough and bool(tasks("RUNNING")), command)


def test_tasks_that_are_requeued_and_cancelled_lose_nothing(
    whole: Path, tmp_path: Path, queued: Callable[[], Command]
) -> None:
    results = tmp_path / "results"
    command = queued()
    part_done(results, command)
    for number in tasks("RUNNING"):
        slurm("scontrol", "requeue", number)  # as the scheduler does with what it preempts
    part_done(results, command)
    slurm("scancel", tasks("RUNNING")[0])
    assert command.wait(1200) == 0, command.stderr
    same(results, whole)
    assert not tasks()


def test_a_driver_that_is_killed_goes_on_when_it_is_run_again(
    whole: Path, tmp_path: Path, queued: Callable[[], Command]
) -> None:
    results = tmp_path / "results"
    command = queued()
    part_done(results, command)
    command.send(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    again = queued()  # while the tasks of the first still run
    assert again.wait(1200) == 0, again.stderr
    same(results, whole)


def test_a_run_that_is_interrupted_leaves_nothing_in_the_queue(
    tmp_path: Path, queued: Callable[[], Command]
) -> None:
    results = tmp_path / "results"
    command = queued()
    part_done(results, command, 2)
    command.send(signal.SIGINT)
    assert command.wait(300) == 130
    end = time.monotonic() + 120
    while tasks():
        assert time.monotonic() < end
        time.sleep(1)
    seen = done(results)
    assert seen
    time.sleep(5)
    assert done(results) == seen
