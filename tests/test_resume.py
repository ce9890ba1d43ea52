"""Killed at any moment and started again, a study ends with the numbers of an uninterrupted one."""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from warm import Command

import xlbench

STUDY = {
    "task": "pos", "transfer": "qaa,qab", "targets": "qaa,qac", "train-languages": "qaa",
    "steps": "1,4", "seeds": "1", "controls": "shuffled", "limit": "10",
    "adapter": "epochs=1,limit=60", "retraining": "warm_start_steps=6", "language-training": "steps=4",
    "option": "interference.fusion_steps=2", "workers": "1",
}  # fmt: skip


def words(results: Path, **others: str) -> list[str]:
    options = [x for name, value in {**STUDY, **others}.items() for x in (f"--{name}", value)]
    return ["run", "--quiet", "--results", str(results), *options]


def finish(results: Path, **others: str) -> None:
    command = Command(words(results, **others))
    assert command.wait() == 0, command.stderr


def numbers(results: Path) -> pd.DataFrame:
    """Every cell, once, in an order that does not depend on files. Vectors differ in their last bits with the
    number of threads, and so does what is measured on them.
    """
    frame = xlbench.load_results(results)
    exact = [c for c in frame if c not in ("extra.cka", "extra.weights_moved")]
    frame = frame.astype(dict.fromkeys(exact, str))
    keys = [c for c in frame if c not in {"score", "n", "truncated"} and not c.startswith("extra.")]
    assert not frame.duplicated(keys).any()
    return frame.sort_values(keys, ignore_index=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the uninterrupted study, of an interpreter of its own: with another seed of hashes."""
    results = tmp_path_factory.mktemp("whole") / "results"
    command = [sys.executable, "-m", "xlbench.cli", *words(results)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return results


def kill_at_random(results: Path, rng: random.Random) -> bool:
    """Kill after a few more jobs have ended, and a moment more; False where the study was quicker."""
    jobs, command = results / "jobs", Command(words(results))
    enough = len(list(jobs.glob("*.parquet"))) + rng.randint(0, 3)
    while command.wait(0.01) is None and len(list(jobs.glob("*.parquet"))) < enough:
        pass
    if command.wait(rng.uniform(0, 1.5 if enough == 0 else 0.2)) is not None:
        return False
    command.send(signal.SIGKILL)
    return command.wait() == -signal.SIGKILL


def test_killed_three_times(whole: Path, tmp_path: Path) -> None:
    rng = random.Random(20260)
    killed = 0
    for _ in range(3):
        killed += kill_at_random(tmp_path / "results", rng)
    finish(tmp_path / "results")
    assert killed == 3
    pd.testing.assert_frame_equal(numbers(tmp_path / "results"), numbers(whole))


@pytest.mark.slow
def test_twice_with_the_same_seeds_and_with_two_workers(whole: Path, tmp_path: Path) -> None:
    finish(tmp_path / "results", workers="2")
    pd.testing.assert_frame_equal(numbers(tmp_path / "results"), numbers(whole))
    both = [list(x.glob("studies/*/subwords.json")) for x in (whole, tmp_path / "results")]
    (one,), (other,) = both
    assert one.parent.name == other.parent.name
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_a_study_that_grows_by_a_target_runs_that_target_alone(whole: Path, tmp_path: Path) -> None:
    grown = tmp_path / "results"
    shutil.copytree(whole, grown)
    before = {f.name for f in (grown / "jobs").iterdir()}
    finish(grown, targets="qaa,qac,qad")
    fresh = [f for f in (grown / "jobs").iterdir() if f.name not in before]
    frame = xlbench.load_results(grown)
    assert set(frame["target"]) == {"qaa", "qac", "qad"}
    assert fresh
    assert len(frame[frame["target"] == "qad"]) == len(fresh)


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = Command(words(tmp_path / "results", steps="200"))
    jobs = tmp_path / "results" / "jobs"
    while command.wait(0.01) is None and not any(jobs.glob("*.parquet")):
        pass
    command.send(signal.SIGINT)
    assert command.wait(60) == 130
    assert "same command" in command.stderr
    assert "Traceback" not in command.stderr
