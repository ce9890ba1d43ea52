"""`xlbench plugin new`: a package for each kind of plugin, ready to install and in our own style."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlbench import plugins, templates
from xlbench.cli import main
from xlbench.errors import PluginError
from xlbench.plugins import HOOKS
from xlbench.testing import check_plugin, checks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def registry() -> plugins.Registry:
    return plugins.load()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package of each kind."""
    folder = tmp_path_factory.mktemp("packages")
    loaded = plugins.load()
    for kind in HOOKS:
        templates.new(f"my-{kind}", kind, folder / f"my-{kind}", loaded)
    return folder


@pytest.mark.parametrize("kind", HOOKS)
def test_each_kind_of_plugin_has_a_template_that_meets_its_contract(packages: Path, kind: str) -> None:
    module = packages / f"my-{kind}" / f"my_{kind}" / "plugin.py"
    assert module.read_text().count("\n") < 120
    (loaded,) = (x for x in plugins.load(given=plugins.give([module])).plugins if x.digest)
    assert kind in {x for x, _ in loaded.provides}
    for check in checks(module, quick=True)[1:]:  # the first starts an interpreter
        assert [str(x) for x in check.run() if not x.note] == [], check.name


def test_packages_are_in_our_own_style_and_use_nothing_private(packages: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        for config in ([], ["--config", str(ROOT / "pyproject.toml")]):
            done = subprocess.run(
                [Path(sys.executable).with_name("ruff"), *command, *config, str(packages)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
    for path in packages.rglob("*.py"):
        used = [x for x in path.read_text().splitlines() if "import" in x and "xlbench" in x]
        assert not [x for x in used if "._" in x or "import _" in x], path
        assert "$" not in path.read_text()


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("My Task", "task", "'My Task' cannot be the name of a plugin; .*such as 'my-task'"),
        ("2nd", "task", "'2nd' cannot be the name .* such as 'nd'"),
        ("a_b", "task", "such as 'a-b'"),
        ("../up", "task", "such as 'up'"),
        ("a--b", "task", "such as 'a-b'"),
        ("x" * 41, "task", "40 characters at most"),
        ("", "task", "'' cannot be"),
        ("ä", "task", "'ä' cannot be"),
        ("class", "task", "'class' is a word of Python; .*'my-class'"),
        ("json", "task", "there is a module 'json' already; .*'my-json'"),
        ("xlbench", "task", "there is a module 'xlbench' already"),
        ("pos", "task", "plugin 'pos' of xlbench .* has the task 'pos' already; .*xlbench list tasks"),
        ("mine", "tasks", "no kind of plugin 'tasks'; --kind takes one of task, data, "),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    tmp_path: Path, registry: plugins.Registry, name: str, kind: str, says: str
) -> None:
    with pytest.raises(PluginError, match=says) as caught:
        templates.new(name, kind, tmp_path / "new", registry)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_what_comes_next_can_be_typed_into_any_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets are quoted, and a folder that has the name of a package is written as a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["xlbench", "plugin", "new", "mine", "--kind", "task"])
    assert main() == 0
    begin, following = capsys.readouterr().out.splitlines()[-2:]
    assert begin.startswith(f"Begin with {Path('mine', 'mine', 'plugin.py')}; ")
    assert following == 'Next: pip install -e "./mine[test]" && xlbench plugin check mine'


def test_a_folder_that_exists_is_left_alone(tmp_path: Path, registry: plugins.Registry) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(PluginError, match="mine exists; choose another name or folder"):
        templates.new("mine", "task", tmp_path / "mine", registry)
    assert not list((tmp_path / "mine").iterdir())


@pytest.mark.slow
def test_packages_install_are_typed_are_listed_and_pass_their_own_tests(
    packages: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    for kind in HOOKS:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation",
             "--target", str(site), str(packages / f"my-{kind}")],
            check=True, capture_output=True,
        )  # fmt: skip
    sources = [ROOT / x for x in ("harness", "plugins/tasks", "plugins/models", "plugins/probes")]
    path = os.pathsep.join(map(str, (site, *sources)))
    listed = subprocess.run(
        [sys.executable, "-m", "xlbench.cli", "list", "plugins"],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for kind in HOOKS:
        (line,) = (x for x in listed.splitlines() if x.startswith(f"my-{kind} "))
        assert line.split()[-1] == "-"
    own = [x for kind in HOOKS for x in ("-p", f"my_{kind}")]
    typed = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", *own],
        env={**os.environ, "MYPYPATH": path}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert typed.returncode == 0, typed.stdout
    for kind in HOOKS:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q"], cwd=packages / f"my-{kind}",
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_a_file_is_checked_at_work(packages: Path) -> None:
    """One check whole, in a process of its own and with a model; the others are as slow."""
    notes = check_plugin(packages / "my-model" / "my_model" / "plugin.py")
    assert [x.field for x in notes] == ["checkpoint"]
