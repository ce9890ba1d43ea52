"""Observers are told how a run goes, in this process, and can harm nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from elsewhere import Elsewhere

from xlbench import api, hookimpl, load_results
from xlbench.contracts import (
    Evaluation,
    Event,
    Job,
    JobEnded,
    JobFailed,
    JobProgressed,
    JobStarted,
    Study,
    StudyEnded,
    StudyPlanned,
)
from xlbench.errors import StudyError, UnknownNameError
from xlbench.results import Store

STUDY = {
    "tasks": ("pos",), "probes": ("two",), "targets": ("qaa",), "train_languages": ("qaa",), "limit": 4,
    "data": {"pos": ("artificial",)}, "adapter": {"epochs": 1, "limit": 8},
}  # fmt: skip


class Two:
    """One job that ends well, and one that fails."""

    name, version, summary, settings = "two", 1, "Two jobs", None

    def jobs(self, resolved: Any) -> list[Job]:
        (task,) = resolved.tasks
        made = [{"adapter": resolved.adapter_identity(task), "number": i} for i in range(2)]
        return [Job("two", 1, x, resolved.cells(task), f"job {x['number']}") for x in made]

    def run(self, job: Any, lab: Any) -> list[Evaluation]:
        if job.condition["number"]:
            raise ValueError("not this one")
        lab.task_adapter(job.cells[0].task)
        return list(lab.evaluate(job.cells))

    def pages(self, records: Any) -> tuple[()]:
        return ()


@dataclass(frozen=True)
class Settings:
    loud: bool = False


class Watches:
    """An observer that does what it is given to do."""

    name, summary, settings = "watches", "Watches", Settings

    def __init__(self, does: Callable[[Any], object]) -> None:
        self.does, self.begun = does, []  # type: ignore[var-annotated]

    def observe(self, settings: Settings) -> Callable[[Any], object]:
        self.begun.append(settings)
        return self.does


def plugin(*observers: Any) -> Any:
    class Plugin:
        @hookimpl
        def xlbench_probes(self) -> Any:
            yield Two()

        @hookimpl
        def xlbench_observers(self) -> Any:
            yield from observers

    return Plugin()


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(model=str(checkpoint), **STUDY)  # type: ignore[arg-type]


def carried_out(study: Study, results: Path, *observers: Any, **more: Any) -> api.RunResult:
    """Run with observers, which need not be sent to another process, nor told from others of their kind."""
    ready = api.prepare(api.Request(study, results=results, plugins=(plugin(),)))
    chosen = tuple((x, x.settings()) for x in observers)
    return api.carry_out(replace(ready, observers=chosen), workers=1, device="cpu", **more)


def test_an_observer_is_told_of_everything_in_order(study: Study, tmp_path: Path) -> None:
    told: list[Any] = []
    done = carried_out(study, tmp_path / "results", Watches(told.append))
    assert (done.run, len(done.failed), done.observers_failed) == (1, 1, {})
    begun, ended = told[0], told[-1]
    assert isinstance(begun, StudyPlanned)
    assert (begun.study_id, begun.kept, len(begun.jobs)) == (done.study_id, 0, 2)
    assert isinstance(ended, StudyEnded)
    assert (ended.run, ended.failed, ended.kept, ended.error) == (1, 1, 0, "")
    (good,) = (x for x in told if isinstance(x, JobEnded))
    (bad,) = (x for x in told if isinstance(x, JobFailed))
    assert "(test_observers.py, line " in bad.error
    assert bad.error.endswith("failed: ValueError: not this one")
    of_good = [type(x) for x in told if getattr(x, "job", None) == good.job]
    assert of_good[0] is JobStarted
    assert of_good[-1] is JobEnded
    assert set(of_good[1:-1]) == {JobProgressed}
    frame = load_results(tmp_path / "results", plugins=[plugin()])
    assert [x.score for x in good.scores] == list(frame["score"])
    assert [(x.task, x.target, x.metric, x.examples) for x in good.scores] == [("pos", "qaa", "accuracy", 4)]
    assert good.path == Store(tmp_path / "results").file(good.job).path
    again: list[Any] = []
    carried_out(study, tmp_path / "results", Watches(again.append))
    assert again[0].kept == again[-1].kept == 1
    assert again[0].study_id == begun.study_id  # what a tracker goes on by


def no_wait(what: Any) -> None:
    raise ValueError("lost\nthe network")


class Never(Watches):
    def observe(self, settings: Settings) -> Any:
        raise OSError("no server")


def test_observers_that_fail_are_reported_once_each_and_harm_nothing(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Any] = []
    bad = {
        "raises": Watches(no_wait),
        "exits": Watches(lambda what: sys.exit(0)),
        "wrong": Watches(lambda what: what.nothing),
        "never": Never(print),
    }
    for name, one in bad.items():
        one.name = name
    done = carried_out(study, tmp_path / "results", *bad.values(), Watches(told.append))
    assert (done.run, len(done.failed)) == (1, 1)
    assert done.observers_failed.keys() == bad.keys()
    assert done.observers_failed["never"] == "OSError: no server"
    lines = [x for x in capsys.readouterr().err.splitlines() if "observer" in x]
    assert len(lines) == len(bad)
    assert any(
        x.startswith("xlbench: the observer 'raises' failed: ValueError: lost the network") for x in lines
    )
    assert isinstance(told[-1], StudyEnded)


def test_a_run_that_is_stopped_ends_for_observers_too(study: Study, tmp_path: Path) -> None:
    told: list[Any] = []

    def stops(what: Any) -> None:
        told.append(what)
        if isinstance(what, JobStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(study, tmp_path / "results", Watches(stops))
    assert isinstance(told[-1], StudyEnded)
    assert told[-1].error == "interrupted"


def test_jobs_start_before_they_end_with_executors_that_do_not_say_so(study: Study, tmp_path: Path) -> None:
    told: list[Any] = []
    ready = api.prepare(api.Request(study, results=tmp_path / "results", plugins=(plugin(),)))
    watching = ((Watches(told.append), Settings()),)
    api.carry_out(replace(ready, executor=Elsewhere(), observers=watching), workers=1, device="cpu")
    kinds = [type(x) for x in told if not isinstance(x, Event)]
    assert kinds[0] is StudyPlanned
    assert kinds[kinds.index(JobEnded) - 1] is JobStarted


def test_settings_of_an_observer_are_options(study: Study, tmp_path: Path) -> None:
    watches = Watches(print)
    given, results = (plugin(watches),), tmp_path / "results"
    said = replace(study, options={"watches": {"loud": True}})
    ready = api.prepare(api.Request(said, results=results, plugins=given, observers=("watches",)))
    assert [how for _, how in ready.observers] == [Settings(loud=True)]
    assert [x.identity for x in ready.plan.jobs] == [
        x.identity for x in api.plan(study, results=results, plugins=given).jobs
    ]
    with pytest.raises(StudyError, match=r"options\.watches: an observer; choose it with --observer watches"):
        api.plan(said, results=results, plugins=given)
    with pytest.raises(StudyError, match=r"unknown key options\.watches\.lout; did you mean 'loud'"):
        api.plan(replace(study, options={"watches": {"lout": 1}}), plugins=given, observers=["watches"])
    with pytest.raises(UnknownNameError, match=r"no observer 'jsonnl'; did you mean jsonl"):
        api.plan(study, results=results, plugins=given, observers=["jsonnl"])


def test_the_log_has_a_line_for_everything(study: Study, tmp_path: Path) -> None:
    from xlbench.running.observers.jsonl import JsonLines

    ours, results = tmp_path / "log.jsonl", tmp_path / "results"
    carried_out(study, results, JsonLines())
    lines = [json.loads(x) for x in (results / "events.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["event"] == "study planned"
    assert lines[0]["study"]["tasks"] == ["pos"]
    (ended,) = (x for x in lines if x["event"] == "job ended")
    assert ended["scores"][0].keys() == {"task", "target", "metric", "score", "examples"}
    assert Path(ended["path"]).is_file()
    assert lines[-1]["event"] == "study ended"
    assert {x["study_id"] for x in lines} == {lines[0]["study_id"]}
    ready = api.prepare(api.Request(study, results=results, plugins=(plugin(),)))
    log = JsonLines()
    chosen = ((log, log.settings(str(ours))),)
    api.carry_out(replace(ready, observers=chosen), workers=1, device="cpu")
    assert json.loads(ours.read_text("utf-8").splitlines()[0])["kept"] == 1
