"""Several task adapters: crossed with fine-tuning seeds, paired with their own baselines, in intervals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t
from synthetic import CODES, Synthetic

import xlbench
from xlbench import Study, plugins
from xlbench.contracts import Matrix, Number, Resolved, Table
from xlbench.errors import StudyError
from xlbench.metrics import accuracy
from xlbench.results import Store
from xlbench.scores import Effects, Trial, components, difference, mean
from xlbench.spec.problems import ManyProblemsError
from xlbench.spec.study import as_json, parse
from xlbench.studies.adaptive import check
from xlbench.studies.resolve import resolve
from xlbench_probes import transfer_pages, zero_shot_pages
from xlbench_probes.arms import Arm
from xlbench_probes.interference_pages import pages as interference_pages
from xlbench_probes.stacking import Stacking
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot

ARM = Arm("deu", 1)
N = 4000


def counts(right: float, n: int = N) -> Any:
    """So many of n right, spread evenly."""
    return np.stack([np.arange(n) < round(right * n), np.ones(n)], axis=1).astype(np.int32)


def grid(rng: np.random.Generator, seeds: int, adapters: int) -> tuple[list[Trial], dict[int, Any], Any, Any]:
    """Trials on one target, baselines, and the scores of both in points."""
    before = 0.5 + 0.05 * rng.normal(size=adapters)
    after = before + 0.02 * rng.normal(size=(seeds, 1)) + 0.02 * rng.normal(size=(1, adapters))
    after = after + 0.01 * rng.normal(size=(seeds, adapters))
    trials = [
        Trial(ARM, s, "fin", counts(after[s, a]), adapter=a) for s in range(seeds) for a in range(adapters)
    ]
    base = {a: counts(before[a]) for a in range(adapters)}
    return trials, base, np.round(after * N) * 100 / N, np.round(before * N) * 100 / N


def test_an_effect_is_of_the_same_adapter_and_its_interval_has_both_seeds() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        trials, base, after, before = grid(rng, 4, 3)
        found = Effects("pos", accuracy(), {"fin": base}, trials, draws=400).effect(ARM, "fin")
        apart = after - before
        assert found.value == pytest.approx(apart.mean())
        rows, columns = apart.mean(axis=1), apart.mean(axis=0)
        left = apart - rows[:, None] - columns + apart.mean()
        parts = [rows.var(ddof=1) / 4, columns.var(ddof=1) / 3, (left**2).sum() / 6 / 12]
        seeds = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
        spread = found.spread()
        assert spread is not None
        noise = 0.2 * 100 * 100 / N  # what evenly laid examples can add at most
        assert seeds <= spread.error**2 * spread.share + 1e-9 <= seeds + 1e-6
        assert seeds - noise <= spread.error**2 <= seeds + noise
        freedom = seeds**2 / (parts[0] ** 2 / 3 + parts[1] ** 2 / 2 + parts[2] ** 2 / 6)
        assert spread.freedom == pytest.approx(freedom)
        assert spread.quantile(0.975) <= t.ppf(0.975, freedom) + 1e-9


def test_adapters_that_differ_alike_with_and_without_fine_tuning_add_nothing() -> None:
    before = {a: counts(x) for a, x in enumerate((0.3, 0.5, 0.7))}
    same = [Trial(ARM, s, "fin", before[a], adapter=a) for s in range(3) for a in range(3)]
    effects = Effects("pos", accuracy(), {"fin": before}, same, draws=200)
    number = effects.effect(ARM, "fin").number()
    assert (number.value, number.low, number.high) == pytest.approx((0, 0, 0), abs=1e-9)
    score = effects.zero_shot("fin")
    assert score.value == pytest.approx(50)
    assert score.low is not None
    assert score.high is not None
    assert score.high - score.low > 60  # three adapters that are 20 points apart


def test_swaps_are_between_a_run_and_the_baseline_of_its_own_adapter() -> None:
    """Adapters far apart, and an effect of 1 point in each: what is swapped is that point alone."""
    rng = np.random.default_rng(0)
    before, trials = {}, []
    for a, rate in enumerate((0.2, 0.5, 0.8)):
        right = (rng.random(N) < rate).astype(np.int32)
        wrong = np.flatnonzero(right == 0)[: N // 100]
        after = right.copy()
        after[wrong] = 1
        one = np.ones(N, np.int32)
        before[a] = np.stack([right, one], axis=1)
        trials += [Trial(ARM, s, "fin", np.stack([after, one], axis=1), adapter=a) for s in range(2)]
    found = Effects("pos", accuracy(), {"fin": before}, trials, draws=500).effect(ARM, "fin")
    assert found.value == pytest.approx(1)
    assert found.null is not None
    assert np.abs(found.null).max() <= 1 + 1e-9


def test_all_effects_move_together_with_an_adapter() -> None:
    """A mean over arms is no surer of the adapters than one arm; a difference of two arms is free of them."""
    rng = np.random.default_rng(2)
    moves = 0.05 * rng.normal(size=3)
    base = {a: counts(0.5) for a in range(3)}
    arms = [Arm(f, 1) for f in ("deu", "est", "hun", "sme")]
    trials = [
        Trial(arm, s, "fin", counts(0.5 + moves[a]), adapter=a)
        for arm in arms
        for s in range(3)
        for a in range(3)
    ]
    effects = Effects("pos", accuracy(), {"fin": base}, trials, draws=200)
    each = [effects.effect(arm, "fin") for arm in arms]
    one, whole = each[0].spread(), mean(each).spread()
    assert one is not None
    assert whole is not None
    assert whole.error**2 * whole.share == pytest.approx(one.error**2 * one.share)
    apart = difference(each[0], each[1]).number()
    assert (apart.low, apart.high) == pytest.approx((0, 0), abs=1e-9)
    assert components(each[0])["task adapters"] > 0.9
    assert sum(components(each[0]).values()) == pytest.approx(1)


def test_a_run_that_lacks_an_adapter_is_missing() -> None:
    trials, base, _, _ = grid(np.random.default_rng(3), 3, 3)
    effects = Effects("pos", accuracy(), {"fin": base}, [x for x in trials if x.run != (1, 2)], draws=50)
    found = effects.effect(ARM, "fin")
    assert found.value is None
    assert found.missing == ("deu, 1 step, seed 1, adapter seed 2, pos on fin",)
    gone = {**base, 1: "zero-shot failed"}
    assert Effects("pos", accuracy(), {"fin": gone}, trials, draws=50).effect(ARM, "fin").missing == (
        "zero-shot failed",
    )


# Plans


def several(resolved: Resolved, *seeds: int, **fields: Any) -> Resolved:
    study = replace(resolved.study, adapter_seeds=seeds, **fields)
    training = (
        {x: replace(y, seed=seeds[0]) for x, y in resolved.training.items()} if seeds else resolved.training
    )
    return replace(resolved, study=study, training=training)


def test_more_adapters_only_add_jobs(resolved: Resolved) -> None:
    seed = resolved.training["tags"].seed
    for readings in (("put-back",), ("put-back", "retrained")):
        plain = list(Transfer().jobs(several(resolved, readings=readings)))
        one = list(Transfer().jobs(several(resolved, seed, readings=readings)))
        assert [x.condition_key for x in one] == [x.condition_key for x in plain]
        assert [x.label for x in one] == [x.label for x in plain]
        more = list(Transfer().jobs(several(resolved, seed, seed + 1, seed + 2, readings=readings)))
        keys = {x.condition_key for x in more}
        assert len(keys) == len(more) == 3 * len(plain)
        assert {x.condition_key for x in plain} < keys
        assert {x.group for x in more} == {x.group for x in plain}
        trained = {name for x in more for name, cost in x.shares.items() if cost.train_examples}
        assert len(trained) == 3 * len(
            {n for x in plain for n, cost in x.shares.items() if cost.train_examples}
        )
        assert len({x.label for x in more}) == len(more)


def test_a_task_without_adapter_is_read_once(resolved: Resolved) -> None:
    bare = replace(resolved, training={x: y for x, y in resolved.training.items() if x != "tags"})
    plain, more = (
        [x for x in Transfer().jobs(several(bare, *some)) if x.cells[0].task == "tags"]
        for some in ((), (0, 1, 2))
    )
    assert [x.condition_key for x in plain] == [x.condition_key for x in more]
    assert len([x for x in ZeroShot().jobs(several(bare, 0, 1)) if x.cells[0].task == "tags"]) == 1


def test_probes_of_language_adapters_take_the_first(resolved: Resolved) -> None:
    plain, more = (list(Stacking().jobs(several(resolved, *some))) for some in ((4,), (4, 5)))
    assert [x.condition_key for x in plain] == [x.condition_key for x in more]


def test_a_study_says_its_adapter_seeds() -> None:
    assert parse({"adapter_seeds": 3}).adapter_seeds == (0, 1, 2)
    assert parse(as_json(Study(adapter_seeds=(4, 7)))).adapter_seeds == (4, 7)
    refused = {
        0: "adapter_seeds, the number of seeds, must be at least 1",
        (1, 1): "given twice",
        (-1,): "a seed must be at least 0",
        "x": "must be a list of whole numbers",
    }
    for bad, message in refused.items():
        with pytest.raises(StudyError, match=message):
            parse({"adapter_seeds": bad})


def test_two_ways_to_say_it_and_adaptive_studies_are_refused(resolved: Resolved) -> None:
    registry = plugins.load()
    small = Study(tasks=("pos",), transfer=("qaa",), targets=("qab",), adapter_seeds=(1, 2))
    found = resolve(small, registry)
    assert found.training["pos"].seed == 1
    assert "task adapter: seed 1 for pos (the study)" in map(str, found.in_force)
    with pytest.raises(ManyProblemsError, match=r"adapter\.pos\.seed and adapter_seeds both say the seed"):
        resolve(replace(small, adapter={"pos.seed": 3}), registry)
    with pytest.raises(StudyError, match="adaptive studies have one task adapter, and adapter_seeds names 2"):
        check(several(resolved, 1, 2, seeds=(0, 1)), registry)


# Pages


def effects_of(page: Any, steps: int) -> dict[tuple[str, str], Number]:
    matrix = next(x for x in page.parts if isinstance(x, Matrix) and x.title.endswith(f"{steps} steps"))
    return {
        (f, g): x
        for f, line in zip(matrix.rows, matrix.cells, strict=True)
        for g, x in zip(matrix.columns, line, strict=True)
    }


def test_pages_are_means_over_adapters_and_say_so() -> None:
    three, one = (Synthetic(adapters=x, controls=(), steps=(100,)) for x in ((0, 1, 2), (0,)))
    page, alone = (transfer_pages.pages(x.records())[0] for x in (three, one))
    assert any("3 task adapters" in x for x in page.summary)
    assert any(x.startswith("Variance of that mean: ") and "% of task adapters" in x for x in page.summary)
    assert any("of one task adapter" in x for x in alone.summary)
    # By hand: every effect is a mean of differences with the same adapter.
    f, g = three.transfer[0], three.targets[2]

    def score(job: Any) -> float:
        right, total = three.measured[job.condition_key, three.cell("pos", g)].counts.sum(axis=0)
        return float(100 * right / total)

    base = {x.condition["adapter"]["seed"]: score(x) for x in three.jobs if x.probe == "zero-shot"}
    runs = [x for x in three.jobs if x.probe == "transfer" and x.condition["text"]["language"] == f]
    assert len(runs) == 9
    by_hand = np.mean([score(x) - base[x.condition["adapter"]["seed"]] for x in runs])
    name = three.languages
    assert effects_of(page, 100)[name[f].label, name[g].label].value == pytest.approx(by_hand)
    wider = [
        x.high - x.low for x in effects_of(page, 100).values() if x.high is not None and x.low is not None
    ]
    narrow = [
        x.high - x.low for x in effects_of(alone, 100).values() if x.high is not None and x.low is not None
    ]
    assert np.mean(wider) > 1.1 * np.mean(narrow)
    (zero,) = zero_shot_pages.pages(three.records())
    (table,) = [x for x in zero.parts if isinstance(x, Table)]
    found = {row[0]: row[2] for row in table.rows}[name[g].label]
    assert isinstance(found, Number)
    assert found.value == pytest.approx(np.mean(list(base.values())))


def test_with_one_seed_nothing_is_said_beyond_the_run() -> None:
    for steps in ((100,), (1, 100)):
        study = Synthetic(seeds=(0,), steps=steps, strength=30.0, transfer=CODES[:4])
        page, *_ = transfer_pages.pages(study.records())
        numbers = [x for part in page.parts if isinstance(part, Matrix) for line in part.cells for x in line]
        assert {x.word for x in numbers} == {"this run only"}
        tables = {x.title.split(",")[0]: x for x in page.parts if isinstance(x, Table)}
        donors = tables["Transfer languages by donation"]
        assert {row[1] for row in donors.rows} == {None}
        assert {row[4] for row in donors.rows} == {None}
        best = tables["Best transfer language for each target (effect)"]
        assert {row[1] for row in best.rows} == {"this run only"}
        text = " ".join(page.summary)
        assert "holds for this run only" in text
        assert ", helps" not in text
        assert ", harms" not in text
    several = Synthetic(seeds=(0, 1, 2), steps=(100,), strength=30.0)
    page, *_ = transfer_pages.pages(several.records())
    words = {x.word for part in page.parts if isinstance(part, Matrix) for line in part.cells for x in line}
    assert "helps" in words
    assert "this run only" not in words


def test_interference_of_one_seed_is_of_this_run() -> None:
    from composed import drawn, over

    study = drawn(over(options={"mixes": ["average"], "sizes": [2]}, seeds=(0,)))
    page = interference_pages(study.records())[0]
    kinds = next(x for x in page.parts if isinstance(x, Table) and x.title == "Kinds of languages")
    assert {row[-1] for row in kinds.rows} == {"this run only"}
    assert "0 harm and 0 help" in " ".join(page.summary)


def test_a_study_of_two_adapters_runs_on_from_one(checkpoint: Path, tmp_path: Path) -> None:
    """Effects, gains and mismatches against the scores in the results, by hand."""
    one = Study(
        model=str(checkpoint), tasks=("pos",), probes=("transfer",), transfer=("qah",),
        targets=("qag", "qah"),
        steps=(2,), seeds=(0,), controls=(), limit=20, train_languages=("qaa",), text="artificial",
        readings=("put-back", "retrained"), data={"pos": ("artificial",)},
        adapter={"epochs": 1, "limit": 20, "learning_rate": 0.01}, mlm={"lines": 100, "learning_rate": 0.01},
    )  # fmt: skip
    first = xlbench.run(one, results=tmp_path, workers=1)
    done = xlbench.run(replace(one, adapter_seeds=(0, 1)), results=tmp_path, workers=1)
    assert (first.run, done.run, done.failed) == (3, 3, {})
    assert len(list((tmp_path / "adapters").iterdir())) == 2
    frame = xlbench.load_results(tmp_path)
    score: dict[tuple[Any, ...], float] = {
        ("transfer", x["condition.reading"] == "retrained", x["condition.adapter.seed"])
        if x["probe"] == "transfer" else ("zero-shot", x["condition.adapter.seed"]): x["score"]
        for x in frame[frame["target"] == "qag"].to_dict("records")
    }  # fmt: skip
    effect, gain = (
        np.mean([score["transfer", side, a] - score["zero-shot", a] for a in (0, 1)])
        for side in (False, True)
    )
    metrics = {"pos": plugins.load().tasks["pos"].metric}
    page, *_ = Transfer().pages(Store(tmp_path).records(metrics))
    table = next(x for x in page.parts if isinstance(x, Table) and "mismatch by target" in x.title)
    (row,) = (x for x in table.rows if str(x[0]).startswith("Toruk"))
    values = [x.value for x in row[1:4] if isinstance(x, Number)]
    assert values == pytest.approx([effect, gain, effect - gain])
    own = [list(frame[frame["condition.adapter.seed"] == a]["score"]) for a in (0, 1)]
    assert own[0] != own[1], "adapters of two seeds are not alike"
