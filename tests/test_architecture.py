"""Who may import whom; the rules stand in pyproject.toml."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_import_rules_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "planted",
    [
        {
            "running/provenance.py": ("import torch", "Only the lab imports torch"),
            "results/frame.py": ("import xlbench.cli", "knows only what is below it"),
            "studies/plan.py": ("import xlbench_tasks.pos", "knows no task, model or probe"),
        },
        {"loose.py": ("", "knows only what is below it")},
    ],
    ids=["imports", "a module in no layer"],
)
def test_planted_faults_break_them(tmp_path: Path, planted: dict[str, tuple[str, str]]) -> None:
    for name in ("harness", "plugins"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for place, (line, _) in planted.items():
        with (tmp_path / "harness" / "xlbench" / place).open("a") as file:
            file.write(f"\n{line}\n")
    roots = ("harness", "plugins/tasks", "plugins/models", "plugins/probes")
    path = os.pathsep.join(str(tmp_path / x) for x in roots)
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    broken = [x for x in done.stdout.splitlines() if "BROKEN" in x]
    for _, says in planted.values():
        assert any(says in x for x in broken), done.stdout + done.stderr
