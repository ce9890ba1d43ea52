"""The checks of a transfer page pass where all is well, and each fails where its fault is planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from synthetic import METRICS, Synthetic

from xlbench.contracts import Cell, Check, Evaluation, Job, Page, Record, Records, digest
from xlbench.metrics import log_likelihood
from xlbench.probing.reading import Reading
from xlbench.reporting import Provenance, markdown, terminal
from xlbench.reporting.page_data import page_data
from xlbench_probes import transfer_checks, transfer_pages
from xlbench_probes.transfer_checks import MISMATCH, MOVED, NEGATIVE, POSITIVE, language_model_of
from xlbench_probes.transfer_readings import Pair
from xlbench_probes.transfer_view import View, read_outs

MADE = Provenance("tiny", "xlbench run", "", ())
Fault = Callable[[Job, Evaluation], Evaluation]


class Study(Synthetic):
    """With the task lm, both readings of pos, and what the Lab measures of the weights."""

    def __init__(self, fault: Fault = lambda job, found: found, **settings: Any) -> None:
        self.fault = fault
        self.readings = settings.pop("readings", True)
        settings = {"seeds": (0, 1, 2, 3), "tasks": ("pos", "lm"), "steps": (100,), **settings}
        METRICS.setdefault("lm", log_likelihood())
        super().__init__(**settings)

    def _plan(self, task: str, adapter_seed: int) -> None:
        planned = len(self.jobs)
        if task == "lm" and adapter_seed:
            return
        super()._plan(task, adapter_seed)
        if task == "lm":
            adapter = {"task": "lm", "task_version": 1, "max_length": 256}
            self.jobs = [
                replace(x, condition={**x.condition, "adapter": adapter}) if x.cells[0].task == "lm" else x
                for x in self.jobs
            ]
        elif self.readings:
            self.jobs += [
                replace(x, condition={**x.condition, "reading": "retrained"})
                for x in self.jobs[planned:]
                if x.probe == "transfer"
            ]

    def evaluate(self, job: Job) -> list[Evaluation]:
        return [self.fault(job, x) for x in super().evaluate(job)]

    def _evaluation(self, condition: Mapping[str, Any], cell: Cell) -> Evaluation:
        found = super()._evaluation(condition, cell)
        moved = {"weights_moved": 0.004, "cka": 0.997} if "steps" in condition else {}
        if cell.task == "lm":
            own = "steps" in condition and condition["text"]["language"] == cell.target
            words = found.counts[:, 1].astype(float)
            nats = words * (6.0 - (0.5 if own else 0.0))
            nats += np.random.default_rng(int(digest(condition)[:8], 16)).normal(0, 0.1, len(words))
            counts = np.stack([nats, 4 * words, words], axis=1)
            return Evaluation(cell, counts, 0, {"weights_moved": 0.004} if moved else {})
        return replace(found, extra={**found.extra, **moved})


def checks(study: Study, task: str = "pos", records: Records | None = None) -> dict[str, Check]:
    reading = Reading(records or study.records())
    views = {x: View.of(reading, task, x) for x in read_outs(reading, task)}
    pair = Pair(views["put-back"], views["retrained"]) if len(views) > 1 else None
    first = next(iter(views.values()))
    return {x.name: x for x in transfer_checks.checks(first, pair, language_model_of(reading))}


@pytest.fixture(scope="module")
def good() -> Study:
    return Study()


def test_all_pass_where_all_is_well_on_the_page_of_each_task(good: Study) -> None:
    for page in (x for x in transfer_pages.pages(good.records()) if not x.topic):
        assert [x.name for x in page.checks] == [POSITIVE, NEGATIVE, MISMATCH, MOVED]
        assert {x.outcome for x in page.checks} == {"pass"}
        assert list(page.checks) == list(checks(good, page.task).values())


def test_they_say_the_numbers(good: Study) -> None:
    found = checks(good)
    bits = 0.5 / (4 * np.log(2))
    assert f"+{bits:.3f} bits per character" in found[POSITIVE].text
    assert "6 languages" in found[POSITIVE].text
    assert "Of 24 differences between seeds" in found[NEGATIVE].text
    assert "0.40% of their norm (4 of 4 transfer languages)" in found[MOVED].text
    assert "0.997" in found[MOVED].text
    assert "a read-out mismatch of 0.000 points" in found[MISMATCH].text
    assert "no adapter" in checks(good, "lm")[MISMATCH].text


def test_with_several_task_adapters_seeds_are_compared_under_one() -> None:
    """What the adapters differ by is no difference between fine-tuning seeds."""
    found = checks(Study(adapters=(0, 1), seeds=(0, 1, 2)))
    assert {x.outcome for x in found.values()} == {"pass"}
    assert "Of 24 differences" in found[NEGATIVE].text


def test_adapters_that_learnt_nothing_are_warned_of_and_no_others(good: Study) -> None:
    """Retrained on too little, an adapter says the same whatever it reads, and every gain is 0."""

    def constant(job: Job, found: Evaluation) -> Evaluation:
        words = found.counts[:, 1]
        right = np.floor(0.3 * words + np.arange(len(words)) % 2).astype(np.int32)
        return replace(found, counts=np.stack([np.minimum(right, words), words], axis=1))

    page, broken = (
        next(x for x in transfer_pages.pages(study.records()) if x.task == "pos" and not x.topic)
        for study in (good, Study(lambda job, x: constant(job, x) if x.cell.task == "pos" else x))
    )
    assert page.warnings == ()
    put_back, retrained = broken.warnings
    assert put_back.startswith("The task adapters that are put back score ")
    assert "so gains say little of any text" in retrained
    assert "--retraining examples=N" in retrained


def test_a_task_without_adapter_is_not_warned_of_one(good: Study) -> None:
    """However bad the model is: here any zero-shot score is below the baseline."""
    reading = Reading(good.records())
    (lm,) = (View.of(reading, "lm", x) for x in read_outs(reading, "lm"))
    poor = replace(lm, majority=dict.fromkeys(lm.targets, 1e9))
    assert transfer_checks.warnings(poor, None) == ()


def test_text_that_teaches_nothing_fails_the_positive_control_on_every_page() -> None:
    def fault(job: Job, found: Evaluation) -> Evaluation:
        if found.cell.task != "lm" or "steps" not in job.condition:
            return found
        counts = found.counts.copy()
        counts[:, 0] = counts[:, 1] / 4 * 6.02
        return replace(found, counts=counts)

    study = Study(fault)
    for task in ("pos", "lm"):
        one = checks(study, task)[POSITIVE]
        assert one.outcome == "fail"
        assert "say nothing about what a text is worth" in one.text


def harmed_by_its_own_text(language: str) -> Check:
    def fault(job: Job, found: Evaluation) -> Evaluation:
        own = found.cell.task == "lm" and job.condition.get("text", {}).get("language") == language  # type: ignore[union-attr]
        return replace(found, counts=found.counts * [1.2, 1, 1]) if own else found

    return checks(Study(fault))[POSITIVE]


def test_an_unseen_language_harmed_by_its_own_text_is_named() -> None:
    one = harmed_by_its_own_text("qaf")
    assert one.outcome == "fail"
    assert "falls in Fal (qaf): effects of such text are damage" in one.text
    assert "Dun" not in one.text


def test_a_language_of_the_pretraining_may_lose_by_its_own_text() -> None:
    one = harmed_by_its_own_text("qac")
    assert one.outcome == "pass"
    assert "It falls in Cyr (qac), of which the model has seen much more" in one.text


def test_seeds_from_two_machines_fail_the_negative_control() -> None:
    def fault(job: Job, found: Evaluation) -> Evaluation:
        if found.cell.task == "lm" or not int(str(job.condition.get("seed", 0))) % 2:
            return found
        counts = found.counts.copy()
        counts[:, 0] = counts[:, 0] * 3 // 4
        return replace(found, counts=counts)

    found = checks(Study(fault))
    assert found[NEGATIVE].outcome == "fail"
    assert "wrong more often than they promise" in found[NEGATIVE].text
    assert found[POSITIVE].outcome == "pass"


def test_harm_that_retraining_undoes_fails_as_mismatch() -> None:
    def fault(job: Job, found: Evaluation) -> Evaluation:
        put_back = "steps" in job.condition and "reading" not in job.condition
        if found.cell.task == "lm" or not put_back:
            return found
        counts = found.counts.copy()
        counts[:, 0] = counts[:, 0] * 4 // 5
        return replace(found, counts=counts)

    one = checks(Study(fault))[MISMATCH]
    assert one.outcome == "fail"
    assert "read the gains" in one.text


@pytest.mark.parametrize(
    ("extra", "outcome", "said"),
    [
        ({"weights_moved": 0.04, "cka": 0.93}, "fail", "below 0.99 with text of Ama (qaa)"),
        ({"weights_moved": 0.0, "cka": 1.0}, "fail", "Text of Ama (qaa) has changed nothing"),
        ({"weights_moved": 0.0035}, "pass", "by 0.39% (0.35% to 0.40%)"),
    ],
)
def test_vectors_that_moved_far_and_weights_that_did_not_move(
    extra: dict[str, float], outcome: str, said: str
) -> None:
    def fault(job: Job, found: Evaluation) -> Evaluation:
        ours = job.condition.get("text", {}).get("language") == "qaa" and found.cell.task == "pos"  # type: ignore[union-attr]
        return replace(found, extra=extra) if ours else found

    one = checks(Study(fault))[MOVED]
    assert one.outcome == outcome
    assert said in one.text
    assert "Bel" not in one.text


def test_what_a_study_lacks_is_not_measured_and_it_says_what_to_add() -> None:
    def old(job: Job, found: Evaluation) -> Evaluation:
        return replace(found, extra={})

    bare = checks(Study(old, tasks=("pos",), seeds=(0, 1), readings=False))
    assert {x.outcome for x in bare.values()} == {"not measured"}
    for name, add in (
        (POSITIVE, "add the task lm"),
        (NEGATIVE, "use at least 3 seeds"),
        (MISMATCH, "add --readings put-back,retrained"),
        (MOVED, "--rerun all"),
    ):
        assert add in bare[name].text
    others = checks(Study(controls=(), targets=("qae", "qaf")))
    assert others[POSITIVE].outcome == "not measured"
    assert "name transfer languages among the targets" in others[POSITIVE].text


def test_what_is_missing_is_never_averaged_over(good: Study) -> None:
    def gone(job: Job, cell: Cell) -> bool:
        text: Any = job.condition.get("text", {})
        return text.get("language") == cell.target == "qac" and job.condition.get("seed") == 1

    one = checks(good, records=good.records(gone))[POSITIVE]
    assert one.outcome == "not measured"
    assert "qac, 100 steps, seed 1, lm" in one.text


def test_the_reading_retrained_alone_has_no_mismatch(good: Study) -> None:
    only = good.records()
    jobs = tuple(
        x for x in only.expected
        if x.cells[0].task == "lm" or x.probe == "zero-shot" or "reading" in x.condition
    )  # fmt: skip
    keys = {x.condition_key for x in jobs}
    far: tuple[Record, ...] = tuple(
        replace(x, evaluation=replace(x.evaluation, extra={"weights_moved": 0.1, "cka": 0.5}))
        for x in only.records
        if x.condition_key in keys
    )
    found = checks(good, records=replace(only, expected=jobs, records=far))
    assert (found[MISMATCH].outcome, found[MOVED].outcome) == ("pass", "pass")


def test_they_open_every_form_of_the_page() -> None:
    failing = Check("Positive <b>control</b>", "fail", "It | fails. \x1b[31m")
    page = Page("pos", "Transfer: pos", ("The first sentence.",), (), checks=(failing,))
    console = Console(width=120, record=True)
    with console.capture() as capture:
        for piece in terminal([page]):
            console.print(piece)
    assert capture.get().index("fail") < capture.get().index("The first sentence.")
    for text in (capture.get(), markdown(page, MADE, {}).split("<details>")[0]):
        assert "fail" in text
        assert "\x1b[31m" not in text.replace("\x1b[1;33m", "")
    assert "<b>" not in markdown(page, MADE, {})
    (found,) = page_data("transfer", page, MADE, {})["checks"]
    assert (found["outcome"], found["text"]) == ("fail", "It | fails. \\x1b[31m")
