"""Packages of third parties, really installed by pip, without a line of the core changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warm

from xlbench import load_results

PACKAGES = Path(__file__).resolve().parent / "packages"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages installed; the tests put it on the path."""
    site = tmp_path_factory.mktemp("site")
    for name in ("toy", "broken"):
        copy = tmp_path_factory.mktemp(name)
        for file in (PACKAGES / name).iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
                   "--no-build-isolation", "--target", str(site), str(copy)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    return site


def path(installed: Path) -> str:
    return os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))


def xlbench(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xlbench.cli", *arguments],
        env={**os.environ, "PYTHONPATH": path(installed), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Slow commands, in a process that need not import torch first."""
    return warm.run(*arguments, PYTHONPATH=path(installed))


STUDY = (
    "--model", "tiny", "--probe", "drift", "--probe", "transfer", "--task", "question", "--transfer", "qty",
    "--targets", "qty", "--train-languages", "qty", "--steps", "1", "--seeds", "2",
    "--controls", "shuffled", "--readings", "put-back", "--adapter-seeds", "1",
    "--data", "question=toy", "--text", "toy-text",
)  # fmt: skip


@pytest.fixture(scope="module")
def studied(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the study, of one process."""
    results = tmp_path_factory.mktemp("studied") / "results"
    done = run(installed, "run", *STUDY, "--workers", "1", "--results", str(results))
    assert done.returncode == 0, done.stderr
    return results


def test_a_study_over_a_third_partys_task_language_and_probe(
    installed: Path, studied: Path, tmp_path: Path
) -> None:
    out = tmp_path / "boards"
    done = run(installed, "leaderboard", "--results", str(studied), "--out", str(out))
    assert done.returncode == 0, done.stderr
    (page,) = out.glob("drift-question-*.md")
    text = page.read_text("utf-8")
    assert "| qty" in text
    assert "xlbench-toy 1.2.3" in text  # results say which plugin and version made them
    assert list(out.glob("transfer-question-*.md"))
    html = (studied / "report.html").read_text("utf-8")
    assert '"probe":"drift"' in html
    assert '"title":"Drift: question"' in html


@pytest.mark.slow
def test_an_executor_of_a_third_party_gets_the_same_done(
    installed: Path, studied: Path, tmp_path: Path
) -> None:
    options = ("--executor", "futures", "--option", "futures.processes=2")
    done = xlbench(installed, "run", *STUDY, *options, "--results", str(tmp_path / "results"))
    assert done.returncode == 0, done.stderr
    counts = []
    for results in (studied, tmp_path / "results"):
        files = sorted(x.name for x in (results / "jobs").rglob("*.parquet"))
        frame = load_results(results)
        counts.append((files, frame.sort_values(list(frame.columns[:8]))["score"].tolist()))
    assert counts[0] == counts[1]
    wrong = xlbench(installed, "plan", *STUDY, "--executor", "futures", "--option", "futures.threads=2")
    assert (wrong.returncode, wrong.stderr) == (
        2, "xlbench: unknown key options.futures.threads; known are processes\n"
    )  # fmt: skip
    other = xlbench(installed, "plan", *STUDY, "--option", "futures.processes=2")
    assert other.returncode == 2
    assert "options.futures: an executor; choose it with --executor futures" in other.stderr


@pytest.mark.slow
def test_tasks_of_every_kind_need_nothing_of_the_core(installed: Path, tmp_path: Path) -> None:
    names = ("question", "length", "chain", "end")
    done = run(
        installed, "run", "--model", "tiny", "--probe", "zero-shot", "--task", ",".join(names), "--targets",
        "qty", "--train-languages", "qty", "--results", str(tmp_path / "results"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    out = tmp_path / "boards"
    done = run(installed, "leaderboard", "--results", str(tmp_path / "results"), "--out", str(out))
    assert done.returncode == 0, done.stderr
    pages = {name: next(out.glob(f"zero-shot-{name}-*.md")).read_text("utf-8") for name in names}
    assert "| Score | UAS | Majority |" in " ".join(pages["chain"].split())
    assert "| Score | Exact match | Majority |" in " ".join(pages["end"].split())
    assert "| Score | Majority |" in " ".join(pages["length"].split())


def test_a_package_that_fails_is_reported_and_harms_nothing(installed: Path) -> None:
    done = xlbench(installed, "list", "plugins", "--json")
    assert done.returncode == 0
    plugins = {p["name"]: p for p in json.loads(done.stdout)}
    assert plugins["broken"]["distribution"] == "xlbench-broken"
    assert "RuntimeError: the author forgot something" in plugins["broken"]["error"]
    assert plugins["toy"]["error"] is None
    assert plugins["ner"]["error"] is None


def test_strict_plugins_turns_the_failure_into_an_error(installed: Path, tmp_path: Path) -> None:
    done = xlbench(installed, "plan", *STUDY, "--strict-plugins", "--results", str(tmp_path / "results"))
    assert done.returncode == 2
    assert "broken" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("allowed", "there"), [("", False), ("toy", True)])
def test_the_environment_limits_which_plugins_load(installed: Path, allowed: str, there: bool) -> None:
    done = xlbench(installed, "list", "tasks", "--json", XLBENCH_PLUGINS=allowed)
    names = {t["name"] for t in json.loads(done.stdout)}
    assert ("question" in names) == there
    assert {"ner", "pos", "nli"} <= names
