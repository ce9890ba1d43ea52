"""What a plugin says that it was written for is checked at loading; results say which version made them."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic import METRICS, PROVENANCE, Synthetic

from xlbench import hookimpl, hookspecs, plugins
from xlbench.contracts import Language
from xlbench.errors import PluginError, ResultsError
from xlbench.plugins import Plugin, Registry, agreed
from xlbench.results import Store
from xlbench.stored import Stored
from xlbench.testing import checks

HERE = hookspecs.CONTRACT
HOOK = """
from xlbench import hookimpl
from xlbench.contracts import Language
CONTRACT
@hookimpl
def xlbench_languages():
    yield Language("qtz", "Mine", "Made", "Made", "Latn")
"""


def given(folder: Path, source: str) -> tuple[Registry, Plugin]:
    file = folder / "mine.py"
    file.write_text(source, "utf-8")
    registry = plugins.load(given=plugins.give([file]), lenient=True)
    return registry, registry.plugins[-1]


@pytest.mark.parametrize(("line", "states"), [(f"xlbench_contract = {HERE}", HERE), ("", None)])
def test_a_known_contract_and_none_at_all_load(tmp_path: Path, line: str, states: int | None) -> None:
    registry, plugin = given(tmp_path, HOOK.replace("CONTRACT", line))
    assert (plugin.problem, plugin.contract) == (None, states)
    assert registry.languages["qtz"].name == "Mine"
    (values,) = (x.run() for x in checks(tmp_path / "mine.py", quick=True) if x.name == "values")
    said = [str(x) for x in values]
    assert all(x.note for x in values)
    assert bool(said) == (states is None)
    assert not said or said[0].startswith(
        f"mine.py:5: xlbench_contract: is not stated; write xlbench_contract = {HERE}"
    )


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        (
            str(HERE + 1),
            f"written for xlbench_contract = {HERE + 1}, and this xlbench has {HERE}; install a newer",
        ),
        ("10**40", f"written for xlbench_contract = {10**40}, and this xlbench has {HERE}; install a newer"),
        ("'1'", f"xlbench_contract is '1', and this xlbench has {HERE}; write the number"),
        ("True", "xlbench_contract is True"),
        ("None", "xlbench_contract is None"),
        ("1.0", "xlbench_contract is 1.0"),
        ("0", "xlbench_contract is 0"),
        ("-1", "xlbench_contract is -1"),
        ("lambda: 1", "xlbench_contract is <function"),
        ("'x\\n' * 10**6", "xlbench_contract is 'x"),
    ],
)
def test_any_other_contract_refuses_the_plugin_and_no_hook_is_called(
    tmp_path: Path, stated: str, says: str
) -> None:
    source = HOOK.replace("CONTRACT", f"xlbench_contract = {stated}").replace(
        "    yield", "    1 / 0\n    yield"
    )
    registry, plugin = given(tmp_path, source)
    assert says in (plugin.error or "")
    assert "ZeroDivision" not in (plugin.error or "")
    assert "\n" not in (plugin.error or "")
    assert len(plugin.error or "") < 300
    assert "qtz" not in registry.languages
    assert "pos" in registry.tasks
    with pytest.raises(PluginError, match=r"^plugin 'mine' of mine\.py \w+ failed: "):
        plugins.load(given=plugins.give([tmp_path / "mine.py"]))


@pytest.mark.parametrize("line", ["xlbench_contract = N", "xlbench_contract: int = N"])
def test_what_a_newer_contract_has_and_this_one_lacks_is_no_puzzle(tmp_path: Path, line: str) -> None:
    """The import fails before the module can say anything: its source says it."""
    line = line.replace("N", str(HERE + 1))
    source = HOOK.replace("CONTRACT", f"{line}\nfrom xlbench.contracts import Telepathy")
    _, plugin = given(tmp_path, source)
    assert f"written for xlbench_contract = {HERE + 1}" in (plugin.error or "")
    _, plugin = given(tmp_path, source.replace(str(HERE + 1), str(HERE)))
    assert "cannot import name 'Telepathy'" in (plugin.error or "")


class Mine:
    xlbench_contract = HERE

    @hookimpl
    def xlbench_languages(self) -> Iterator[Language]:
        yield Language("qtz", "Mine", "Made", "Made", "Latn")


def test_objects_and_modules_state_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("mine")
    module.xlbench_languages = Mine().xlbench_languages
    module.xlbench_contract = HERE
    for thing in (Mine(), module):
        (one,) = plugins.give([thing])
        assert plugins.load(given=[one]).plugins[-1].contract == HERE
    monkeypatch.setattr(Mine, "xlbench_contract", HERE + 1)
    module.xlbench_contract = HERE + 1
    for thing in (Mine(), module):
        with pytest.raises(PluginError, match=f"written for xlbench_contract = {HERE + 1}"):
            plugins.load(given=plugins.give([thing]))


def test_an_older_contract_that_is_no_longer_kept_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreed, "CONTRACT", 3)
    monkeypatch.setattr(agreed, "OLDEST_CONTRACT", 2)
    assert (agreed.check(2), agreed.check(3)) == (2, 3)
    with pytest.raises(
        PluginError, match="is 1, and this xlbench has 2 to 3; install a newer version of the plug"
    ):
        agreed.check(1)


TASK = """
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Metric, Task

