"""Killed at any moment and started again, a study ends with the numbers of an uninterrupted one."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import xlbench

STUDY = (
    "--task", "pos,nli", "--transfer", "qaa,qab", "--targets", "qaa,qab,qac", "--train-languages", "qaa",
    "--steps", "1,4", "--seeds", "2", "--controls", "target,shuffled", "--limit", "20",
    "--adapter", "epochs=1", "--adapter", "limit=200", "--workers", "1", "--quiet",
)  # fmt: skip


def start(results: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "xlbench.cli", "run", *STUDY, "--results", str(results), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def numbers(results: Path) -> pd.DataFrame:
    """Every cell, once, in an order that does not depend on files."""
    frame = xlbench.load_results(results)
    keys = [c for c in frame.columns if c.startswith("condition.") or c in {"probe", "task", "target"}]
    keys = [c for c in keys if frame[c].map(lambda v: isinstance(v, (str, int, float))).all()]
    assert not frame.duplicated(keys).any()
    kept = frame[[*keys, "score", "n", "truncated"]]
    return kept.sort_values(keys, ignore_index=True).sort_index(axis=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The uninterrupted study, and the seconds that it took."""
    results, began = tmp_path_factory.mktemp("whole") / "results", time.monotonic()
    process = start(results)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return results, time.monotonic() - began


def test_killed_ten_times(whole: tuple[Path, float], tmp_path: Path) -> None:
    uninterrupted, duration = whole
    rng, killed = random.Random(20260), 0
    for _ in range(10):
        process = start(tmp_path / "results")
        try:
            process.wait(timeout=rng.uniform(0.2, 0.9) * duration)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
    process = start(tmp_path / "results")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert killed >= 5
    pd.testing.assert_frame_equal(numbers(tmp_path / "results"), numbers(uninterrupted))


def test_twice_with_the_same_seeds_and_with_two_workers(whole: tuple[Path, float], tmp_path: Path) -> None:
    process = start(tmp_path / "results", "--workers", "2")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    pd.testing.assert_frame_equal(numbers(tmp_path / "results"), numbers(whole[0]))


def test_a_study_that_grows_by_a_target_runs_that_target_alone(
    whole: tuple[Path, float], tmp_path: Path
) -> None:
    import shutil

    grown = tmp_path / "results"
    shutil.copytree(whole[0], grown)
    before = {f.name for f in (grown / "jobs").iterdir()}
    process = start(grown, "--targets", "qad")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    fresh = [f for f in (grown / "jobs").iterdir() if f.name not in before]
    frame = xlbench.load_results(grown)
    assert set(frame["target"]) == {"qaa", "qab", "qac", "qad"}
    assert fresh
    assert len(frame[frame["target"] == "qad"]) == len(fresh)


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    import signal

    process = start(tmp_path / "results", "--steps", "200")
    jobs = tmp_path / "results" / "jobs"
    while process.poll() is None and not any(jobs.glob("*.parquet")):
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"same command" in errors
    assert b"Traceback" not in errors
