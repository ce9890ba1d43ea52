"""Adaptive studies: rounds, what is dropped between them, and going on after a stop."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import warm

import xlbench
from xlbench import Study, api, plugins
from xlbench.contracts import Cell, Evaluation, Job, Records, Resolved
from xlbench.data.clean_text import CleanText
from xlbench.errors import PluginError, StudyError
from xlbench.plugins import Plugin, Registry
from xlbench.results import Store
from xlbench.studies import plan as planning

STUDY = Study(
    probes=("transfer",), tasks=("pos",), transfer=("qaa", "qac"), targets=("qaa", "qab", "qac"),
    train_languages=("qaa",), steps=(1, 8), seeds=(0, 1, 2), controls=(), limit=60,
    readings=("put-back", "retrained"), retraining={"warm_start_steps": 4}, adapter={"limit": 200},
    mlm={"chunk": 32, "batch_size": 4, "learning_rate": 3e-3}, adaptive=True,
)  # fmt: skip


@dataclass
class Plain:
    """A third party's probe that knows nothing of adaptive studies."""

    wanted: Sequence[Job]
    name: str = "plain"
    version: int = 1
    summary: str = ""
    settings: None = None

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        return self.wanted

    def run(self, job: Job, lab: object) -> Sequence[Evaluation]:
        raise NotImplementedError

    def pages(self, records: object) -> Sequence[object]:
        return ()


@dataclass
class Dropping(Plain):
    """Drops what has the target "a" after one round, and remembers what it was shown."""

    name: str = "dropping"
    answer: Mapping[tuple[str, Cell], str] | None = None
    shown: tuple[tuple[str, ...], ...] = ()

    def drop(self, records: Records, coming: Sequence[Job]) -> Mapping[tuple[str, Cell], str]:
        self.shown = (*self.shown, tuple(sorted({x.condition_key for x in records.records})))
        if self.answer is not None:
            return self.answer
        return {(x.condition_key, c): "settled" for x in coming for c in x.cells if c.target == "a"}


@dataclass
class Prioritizing(Dropping):
    """Drops nothing, and gives priorities to its jobs."""

    name: str = "prioritizing"
    said: Mapping[str, float] | None = None

    def drop(self, records: Records, coming: Sequence[Job]) -> Mapping[tuple[str, Cell], str]:
        return {}

    def priorities(self, records: Records, coming: Sequence[Job]) -> Mapping[str, float]:
        self.shown = (*self.shown, tuple(x.label for x in coming))
        return self.said or {}


def jobs(probe: str, rounds: int = 3) -> list[Job]:
    cells = tuple(Cell("tags", x, f"data of {x}") for x in "ab")
    return [Job(probe, 1, {"seed": i}, cells, f"seed {i}", round=i) for i in range(rounds)]


def registry(*probes: Plain) -> Registry:
    kinds = ("task", "data", "corpus", "language", "model", "executor", "distance")
    owner = Plugin("some", "xlbench", "1", "some")
    return Registry(
        (owner,),
        {**{kind: {} for kind in kinds}, "probe": {x.name: x for x in probes}},
        {("probe", x.name): owner for x in probes},
    )


def asked(resolved: Resolved, *names: str) -> Resolved:
    return replace(
        resolved,
        corpus=CleanText(resolved.corpus, {}),
        study=replace(resolved.study, probes=names, seeds=(0, 1, 2), adaptive=True),
    )


def store_all(store: Store, resolved: Resolved, todo: Sequence[Job]) -> None:
    for job in todo:
        made = [Evaluation(x, np.array([[1, 2]], np.int32)) for x in job.cells]
        store.write(job, made, {}, {"tags": resolved.tasks["tags"].metric})


def test_rounds_come_one_by_one_and_what_is_dropped_is_in_none(resolved: Resolved, tmp_path: Path) -> None:
    store, probe = Store(tmp_path), Dropping(jobs("dropping"))
    study, known = asked(resolved, "dropping"), registry(probe)
    plan = planning.make(study, known, store)
    assert [x.round for x in plan.todo] == [0]
    assert [x.round for x in plan.later] == [1, 2]  # at most
    assert (probe.shown, plan.dropped) == ((), {})
    store_all(store, resolved, plan.todo)
    plan = planning.after(plan, study, known, store, set(), "failed")
    assert [[c.target for c in x.cells] for x in (*plan.todo, *plan.later)] == [["b"], ["b"]]
    assert set(plan.dropped.values()) == {"settled"}
    store_all(store, resolved, plan.todo)
    plan = planning.make(study, known, store)
    assert [x.round for x in plan.todo] == [2]
    store_all(store, resolved, plan.todo)
    plan = planning.make(study, known, store)
    assert (plan.todo, plan.later, plan.done) == ((), (), 3)