metric = Metric("accuracy", ("correct", "total"), lambda gold, predicted: (1, 1),
                lambda sums: SCORE, others=(("half", lambda sums: OTHER),))

@hookimpl
def xlbench_tasks():
    yield Task("question", 1, "Asks", "classification", ("a", "b"), metric, AdapterTraining(), 16, "none",
               lambda paths: None)
"""
RIGHT = "100 * sums[..., 0] / sums[..., 1]"


class Package:
    """An installed package of a third party, of any version."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def install(self, version: str, score: str = RIGHT, other: str = RIGHT) -> None:
        info = self.site / "xlbench_toy-0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: xlbench-toy\nVersion: {version}\n")
        (info / "entry_points.txt").write_text("[xlbench]\ntoy = toy_of_contract\n")
        (self.site / "toy_of_contract.py").write_text(TASK.replace("SCORE", score).replace("OTHER", other))
        sys.modules.pop("toy_of_contract", None)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("XLBENCH_PLUGINS", "toy")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Package(tmp_path / "site")
    sys.modules.pop("toy_of_contract", None)


@pytest.fixture
def results(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of a study of the task, made with version 1.2.3."""
    package.install("1.2.3")
    metric = plugins.load().tasks["question"].metric
    monkeypatch.setitem(METRICS, "question", metric)
    study = Synthetic(tasks=("question",), targets=("qaa", "qac"), seeds=(0,), steps=(1,), examples=8)
    store = Store(tmp_path / "results")
    store.prepare()
    made = {**PROVENANCE, "plugins": {"task question": "toy (xlbench-toy 1.2.3)"}}
    for job in study.jobs:
        store.write(job, study.evaluate(job), made, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    return tmp_path / "results"


def test_results_say_which_plugin_made_them_and_which_other_version_reads_them(
    package: Package, results: Path
) -> None:
    def facts() -> dict[str, str]:
        read = Stored(results)
        _, page = next((probe, x) for probe, x in read.published if x.task == "question")
        return dict(read.provenance(page).facts)

    assert Stored(results).other_versions == []
    assert "task question: toy (xlbench-toy 1.2.3)" in facts()["Plugins"]
    assert "Plugins that changed since" not in facts()
    package.install("1.3.0")
    (line,) = Stored(results).other_versions
    assert line == (
        "task 'question' was scored by toy (xlbench-toy 1.2.3); toy (xlbench-toy 1.3.0) gives the same "
        "scores of the stored statistics"
    )
    assert facts()["Plugins that changed since"] == line
    assert "task question: toy (xlbench-toy 1.2.3)" in facts()["Plugins"]


@pytest.mark.parametrize(
    ("score", "other", "named"),
    [("50 * sums[..., 0] / sums[..., 1]", RIGHT, "accuracy"), (RIGHT, "50 + 0 * sums[..., 0]", "half")],
)
def test_a_metric_that_changed_is_named_with_the_version_that_scored(
    package: Package, results: Path, score: str, other: str, named: str
) -> None:
    package.install("1.3.0", score, other)
    with pytest.raises(ResultsError, match=rf"the metric '{named}' makes [\d.]+ of its counts") as caught:
        Stored(results)
    assert "it was scored by toy (xlbench-toy 1.2.3): install that version, or run again" in str(caught.value)
    assert "\n" not in str(caught.value)
