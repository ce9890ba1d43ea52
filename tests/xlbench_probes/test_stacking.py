"""Which jobs the stacking probe asks for, and what its pages say of a made-up study whose truth is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import TARGETS, TRANSFER, Drawn, drawn, jobs_of, names, over
from made import MadeText

from xlbench.contracts import LanguageTraining, Matrix, Number, Page, Resolved, Table
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench_probes.interference import Interference
from xlbench_probes.stacking import Stacking
from xlbench_probes.zero_shot import ZeroShot

QUICK = LanguageTraining(
    learning_rate=5e-3, reduction_factor=4, epochs=2, chunk=16, batch_size=4, lines=60, held_out=0.2
)


def part(page: Page, title: str) -> Any:
    return next(x for x in page.parts if x.title.startswith(title))


def column(table: Table, name: str) -> dict[str, Any]:
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}


def name(code: str) -> str:
    return f"{code.upper()} ({code})"


# Jobs


def test_every_adapter_and_a_random_one_under_every_task_and_seed() -> None:
    jobs = jobs_of(over(("stacking",)), Stacking())
    stacked = [x for x in jobs if x.probe == "stacking"]
    assert len(stacked) == (len(TRANSFER) + 1) * 2 * 2
    assert {names(x)[0] for x in stacked} == {*TRANSFER, "random"}
    assert len({x.condition_key for x in jobs}) == len(jobs)
    assert all([c.target for c in x.cells] == list(TARGETS) for x in jobs)
    baselines = {x.cells[0].task: x.condition_key for x in jobs if x.probe == "zero-shot"}
    assert all(x.needs == (baselines[x.cells[0].task],) for x in stacked)


def test_an_adapter_is_charged_once_and_a_random_one_never() -> None:
    jobs = jobs_of(over(("stacking",)), Stacking())
    charged = {name for x in jobs for name, cost in x.shares.items() if cost.adapt_tokens}
    assert sorted(x.partition("-")[0] for x in charged) == sorted([*TRANSFER] * 2)


def test_a_given_adapter_has_no_seeds() -> None:
    jobs = jobs_of(over(("stacking",), given=["qab"]), Stacking())
    of_given = [x for x in jobs if names(x) == ("qab",)]
    assert [x.cells[0].task for x in of_given] == ["tags", "pairs"]
    assert not any(cost.adapt_tokens for x in of_given for cost in x.shares.values())


def test_a_study_that_grows_only_adds_jobs() -> None:
    small, large = over(("stacking",)), over(("stacking",), seeds=(0, 1, 2))
    keys = [{x.condition_key for x in jobs_of(one, Stacking())} for one in (small, large)]
    assert keys[0] < keys[1]


@pytest.mark.parametrize(
    "change",
    [
        {"model_fingerprint": "other"},
        {"language_training": LanguageTraining(steps=7)},
        {"corpus": type("Other", (MadeText,), {"fingerprint": lambda self, x: "new"})()},
    ],
)
def test_whatever_can_change_an_adapter_changes_the_identity(change: dict[str, Any]) -> None:
    def keys(resolved: Resolved) -> set[str]:
        stacked = [x for x in jobs_of(resolved, Stacking()) if x.probe == "stacking"]
        return {x.condition_key for x in stacked if names(x) != ("random",)}

    before = over(("stacking",))
    assert not keys(before) & keys(dataclasses.replace(before, **change))


def test_without_languages_there_is_one_clear_line() -> None:
    resolved = over(("stacking",))
    nobody = dataclasses.replace(resolved, study=dataclasses.replace(resolved.study, transfer=()))
    with pytest.raises(StudyError, match="--transfer deu,tur"):
        Stacking().jobs(nobody)


# Pages


@pytest.fixture(scope="module")
def study() -> Drawn:
    return drawn(over(("stacking",)), Stacking())


@pytest.fixture(scope="module")
def page(study: Drawn) -> Page:
    return Stacking().pages(study.records())[0]


def change(study: Drawn, f: str, g: str, task: str = "tags") -> float:
    return study.mean(g, task, f) - study.mean(g, task)


def test_kinds_of_adapter_are_the_definitions(study: Drawn, page: Page) -> None:
    table = part(page, "Change of the score")
    own = [change(study, g, g) for g in TARGETS if g in TRANSFER]
    related = {"qaa": ["qab"], "qab": ["qaa"], "qac": ["qad"]}
    unrelated = {"qaa": ["qac", "qad"], "qab": ["qac", "qad"], "qac": ["qaa", "qab"]}
    sides = [
        np.mean([np.mean([change(study, f, g) for f in fs]) for g, fs in side.items()])
        for side in (related, unrelated)
    ]
    random = [change(study, "random", g) for g in TARGETS]
    found = column(table, "Change")
    expected = [np.mean(own), *sides, np.mean(random)]
    assert [x.value for x in found.values()] == pytest.approx(expected)
    assert all(x.low < x.value < x.high for x in found.values())
    assert list(column(table, "Targets").values()) == [3, 3, 3, 4]


def test_matrix_has_every_change(study: Drawn, page: Page) -> None:
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    assert [x[-4:-1] if x != "random" else x for x in matrix.rows] == [*TRANSFER, "random"]
    for f, row in zip([*TRANSFER, "random"], matrix.cells, strict=True):
        for g, number in zip(TARGETS, row, strict=True):
            assert number.value == pytest.approx(change(study, f, g))


def test_losses_of_the_adapters_are_means_over_seeds(study: Drawn, page: Page) -> None:
    table = part(page, "Language adapters")
    for f in TRANSFER:
        runs = [study.evaluate(x, x.cells[-1]).extra for x in study.chosen("tags", f)]
        expected = np.mean([x["held_out_after"] for x in runs])
        assert column(table, "After")[name(f)].value == pytest.approx(expected)
        assert column(table, "Held-out loss before")[name(f)].value == pytest.approx(3.0)
        assert column(table, "Steps")[name(f)].value == pytest.approx(40)


def test_losses_leave_out_adapters_of_a_sweep() -> None:
    study = drawn(over(options={"sweep": ["reduction_factor=4"]}), Interference())
    table = part(Stacking().pages(study.records())[0], "Language adapters")
    runs = [
        study.evaluate(x, x.cells[-1]).extra["held_out_after"]
        for x in study.chosen(
            "tags", "qaa", where=lambda under: under["adapters"][0]["reduction_factor"] == 16
        )
    ]
    assert len(runs) == 2
    assert column(table, "After")[name("qaa")].value == pytest.approx(np.mean(runs))


def test_losses_of_which_one_is_missing_are_not_those_of_what_is_left(study: Drawn) -> None:
    lost = study.chosen("tags", "qaa")[1]
    table = part(Stacking().pages(study.records(lambda job, cell: job is lost))[0], "Language adapters")
    found = column(table, "After")[name("qaa")]
    assert found.value is None
    assert "seed 1" in found.missing[0]
    assert column(table, "After")[name("qab")].value is not None


def test_a_missing_run_empties_its_means_and_is_named(study: Drawn) -> None:
    lost = study.chosen("tags", "qaa")[1]
    page, other = Stacking().pages(study.records(lambda job, cell: job is lost, {lost.condition_key: "NaN"}))
    own = column(part(page, "Change of the score"), "Change")
    assert own["own"].value is None
    assert "failed: NaN" in own["own"].missing[0]
    assert own["random"].value is not None
    assert column(part(other, "Change of the score"), "Change")["own"].value is not None


def test_a_task_that_stacking_breaks_is_warned_of(page: Page) -> None:
    assert not page.warnings
    broken = Stacking().pages(drawn(over(("stacking",)), Stacking(), stack=-0.1).records())[0]
    assert len(broken.warnings) == 1
    assert all(name(g) in broken.warnings[0] for g in TARGETS if g in TRANSFER)
    assert "qae" not in broken.warnings[0]
    barely = Stacking().pages(drawn(over(("stacking",)), Stacking(), stack=-0.02).records())[0]
    assert not barely.warnings


def test_a_study_that_has_not_begun(study: Drawn) -> None:
    for page in Stacking().pages(study.records(lambda job, cell: True)):
        numbers = [x for t in page.parts if isinstance(t, Table) for row in t.rows for x in row]
        assert not any(isinstance(x, Number) and x.value is not None for x in numbers)


# With a model


def test_scores_are_those_of_the_adapter_beneath_the_task_adapter(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    resolved = dataclasses.replace(resolved, language_training=QUICK)
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1)
    stacked = [
        x for x in jobs_of(resolved, Stacking()) if x.probe == "stacking" and x.cells[0].task == "tags"
    ]
    job = [x for x in stacked if names(x) == ("qaa",)][1]
    lab.finetune("qaa", steps=1, seed=0)  # what the model was before must not matter
    measured = Stacking().run(job, lab)
    assert [x.cell for x in measured] == list(job.cells)
    assert all(x.extra["held_out_after"] < x.extra["held_out_before"] for x in measured)
    again = Lab(resolved, str(checkpoint), tmp_path / "elsewhere", device="cpu", threads=1)
    for ours, theirs in zip(measured, Stacking().run(job, again), strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)
        assert ours.extra == theirs.extra
    random = next(x for x in stacked if names(x) == ("random",))
    extra = Stacking().run(random, lab)[0].extra
    assert {x.partition(".")[0] for x in extra} == {"gold", "predicted"}  # labels; no held-out loss
    baseline = next(x for x in jobs_of(resolved, Stacking()) if x.probe == "zero-shot")
    plain = ZeroShot().run(baseline, lab)
    assert any(not np.array_equal(a.counts, b.counts) for a, b in zip(plain, measured, strict=True))
