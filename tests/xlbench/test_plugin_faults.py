"""Faults in hooks and methods of a plugin: a few here, and all of `plugin_faults.py` in slow tests."""

from __future__ import annotations

import os
from pathlib import Path

import plugin_faults
import pytest
from plugin_faults import HOOKS, PLUGIN, Case

from xlbench import api, load_results, plugins
from xlbench.cli import main
from xlbench.contracts import Study
from xlbench.errors import XlbenchError
from xlbench.frames import Tables
from xlbench.plugins import Plugin, loading
from xlbench.stored import Stored

KINDS = {hook: kind for kind, (hook, _) in plugins.HOOKS.items()}


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin as one file, at first without a fault."""
    path = tmp_path / "faulty_plugin.py"
    path.write_bytes(PLUGIN.read_bytes())
    monkeypatch.setenv("XLBENCH_FAULT", ":")
    return path


def loaded(path: Path) -> tuple[plugins.Registry, Plugin]:
    registry = plugins.load(given=plugins.give([path]), lenient=True)
    return registry, registry.plugins[-1]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_misbehaves_is_named_and_the_others_are_used(
    faulty: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    monkeypatch.setattr(loading, "_MOST_VALUES", 40)
    registry, plugin = loaded(faulty)
    assert plugin.problem is None
    whole = set(plugin.provides)
    for fault, says in (
        ("wrong", f"{hook} returns (1+2j) (complex), one value"),
        ("nothing", f"{hook} returns None; yield values"),
        ("raise", "RuntimeError: injected fault"),
        ("exit", "SystemExit: 0"),
        ("enormous", f"{hook} yields more than 40 values"),
    ):
        monkeypatch.setenv("XLBENCH_FAULT", f"{hook}:{fault}")
        registry, plugin = loaded(faulty)
        assert says in (plugin.problem or "")
        assert "\n" not in (plugin.problem or "")
        assert "pos" in registry.tasks
        left = {x for x in whole if x[0] != KINDS[hook]} if fault in ("wrong", "nothing") else set()
        if hook == "xlbench_kinds":
            left.discard(("task", "faulty-task"))  # is of that kind
        assert set(plugin.provides) == left


STUDY = Study(
    model="tiny", tasks=("pos",), probes=("zero-shot", "faulty-probe"), targets=("qaa",),
    train_languages=("qaa",), data={"pos": ("artificial",)}, text="artificial", transfer=(), limit=4,
    adapter={"epochs": 1, "limit": 8}, adapter_seeds=(0,),
)  # fmt: skip


@pytest.mark.parametrize("fault", ["raise", "wrong", "nothing", "enormous", "exit"])
def test_jobs_that_are_asked_for_wrongly_are_refused_by_name(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("xlbench.studies.plan.MOST_JOBS", 50)
    monkeypatch.setenv("XLBENCH_FAULT", f"probe.jobs:{fault}")
    with pytest.raises(XlbenchError, match=r"'faulty-probe'.*faulty_plugin") as caught:
        api.plan(STUDY, results=tmp_path / "results", plugins=[faulty])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", ["raise", "enormous"])
def test_a_probe_that_misbehaves_is_named_and_the_jobs_of_others_are_done(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    results = tmp_path / "results"
    monkeypatch.setenv("XLBENCH_FAULT", f"probe.run:{fault}")
    done = api.run(STUDY, results=results, workers=1, device="cpu", quiet=True, plugins=[faulty])
    assert (done.run, list(done.failed)) == (1, ["faulty job"])
    assert "faulty" in done.failed["faulty job"]
    assert "\n" not in done.failed["faulty job"]
    assert list(load_results(results, plugins=[faulty])["probe"]) == ["zero-shot"]
    if fault != "raise":
        return
    for again in ("raise", "nothing", "wrong", "exit", "enormous"):  # of its pages; the others' are there
        monkeypatch.setenv("XLBENCH_FAULT", f"probe.pages:{again}")
        read = Stored(results, plugins=[faulty])
        assert {probe for probe, _ in read.pages} == {"zero-shot"}
        (line,) = read.problems
        assert line.startswith(
            "no pages of the probe 'faulty-probe' (plugin 'faulty_plugin' of faulty_plugin.py "
        )
    for again in ("raise", "nothing", "wrong", "exit"):
        monkeypatch.setenv("XLBENCH_FAULT", f"probe.frames:{again}")
        tables = Tables(Stored(results, plugins=[faulty]))
        assert not tables.frame("zero_shot").empty
        assert [x.startswith("no tables of the probe 'faulty-probe' (") for x in tables.problems] == [True]
    monkeypatch.setenv("XLBENCH_FAULT", "probe.frames:enormous")
    monkeypatch.setattr("xlbench.frames.MOST_ROWS", 50)
    with pytest.raises(XlbenchError, match=r"'faulty' of the probe 'faulty-probe' .*more than 50 rows"):
        Tables(Stored(results, plugins=[faulty])).frame("faulty")


@pytest.mark.parametrize("fault", ["nothing", "enormous", "exit"])
def test_data_that_misbehave_are_refused_by_name_before_anything_runs(
    faulty: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    monkeypatch.setenv("XLBENCH_FAULT", f"data.examples:{fault}")
    monkeypatch.setattr("sys.argv", [
        "xlbench", "plan", "--plugin", str(faulty), "--model", "tiny", "--probe", "zero-shot", "--task",
        "faulty-task", "--targets", "qaa", "--train-languages", "qaa", "--results", str(tmp_path / "results"),
    ])  # fmt: skip
    assert main() == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines
    for line in lines:  # one per split
        assert "faulty" in line
        assert len(line) < 1000


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plugin_faults.site(tmp_path_factory.mktemp("faulty"))


@pytest.mark.slow
@pytest.mark.parametrize("case", plugin_faults.cases(), ids=lambda case: case.name)
def test_every_fault_in_every_place(installed: Path, tmp_path: Path, case: Case) -> None:
    result = plugin_faults.run(case, installed, tmp_path)
    assert not result.faults, result
    assert os.environ.get("XLBENCH_FAULT") is None
