"""Jobs: asked for, put in order, and less what is stored."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench import plugins
from xlbench.contracts import Cell, Cost, Evaluation, Job, Resolved, Study
from xlbench.errors import PluginError, StudyError
from xlbench.plugins import Plugin, Registry
from xlbench.results import Store
from xlbench.results.estimate import Meter
from xlbench.studies import plan as planning
from xlbench.studies.order import in_order
from xlbench.studies.resolve import resolve


@dataclass
class Asking:
    """A probe that wants the jobs it is made with."""

    wanted: Callable[[], Sequence[Job]]
    name: str = "asking"
    version: int = 1
    summary: str = ""

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        return self.wanted()

    def run(self, job: Job, lab: object) -> Sequence[Evaluation]:
        raise NotImplementedError

    def pages(self, records: object) -> Sequence[object]:
        return ()


def registry(*probes: Asking) -> Registry:
    provided = {kind: {} for kind in ("task", "data", "corpus", "language", "model", "executor", "distance")}
    owner = Plugin("some", "xlbench", "1", "some")
    return Registry(
        (owner,),
        {**provided, "probe": {x.name: x for x in probes}},
        {("probe", x.name): owner for x in probes},
    )


def cell(target: str) -> Cell:
    return Cell("tags", target, f"data of {target}")


def job(number: int, targets: str = "ab", *, probe: str = "asking", **more: object) -> Job:
    cells = tuple(cell(x) for x in targets)
    return Job(probe, 1, {"number": number}, cells, f"job {number}", **more)  # type: ignore[arg-type]


def make(resolved: Resolved, store: Store, jobs: Sequence[Job], rerun: str = "failed") -> planning.Plan:
    asked = replace(resolved, study=replace(resolved.study, probes=("asking",)))
    return planning.make(asked, registry(Asking(lambda: jobs)), store, rerun)  # type: ignore[arg-type]


def store_job(store: Store, resolved: Resolved, one: Job) -> None:
    made = [Evaluation(x, np.array([[1, 2]], np.int32)) for x in one.cells]
    store.write(one, made, {}, {"tags": resolved.tasks["tags"].metric})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 30), max_size=3)), max_size=30), st.randoms()
)
def test_needs_come_first_and_groups_stay_together(
    shape: list[tuple[int, set[int]]], shuffle: object
) -> None:
    keys = [job(i).condition_key for i in range(len(shape))]
    jobs = [
        job(i, group=f"g{group}", needs=tuple(keys[x] for x in sorted(needs) if x < i))
        for i, (group, needs) in enumerate(shape)
    ]
    mixed = list(jobs)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    ordered = in_order(mixed)
    place = {x.condition_key: i for i, x in enumerate(ordered)}
    assert sorted(place) == sorted(keys)
    assert all(place[need] < place[x.condition_key] for x in ordered for need in x.needs)
    if not any(x.needs for x in jobs):
        changes = sum(a.group != b.group for a, b in itertools.pairwise(ordered))
        assert changes == max(len({x.group for x in jobs}) - 1, 0)


def test_a_need_that_is_no_job_and_a_circle_are_errors() -> None:
    with pytest.raises(PluginError, match="which is not a job"):
        in_order([job(0, needs=("nothing",))])
    a, b = job(0), job(1)
    with pytest.raises(PluginError, match="needs itself"):
        in_order([replace(a, needs=(b.condition_key,)), replace(b, needs=(a.condition_key,))])


def test_what_two_probes_ask_for_comes_once_with_the_cells_of_both(resolved: Resolved, store: Store) -> None:
    first = Asking(lambda: [job(0, "ab"), job(1)], name="asking")
    second = Asking(lambda: [job(0, "bc")], name="second")
    asked = replace(resolved, study=replace(resolved.study, probes=("asking", "second")))
    plan = planning.make(asked, registry(first, second), store)
    assert [x.condition for x in plan.jobs] == [{"number": 0}, {"number": 1}]
    assert [x.target for x in plan.jobs[0].cells] == ["a", "b", "c"]


def test_stored_cells_are_taken_out(resolved: Resolved, store: Store) -> None:
    store_job(store, resolved, job(0, "ab"))
    store_job(store, resolved, job(1, "a"))
    asked = [job(i, "abc", cost=Cost(evaluate_examples=30)) for i in range(3)]
    store_job(store, resolved, asked[2])
    plan = make(resolved, store, asked)
    assert [[x.target for x in one.cells] for one in plan.todo] == [["c"], ["b", "c"]]
    assert [x.cost.evaluate_examples for x in plan.todo] == [10, 20]
    assert plan.done == 1
    assert len(make(resolved, store, asked, "all").todo) == 3
    assert make(resolved, store, [job(0, "b"), job(2, "c")]).todo == ()


def test_failed_jobs_run_again_unless_told_otherwise(resolved: Resolved, store: Store) -> None:
    bad, after, free = job(0), job(1), job(2)
    after = replace(after, needs=(bad.condition_key,))
    store.write_failure(bad, ValueError("NaN"), {})
    plan = make(resolved, store, [bad, after, free])
    assert (plan.todo, plan.failed, plan.done) == ((bad, free, after), (bad,), 0)
    plan = make(resolved, store, [bad, after, free], "missing")
    assert (plan.todo, plan.failed) == ((free,), (bad,))
    store_job(store, resolved, bad)  # it has ended well meanwhile
    plan = make(resolved, store, [bad, after, free], "missing")
    assert (plan.todo, plan.failed, plan.done) == ((free, after), (), 1)


def test_shared_finetuning_is_charged_once_also_where_its_first_job_is_done(
    resolved: Resolved, store: Store
) -> None:
    jobs = [
        *(job(i, shares={"g": Cost(finetune_tokens=100), "a": Cost(train_examples=5)}) for i in range(3)),
        job(3, shares={"h": Cost(finetune_tokens=7)}),
    ]
    assert [x.cost.finetune_tokens for x in make(resolved, store, jobs).todo] == [100, 0, 0, 7]
    assert [x.cost.train_examples for x in make(resolved, store, jobs).todo] == [5, 0, 0, 0]
    store_job(store, resolved, jobs[0])
    plan = make(resolved, store, jobs)
    assert [x.cost.finetune_tokens for x in plan.todo] == [100, 0, 7]
    kept = store.adapters / "a" / "adapter_config.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    plan = make(resolved, store, jobs)
    assert plan.cost == Cost(finetune_tokens=107)  # the adapter is kept
    assert plan.whole == Cost(finetune_tokens=107, train_examples=5)


def test_the_estimate_follows_what_is_measured() -> None:
    left = Cost(finetune_tokens=1000, evaluate_examples=10)
    meter = Meter()
    assert meter.estimate(left, 2) is None  # nothing is known, and nothing is made up
    meter.add(Cost(finetune_tokens=100), {"finetune": 50.0, "tokenize": 3.0}, 54.0)
    assert not meter.knows(left)
    by_relation = 1000 * 0.5 + 10 * 0.5 * 40 / 3
    assert meter.estimate(left) == pytest.approx(by_relation)
    meter.add(Cost(evaluate_examples=100), {"evaluate": 20.0}, 20.0)
    assert meter.knows(left)
    # Of two jobs one had 4 seconds of other things.
    assert meter.estimate(left, 2) == pytest.approx(1000 * 0.5 + 10 * 0.2 + 2 * 4 / 2)
    stored = Meter.of({"finetune_tokens": 4.0, "evaluate_examples": 10.0})
    assert stored.estimate(left) == pytest.approx(1000 / 4 + 10 / 10)


def test_a_probes_own_refusal_and_its_mistakes(resolved: Resolved, store: Store) -> None:
    def refuse() -> Sequence[Job]:
        raise StudyError("not with this study")

    def fail() -> Sequence[Job]:
        raise KeyError("oops")

    asked = replace(resolved, study=replace(resolved.study, probes=("asking", "second")))
    with pytest.raises(StudyError) as caught:
        planning.make(asked, registry(Asking(refuse), Asking(refuse, name="second")), store)
    assert str(caught.value).splitlines() == ["not with this study"] * 2
    with pytest.raises(PluginError, match=r"plugin '.*failed while planning: KeyError: 'oops'"):
        planning.make(asked, registry(Asking(fail), Asking(refuse, name="second")), store)
    with pytest.raises(PluginError, match="'elsewhere', which is not installed"):
        make(resolved, store, [job(0, probe="elsewhere")])


def test_a_probe_that_only_the_defaults_name_gives_way(resolved: Resolved, store: Store) -> None:
    def refuse() -> Sequence[Job]:
        raise StudyError("not with this study")

    both = registry(Asking(lambda: [job(0)]), Asking(refuse, name="second"))
    study = replace(resolved.study, probes=("asking", "second"), options={"second": {"x": 1}, "asking": {}})
    asked = replace(resolved, study=study, unasked=frozenset({"second"}))
    plan = planning.make(asked, both, store)
    assert plan.left_out == ("second: not with this study",)
    assert (plan.study.probes, plan.study.options) == (("asking",), {"asking": {}})
    with pytest.raises(StudyError, match="not with this study"):
        planning.make(replace(asked, unasked=frozenset({"asking"})), both, store)
    alone = replace(asked, study=replace(study, probes=("second",)))
    with pytest.raises(StudyError, match="not with this study"):  # nothing is left to do
        planning.make(alone, both, store)


def test_growth_tells_what_fewer_transfer_languages_would_cost(resolved: Resolved, store: Store) -> None:
    languages = tuple(f"qa{x}" for x in "abcdgh")
    found = resolve(
        Study(
            model="tiny",
            probes=("transfer", "interference"),
            transfer=languages,
            targets=languages,
            options={"interference": {"sizes": (), "random": True}},
        ),
        plugins.load(),
    )
    sizes = planning.growth(found, plugins.load())
    assert [x.languages for x in sizes] == [2, 3, 5, 6]
    sets, mixes, seeds = {2: 1, 3: 3 + 1, 5: 10 + 10, 6: 15 + 20}, 3, 3
    for one in sizes:
        mixed = sets[one.languages] + one.languages  # beside each of them a random adapter
        assert one.jobs["interference"] == mixed * mixes * seeds  # of the one task with an adapter
    whole = planning.make(found, plugins.load(), store)
    assert sizes[-1].cost == whole.whole
    assert sum(sizes[-1].jobs.values()) == len(whole.jobs)


def test_the_grid_of_the_paper_is_planned_whole(resolved: Resolved, store: Store) -> None:
    targets = {task: tuple(Cell(task, f"{i:03}", f"{task} {i}") for i in range(n)) for task, n in
               {"ner": 125, "pos": 114, "udp": 114, "xnli": 15, "anli": 10, "qa": 9}.items()}  # fmt: skip
    adapter = {"train": {f"{i:03}": "0" * 32 for i in range(40)}, "labels": [str(i) for i in range(17)]}
    jobs = []
    for task, cells in targets.items():
        baseline = Job("asking", 1, {"adapter": adapter, "task": task}, cells, task, group="pretrained")
        jobs.append(baseline)
        jobs += [
            Job(
                "asking", 1,
                {"adapter": adapter, "task": task, "language": language, "steps": steps, "seed": seed},
                cells, f"{language}, {steps}, {seed}, {task}",
                Cost(evaluate_examples=100 * len(cells)), {f"{language}/{steps}/{seed}": Cost(steps * 4096)},
                f"{language}/{steps}/{seed}", (baseline.condition_key,),
            )
            for language in range(38) for steps in (1, 10, 100, 1000) for seed in range(10)
        ]  # fmt: skip
    plan = make(resolved, store, jobs)
    assert len(plan.todo) == 6 * (1520 + 1)
    assert plan.cost.finetune_tokens == 38 * 10 * 1111 * 4096
