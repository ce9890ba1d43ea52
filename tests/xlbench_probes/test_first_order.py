"""First-order evaluation of transfer studies: its jobs, what they measure, and when its pages speak."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from linear import TARGETS, made
from made import MadeText, study_over

import xlbench
from xlbench.contracts import Job, Record, Resolved
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench.metrics.task_loss import mean_loss
from xlbench.results import Store, upkeep
from xlbench_probes.first_order import CHANGE, FirstOrder, TransferSettings, drawn, unscored
from xlbench_probes.first_order_pages import pages
from xlbench_probes.first_order_view import FirstOrderView, agreement
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot


def asked(resolved: Resolved, **changed: Any) -> Resolved:
    return dataclasses.replace(resolved, study=dataclasses.replace(resolved.study, **changed))


def jobs(resolved: Resolved) -> list[Job]:
    return list(Transfer().jobs(resolved))


LANGUAGES = ("qaa", "qab", "qac", "qad")


class Texts(MadeText):
    """Text for as many languages as agreement takes."""

    def languages(self) -> Collection[str]:
        return LANGUAGES


def enough(found: Resolved) -> Resolved:
    """The study with as many transfer languages and targets as agreement takes."""
    found = dataclasses.replace(found, corpus=Texts(), targets=dict.fromkeys(found.tasks, LANGUAGES[:3]))
    return asked(found, transfer=LANGUAGES, targets=LANGUAGES[:3])


@pytest.fixture
def study(checkpoint: Path) -> Resolved:
    found = enough(study_over(checkpoint, ["tags"]))
    brief = {x: dataclasses.replace(how, epochs=1) for x, how in found.training.items()}
    found = dataclasses.replace(found, training=brief)
    return asked(found, seeds=(0, 1), steps=(1, 2), controls=("shuffled",), evaluation=("first-order",))


def test_exact_jobs_are_the_same_whatever_else_is_evaluated(study: Resolved) -> None:
    exact = {x.identity for x in jobs(asked(study, evaluation=()))}
    both = jobs(asked(study, evaluation=("exact", "first-order")))
    assert {x.identity for x in both if x.probe != "first-order"} == exact
    alone = jobs(study)
    keys = {x.condition_key for x in jobs(asked(study, evaluation=()))}
    assert {x.condition_key for x in alone if x.probe != "first-order"} < keys
    linear = {x.condition_key for x in alone if x.probe == "first-order"}
    assert linear
    assert not linear & keys, "never mixed"


def test_both_evaluations_have_further_seeds_to_first_order(study: Resolved) -> None:
    few = dataclasses.replace(study, settings={"transfer": TransferSettings(further_seeds=3)})
    both = jobs(asked(few, evaluation=("exact", "first-order")))

    def seeds(probe: str) -> set[int]:
        return {x.typed.finetuning.seed for x in both if x.probe == probe and x.typed.finetuning}

    assert seeds("transfer") == {0, 1}
    assert seeds("first-order") == {0, 1, 2, 3, 4}
    alone = [x for x in jobs(study) if x.probe == "transfer"]
    assert {x.typed.finetuning.seed for x in alone if x.typed.finetuning} == {0}


def test_gradients_are_in_the_plan_once(study: Resolved) -> None:
    linear = [x for x in jobs(study) if x.probe == "first-order"]
    names = {name for x in linear for name in x.keeps}
    assert len(names) == 3, "one per target, whatever the runs"
    assert {size for x in linear for size in x.keeps.values()} == {4}
    half = dataclasses.replace(study, settings={"transfer": TransferSettings(gradients="bfloat16")})
    other = [x for x in jobs(half) if x.probe == "first-order"]
    assert {size for x in other for size in x.keeps.values()} == {2}
    assert not {x.identity for x in other} & {x.identity for x in linear}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"readings": ("retrained",)}, "reading retrained"),
        ({"readings": ("put-back", "retrained")}, "reading retrained"),
        ({"adaptive": True}, "adaptive"),
        ({"transfer": LANGUAGES[:3]}, r"3 targets with 3 transfer languages each, .*, and tags has none"),
        ({"evaluation": ("exact", "first-order"), "seeds": (3,)}, "two seeds or more"),
    ],
)
def test_what_it_does_not_speak_of_is_refused_by_name(
    study: Resolved, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        jobs(asked(study, **changed))


def test_tasks_without_a_loss_are_refused_by_name(checkpoint: Path) -> None:
    found = asked(study_over(checkpoint, ["tags", "translations", "ratings"]), evaluation=("first-order",))
    with pytest.raises(StudyError, match="translations, ratings have no task loss with a gradient"):
        jobs(found)
    both = asked(study_over(checkpoint, ["ratings"]), evaluation=("exact", "first-order"))
    with pytest.raises(StudyError, match="ratings has no task loss with a gradient"):
        jobs(both)
    with pytest.raises(StudyError, match="no probe of its own"):
        FirstOrder().jobs(found)


def test_it_measures_the_inner_product_and_is_stored_without_a_score(
    study: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    """And holds for a small step: the exact change of the loss, by the zero-shot job, is close."""
    small = dataclasses.replace(study, mlm=dataclasses.replace(study.mlm, learning_rate=1e-4))
    store = Store(tmp_path / "results")
    store.prepare()
    lab = Lab(small, str(checkpoint), store.adapters, device="cpu", threads=1, gradients=store.gradients)
    some = {x.probe: x for x in reversed(jobs(asked(small, evaluation=("exact", "first-order"))))}
    found = {}
    for probe, one in (("zero-shot", ZeroShot()), ("transfer", Transfer()), ("first-order", FirstOrder())):
        lab.begin(some[probe].condition_key)
        found[probe] = one.run(some[probe], lab)
    lab.begin(some["first-order"].condition_key)
    lab.task_adapter("tags")
    run = some["first-order"].typed.finetuning
    assert run is not None
    lab.finetune(run.name, steps=run.steps, seed=run.seed)
    direct = lab.along(some["first-order"].cells)
    assert [x.extra[CHANGE] for x in found["first-order"]] == direct.tolist()
    for before, after, linear in zip(*found.values(), strict=True):
        change = (mean_loss(after.loss) or 0) - (mean_loss(before.loss) or 0)
        assert linear.extra[CHANGE] == pytest.approx(change, rel=0.2, abs=1e-4)
        assert not linear.is_scored
    metrics = {"tags": small.tasks["tags"].metric}
    store.write(some["first-order"], found["first-order"], {}, metrics)
    verified = upkeep.verify(store, metrics)
    assert (verified.files, verified.gradients, verified.problems) == (1, 3, [])
    (record, *_) = store.read([store.file(some["first-order"])])
    assert record.evaluation.extra[CHANGE] == direct[0]
    assert not record.evaluation.is_scored
    assert {x.why for x in upkeep.unused(store)} >= {"gradient of no study"}


def test_an_empty_evaluation_without_numbers_is_still_no_result(study: Resolved, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    store.prepare()
    job = next(x for x in jobs(study) if x.probe == "first-order")
    metrics = {"tags": study.tasks["tags"].metric}
    with pytest.raises(xlbench.errors.JobError, match="no examples"):
        store.write(job, [unscored(x, {}) for x in job.cells], {}, metrics)
    with pytest.raises(xlbench.errors.JobError, match="loss_change is nan"):
        store.write(job, [unscored(x, {CHANGE: np.nan}) for x in job.cells], {}, metrics)


# Pages


def _is_of(record: Record, transfer: str, target: str) -> bool:
    text = record.condition.get("text")
    where = isinstance(text, dict) and text["language"] == transfer
    return record.probe == "first-order" and where and record.evaluation.cell.target == target


def test_a_page_shows_effects_where_the_first_order_holds() -> None:
    (page,) = pages(made(1.0, 0.0))
    assert [x.title for x in page.parts][1:] == [
        "Task loss by transfer language, to first order, 10 steps",
        "Task loss on pos, to first order, 10 steps",
    ]
    assert "holds" in " ".join(page.summary)
    view = FirstOrderView.of(xlbench.probing.Reading(made(1.0, 0.0)), "pos")
    found = view.agreement(10)
    assert (found.cells, found.targets) == (30, 5)
    assert (found.over_all, found.within, found.slope) == pytest.approx((1, 1, 1), abs=1e-6)
    judged = view.judged(10)
    own = [x.evaluation.extra[CHANGE] for x in made(1.0, 0.0).records if _is_of(x, "qaa", "qba")]
    values = [-1000 * x for x in own]
    assert len(values) == 3
    first = judged["qaa", "qba"].number
    assert first.value == pytest.approx(np.mean(np.array(values, float)))
    assert first.low is not None
    assert first.low < first.value < (first.high or 0)  # type: ignore[operator]
    rows = list(FirstOrder().frames(made(1.0, 0.0))["first_order"])
    assert len(rows) == 30
    assert (rows[0]["effect"], rows[0]["seeds"], rows[0]["first_order_holds"]) == (first.value, 3, True)


@pytest.mark.parametrize(("slope", "noise"), [(1.0, 0.05), (5.0, 0.0), (-1.0, 0.0)])
def test_a_page_refuses_to_speak_where_it_does_not(slope: float, noise: float) -> None:
    (page,) = pages(made(slope, noise))
    assert len(page.parts) == 1, "agreement alone"
    assert any("does not hold" in x for x in page.answer)


def test_a_page_refuses_to_speak_before_it_is_known() -> None:
    (page,) = pages(made(1.0, 0.0, missing=True))
    assert len(page.parts) == 1
    assert any("not known" in x and "30 exact evaluations missing" in x for x in page.answer)


def test_with_one_seed_there_is_no_interval() -> None:
    view = FirstOrderView.of(xlbench.probing.Reading(made(1.0, 0.0, seeds=1)), "pos")
    assert {x.number.word for x in view.judged(10).values()} == {"this run only"}


def test_agreement_within_a_target_is_not_that_over_all_pairs() -> None:
    one = {g: [i + 10.0 * n for i in range(4)] for n, g in enumerate(TARGETS)}
    other = {g: [-i + 10.0 * n for i in range(4)] for n, g in enumerate(TARGETS)}
    found = agreement(one, other)
    assert found.within == -1
    assert found.over_all > 0.8
    assert not found.holds


def test_a_transfer_page_is_not_made_of_a_sample() -> None:
    records = made(1.0, 0.0)
    assert Transfer().pages(records) == ()
    assert Transfer().frames(records) == {}
    with pytest.raises(xlbench.errors.ResultsError, match="--evaluation exact"):
        Transfer().recommend(records, "pos", "qba")


def test_the_sample_stays_when_a_study_grows() -> None:
    few = [f"q{a}{b}" for a in "ab" for b in "abcdefghij"]
    assert len(drawn(few, "target")) == 8
    assert len(drawn(few, "target") & drawn([*few, "qzz"], "target")) >= 7
