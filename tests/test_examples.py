"""The packages in `examples/`: installed by pip as a stranger's are, run, and taken away again."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import warm

from xlbench import load_results

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = ("xlbench-babel", "xlbench-layerwise", "xlbench-nearby", "xlbench-sentiment", "xlbench-wandb")
TESTED = [
    pytest.param(
        name,
        marks=[pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="pip install wandb")]
        if name == "xlbench-wandb"
        else [],
    )
    for name in NAMES
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them installed; the tests put it on the path."""
    site, copies = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("copies")
    for name in NAMES:
        shutil.copytree(EXAMPLES / name, copies / name)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
               "--no-build-isolation", "--target", str(site), *(str(copies / x) for x in NAMES)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return site


def path(installed: Path) -> str:
    return os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))


def _model(name: str) -> tuple[str, ...]:
    """A small study of a model of an example."""
    return (
        "--model", name, "--probe", "zero-shot", "--probe", "transfer", "--task", "pos", "--data",
        "pos=artificial", "--text", "artificial", "--transfer", "qag", "--targets", "qag,qah",
        "--train-languages", "qaa", "--seeds", "1", "--adapter-seeds", "1", "--steps", "1",
        "--controls", "none", "--readings", "put-back", "--adapter", "epochs=1",
        "--adapter", "limit=20", "--limit", "10",
    )  # fmt: skip


RUNS = {
    "babel": _model("babel"),
    "layerwise": (
        "--model", "tiny", "--probe", "layerwise", "--task", "pos", "--transfer", "qag",
        "--targets", "qag,qah", "--train-languages", "qaa", "--seeds", "2",
        "--adapter", "epochs=1", "--adapter", "limit=20", "--option", "layerwise.steps=1", "--limit", "10",
    ),
    "nearby": _model("nearby"),
    "sentiment": (
        "--model", "tiny", "--probe", "zero-shot", "--task", "sentiment", "--targets", "eng,deu",
        "--train-languages", "eng", "--adapter", "epochs=1", "--adapter-seeds", "1",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_an_example_runs_to_a_leaderboard_and_its_results_outlive_it(
    installed: Path, tmp_path: Path, name: str
) -> None:
    results = tmp_path / "results"
    done = warm.run("run", *RUNS[name], "--results", str(results), PYTHONPATH=path(installed))
    assert done.returncode == 0, done.stderr
    pages = list((results / "leaderboard").glob(f"*{name}*.md"))
    assert pages
    assert all(f"xlbench-{name} 1.0" in page.read_text("utf-8") for page in pages)
    frame = load_results(results)  # the package is not on this process' path
    assert len(frame) == {"babel": 2 * 2, "layerwise": 2 * (1 + 3 * 2), "nearby": 2 * 2, "sentiment": 2}[name]
    assert frame["score"].between(0, 100).all()
    verified = warm.run("results", "verify", str(results))
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTED)
def test_the_own_tests_of_an_example_pass(installed: Path, name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONPATH": path(installed)}
    done = subprocess.run(
        command, cwd=EXAMPLES / name, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
