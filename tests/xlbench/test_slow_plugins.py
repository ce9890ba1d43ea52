"""A slow plugin is imported where a name of it is asked for; elsewhere what it provides is remembered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xlbench import plugins
from xlbench.api import Request, prepare
from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.plugins import load, load_for, remembered
from xlbench.results import describe
from xlbench.spec.study import as_json
from xlbench.stored import Stored

SOURCE = """
from pathlib import Path
with Path({log!r}).open("a") as file:
    file.write("imported ")
print("hello from the plugin")
{slow}
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Language, Task, Treatment
from xlbench.metrics import accuracy

class Lines:
    name, source, task = "late-lines", "made", "late"
    def languages(self, split): return ("eng",)
    def fingerprint(self, language, split): return split
    def examples(self, language, split, limit=None):
        return [Classified((f"word {{i}}",), "odd" if i % 2 else "even") for i in range(8)][:limit]

@hookimpl
def xlbench_tasks():
    yield Task("late", 1, "Late", "classification", ("even", "odd"), accuracy(), AdapterTraining(), 16,
               "late-lines", lambda paths: None)

@hookimpl
def xlbench_task_data():
    yield Lines()

@hookimpl
def xlbench_treatments():
    yield Treatment(name="late-treatment", summary="Late", load=lambda: list, stage="lines")
"""


class Installed:
    """A slow plugin of another distribution."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        self.file = folder / "slow_plugin.py"
        self.write("")
        info = folder / "slow-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[xlbench]\nslow = slow_plugin\n")

    def write(self, slow: str) -> None:
        self.file.write_text(SOURCE.format(log=str(self.log), slow=slow))
        self.forget()

    def forget(self) -> None:
        """As in a new process."""
        sys.modules.pop("slow_plugin", None)

    def imports(self) -> int:
        """How often it was imported since this was last asked."""
        self.forget()
        found = self.log.read_text().count("imported") if self.log.exists() else 0
        self.log.write_text("")
        return found


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XLBENCH_PLUGINS", "slow")
    monkeypatch.setattr(remembered, "SLOW", 0)
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    made = Installed(tmp_path / "site")
    load()
    assert made.imports() == 1
    yield made
    made.forget()


def plugin(registry: plugins.Registry) -> plugins.Plugin:
    (found,) = (x for x in registry.plugins if x.name == "slow")
    return found


STUDY = Study(tasks=("pos",), probes=("zero-shot",), targets=("qaa",), train_languages=("qaa",), limit=4)


def test_names_are_listed_without_the_import(slow: Installed) -> None:
    before = plugin(load())
    assert slow.imports() == 1
    listed = plugin(load(asked=frozenset()))
    assert slow.imports() == 0
    assert listed == replace(before, deferred=True, printed="")
    assert ("task", "late") in listed.provides


@pytest.mark.parametrize(
    ("more", "imports"),
    [
        ({}, 0),
        ({"tasks": ("late",)}, 1),
        ({"tasks": ("slow/late",)}, 1),
        ({"controls": ("late-treatment",)}, 1),
        ({"data": {"pos": ("late-lines",)}}, 1),
    ],
)
def test_a_study_imports_what_it_names(slow: Installed, more: dict[str, object], imports: int) -> None:
    registry = load_for(as_json(replace(STUDY, **more)))  # type: ignore[arg-type]
    assert slow.imports() == imports
    assert registry.deferred == (() if imports else ("slow/slow",))
    load_for(as_json(STUDY), "late-lines")
    assert slow.imports() == 1


def test_names_that_a_study_leads_to_are_asked_too(slow: Installed, tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text(
        slow.file.read_text().replace("late-lines", "quick-lines").replace('"late"', '"quick"')
        .replace("late-treatment", "quick-treatment")
        .replace('16,\n               "quick-lines"', '16,\n               "late-lines"')
    )  # fmt: skip
    registry = load_for(as_json(replace(STUDY, tasks=("quick",))), given=plugins.give([path]))
    assert registry.deferred == ()
    assert "late" in registry.tasks


def test_plans_are_the_same_and_missing_names_have_everything_imported(
    slow: Installed, tmp_path: Path
) -> None:
    ready = prepare(Request(STUDY, results=tmp_path / "results"))
    assert slow.imports() == 0
    assert ready.registry.deferred == ("slow/slow",)
    slow.forget()
    whole = prepare(Request(STUDY, results=tmp_path / "results", strict_plugins=True))
    assert slow.imports() == 1
    assert [x.identity for x in ready.plan.jobs] == [x.identity for x in whole.plan.jobs]
    with pytest.raises(StudyError, match=r"no task 'lte'; did you mean late\?"):
        prepare(Request(replace(STUDY, tasks=("lte",)), results=tmp_path / "results"))
    assert slow.imports() == 1


def test_stored_results_are_shown_without_the_import(slow: Installed, tmp_path: Path) -> None:
    ready = prepare(Request(STUDY, results=tmp_path / "results"))
    ready.store.prepare()
    ready.store.save_study(
        as_json(ready.spelled), ready.plan.jobs, describe(ready.resolved), ready.plan.dropped
    )
    stored = Stored(tmp_path / "results")
    assert stored.pages is not None
    assert slow.imports() == 0


@pytest.mark.parametrize("change", ["file", "version", "installed"])
def test_what_has_changed_is_imported_again(slow: Installed, change: str) -> None:
    load_for(as_json(STUDY))
    assert slow.imports() == 0
    if change == "file":
        slow.file.write_text(slow.file.read_text() + "\n# changed\n")
    elif change == "version":
        metadata = slow.folder / "slow-1.0.dist-info" / "METADATA"
        metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    else:
        (slow.folder / "another.py").write_text("")
    load_for(as_json(STUDY))
    assert slow.imports() == 1


def test_a_slow_one_that_fails_is_named_and_not_tried_again(slow: Installed) -> None:
    slow.write("raise SystemExit(3)")
    assert plugin(load()).error == "SystemExit: 3"
    assert slow.imports() == 1
    assert plugin(load(asked=frozenset())).error == "SystemExit: 3"
    assert load_for(as_json(STUDY)).tasks
    assert slow.imports() == 0


def test_a_quick_one_is_imported_each_time_and_what_it_prints_is_told(
    slow: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(remembered, "SLOW", float("inf"))
    slow.write("")
    for _ in range(2):
        assert (
            plugin(load_for(as_json(STUDY))).remark == "prints when it is imported: 'hello from the plugin'"
        )
        assert slow.imports() == 1
    assert capsys.readouterr().out == ""


def test_a_cache_that_is_damaged_or_cannot_be_written_is_done_without(
    slow: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept,) = (tmp_path / "cache" / "xlbench" / "plugins").iterdir()
    for content in ("", "[]", '{"error": null, "provides": [["nothing", "x"]], "refused": []}'):
        kept.write_text(content)
        load(asked=frozenset())
        assert slow.imports() == 1
    (tmp_path / "flat").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "flat"))
    assert load().tasks
    assert remembered.SLOW < 0.35