def test_a_round_is_judged_by_the_rounds_before_it_whatever_else_is_stored(
    resolved: Resolved, tmp_path: Path
) -> None:
    store, probe = Store(tmp_path), Dropping(jobs("dropping"))
    store_all(store, resolved, probe.wanted[::-1])
    plan = planning.make(asked(resolved, "dropping"), registry(probe), store)
    assert not plan.todo
    assert [len(x) for x in probe.shown] == [1, 2]
    assert len(plan.dropped) == 2


def test_a_round_waits_for_all_of_the_one_before_but_not_for_failures(
    resolved: Resolved, tmp_path: Path
) -> None:
    store, probe = Store(tmp_path), Dropping(jobs("dropping"))
    study, known = asked(resolved, "dropping"), registry(probe)
    store_all(store, resolved, probe.wanted[1:])
    assert [x.round for x in planning.make(study, known, store).todo] == [0]
    store.write_failure(probe.wanted[0], ValueError("no"), {})
    plan = planning.make(study, known, store)
    assert [x.round for x in plan.todo] == [0]  # tried again
    plan = planning.after(plan, study, known, store, {probe.wanted[0].condition_key}, "failed")
    assert not plan.todo


def test_the_jobs_of_a_round_come_by_priority_each_with_its_group(resolved: Resolved, tmp_path: Path) -> None:
    (cell, _), store = jobs("prioritizing")[0].cells, Store(tmp_path)
    wanted = [
        Job("prioritizing", 1, {"n": x}, (cell,), x, round=int(x != "first"), group=x[0])
        for x in ("first", "a1", "a2", "b1", "b2", "c1", "d1")
    ]
    keys = {x.label: x.condition_key for x in wanted}
    beside = Plain([Job("plain", 1, {}, (cell,), "plain", round=1)])
    probe = Prioritizing(wanted)
    study, known = asked(resolved, "prioritizing", "plain"), registry(probe, beside)
    assert [x.label for x in planning.make(study, known, store).todo] == ["first"]
    assert not probe.shown  # nothing is known before the first round
    store_all(store, resolved, wanted[:1])
    assert [x.label for x in planning.make(study, known, store).todo] == [
        "a1", "a2", "b1", "b2", "c1", "d1", "plain",
    ]  # fmt: skip
    probe.said = {keys["c1"]: 0.5, keys["b2"]: 0.75, keys["a1"]: -1}
    found = planning.make(study, known, store).todo
    assert [x.label for x in found] == ["plain", "b1", "b2", "c1", "a1", "a2", "d1"]
    assert probe.shown == (("a1", "a2", "b1", "b2", "c1", "d1"),) * 2
    for said, why in (({"x": 1.0}, "not in the next round"), ({keys["a1"]: float("nan")}, "priority nan")):
        probe.said = said
        with pytest.raises(PluginError, match=why):
            planning.make(study, known, store)


def test_a_probe_that_cannot_adapt_runs_in_full_beside_one_that_can(
    resolved: Resolved, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    probes = Dropping(jobs("dropping")), Plain([replace(x, round=0) for x in jobs("plain")])
    study, known = asked(resolved, "dropping", "plain"), registry(*probes)
    plan = planning.make(study, known, store)
    assert [x.probe for x in plan.todo].count("plain") == 3
    store_all(store, resolved, plan.todo)
    plan = planning.make(study, known, store)
    assert {key for key, _ in plan.dropped} <= {x.condition_key for x in probes[0].wanted}


def test_what_makes_no_sense_is_one_line(resolved: Resolved, tmp_path: Path) -> None:
    store, study = Store(tmp_path), asked(resolved, "dropping")
    with pytest.raises(StudyError, match=r"^no probe of this study \(plain\) can be adaptive; .*: dropping$"):
        planning.make(
            asked(resolved, "plain"), registry(Plain(jobs("plain")), Dropping(jobs("dropping"))), store
        )
    one = replace(study, study=replace(study.study, seeds=(0,)))
    with pytest.raises(StudyError, match="two seeds or more"):
        planning.make(one, registry(Dropping(jobs("dropping", 1))), store)
    wanted = jobs("dropping")
    probe = Dropping(wanted, answer={(wanted[0].condition_key, wanted[0].cells[0]): "settled"})
    store_all(store, resolved, wanted[:1])
    with pytest.raises(PluginError, match="drops cells that are in no later round"):
        planning.make(study, registry(probe), store)
    with pytest.raises(StudyError, match="two seeds or more"):
        api.prepare(api.Request(replace(STUDY, seeds=(4,)), results=tmp_path))


def files(results: Path) -> set[str]:
    return {x.name for x in (results / "jobs").iterdir()}


def numbers(results: Path) -> list[str]:
    frame = xlbench.load_results(results).astype(str)
    return sorted(frame.to_csv(index=False).splitlines())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of an uninterrupted adaptive study."""
    results = tmp_path_factory.mktemp("whole")
    xlbench.run(STUDY, results=results, workers=1)
    return results


def test_an_adaptive_study_keeps_what_it_left_out_and_calls_nothing_missing(whole: Path) -> None:
    store = Store(whole)
    (stored,) = store.studies()
    assert set(stored.dropped.values()) <= {"helps", "harms", "futile"}
    assert len(stored.dropped) > 6
    tasks = plugins.load().tasks
    records = store.records({name: x.metric for name, x in tasks.items()})
    assert len(records.records) == 6 + 72 - len(stored.dropped)  # zero-shot with both adapters
    readings = {x.condition_key: x.condition.get("reading", "put-back") for x in stored.jobs}
    assert {readings[key] for key, _ in stored.dropped} == {"put-back", "retrained"}
    page, *_ = plugins.load().probes["transfer"].pages(records)
    assert not any("missing" in line for line in page.summary)
    assert any("dropped" in line for line in page.summary)
    spent = next(x for x in page.parts if x.title.startswith("Seeds spent"))
    assert spent


def test_stopped_anywhere_it_ends_with_the_same_files(whole: Path, tmp_path: Path) -> None:
    order = sorted((whole / "jobs").iterdir(), key=lambda x: x.stat().st_mtime_ns)
    assert len(order) > 6  # more than the first round
    for kept in (3, len(order) - 1):
        results = tmp_path / str(kept)
        (results / "jobs").mkdir(parents=True)
        shutil.copytree(whole / "adapters", results / "adapters")
        for file in order[:kept]:
            (results / "jobs" / file.name).write_bytes(file.read_bytes())
        xlbench.run(STUDY, results=results, workers=1)
        assert files(results) == files(whole)
        assert numbers(results) == numbers(whole)


@pytest.mark.slow
def test_two_workers_end_with_the_same_files(whole: Path, tmp_path: Path) -> None:
    """From the second round on: the first is that of any study."""
    (tmp_path / "jobs").mkdir()
    first = tuple(x.condition_key for x in api.prepare(api.Request(STUDY, results=tmp_path)).plan.todo)
    for file in (whole / "jobs").iterdir():
        if file.name.startswith(first):
            (tmp_path / "jobs" / file.name).write_bytes(file.read_bytes())
    assert len(files(tmp_path)) == len(first) < len(files(whole)) - 1
    xlbench.run(STUDY, results=tmp_path, workers=2)
    assert files(tmp_path) == files(whole)
    assert numbers(tmp_path) == numbers(whole)


@pytest.mark.slow
def test_in_the_folder_of_a_full_study_it_runs_nothing_and_leaves_that_one_alone(
    whole: Path, tmp_path: Path
) -> None:
    full = replace(STUDY, adaptive=False)
    first = xlbench.run(full, results=tmp_path, workers=1)
    assert not api.prepare(api.Request(full, results=tmp_path)).plan.dropped
    then = xlbench.run(STUDY, results=tmp_path, workers=1)
    assert then.run == 0
    assert then.study_id != first.study_id
    store = Store(tmp_path)
    assert store.study(then.study_id).dropped == Store(whole).studies()[0].dropped
    assert not store.study(first.study_id).dropped


def test_the_plan_prices_both_readings_of_all_rounds(tmp_path: Path) -> None:
    ready = api.prepare(api.Request(STUDY, results=tmp_path))
    plan, batch = ready.plan, ready.resolved.training["pos"].batch_size
    retrained = [x for x in (*plan.todo, *plan.later) if x.condition.get("reading") == "retrained"]
    assert [x.cost.train_examples for x in retrained] == [4 * batch] * 12
    epochs = ready.resolved.training["pos"].epochs
    assert plan.cost.train_examples == 200 * epochs + (12 + 1) * 4 * batch


def test_the_plan_says_at_most_how_much(tmp_path: Path) -> None:
    line = (
        "--task pos --transfer qaa --targets qaa,qab --seeds 3 --steps 1 --controls none --probe transfer "
        "--readings put-back"
    )
    done = warm.run("plan", *line.split(), "--results", str(tmp_path), "--adaptive")
    assert done.returncode == 0, done.stderr
    assert "to run     2\nlater      at most 2; 0 scores dropped so far\n" in done.stdout
    assert "time       at most, " in done.stdout
    assert "--adaptive" in done.stdout.splitlines()[-1]
    assert json.dumps(sorted(tmp_path.iterdir())) == "[]"
