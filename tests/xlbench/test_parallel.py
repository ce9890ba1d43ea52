"""Test rows that are translations of each other are drawn together, whatever the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import ACCURACY, METRICS, PROVENANCE, Synthetic

from xlbench import plugins
from xlbench.contracts import Study, is_parallel
from xlbench.probing.reading import Reading
from xlbench.results import Store, describe
from xlbench.scores import Effects, Estimate, Trial, p_value
from xlbench.studies.resolve import resolve
from xlbench_probes import transfer_compare, transfer_pages
from xlbench_probes.arms import Arm, donation, recipience
from xlbench_probes.transfer_view import View

TARGETS = ("a", "b", "c", "d")
ARM = Arm("f", 1)


def counts(right: np.ndarray) -> np.ndarray:
    return np.stack([right, np.ones(len(right))], axis=1).astype(np.int32)


def effects(own: dict[str, tuple[np.ndarray, np.ndarray]], *, parallel: bool) -> Effects:
    trials = [Trial(ARM, 0, g, after) for g, (_, after) in own.items()]
    return Effects("t", ACCURACY, {g: before for g, (before, _) in own.items()}, trials, parallel=parallel)


def error(estimate: Estimate) -> float:
    spread = estimate.spread()
    assert spread is not None
    return spread.error


def test_targets_that_are_the_same_say_no_more_than_one() -> None:
    rng = np.random.default_rng(3)
    pair = counts(rng.random(200) < 0.5), counts(rng.random(200) < 0.58)
    found = effects(dict.fromkeys(TARGETS, pair), parallel=True)
    one, all_ = found.effect(ARM, "a"), donation(found, ARM, TARGETS)
    assert all_.value == pytest.approx(one.value)
    assert error(all_) == pytest.approx(error(one))
    assert p_value(all_) == pytest.approx(p_value(one))
    apart = donation(effects(dict.fromkeys(TARGETS, pair), parallel=False), ARM, TARGETS)
    assert error(apart) == pytest.approx(error(one) / 2, rel=0.06)


def test_the_error_of_a_mean_is_that_of_rows() -> None:
    """Of n rows, the mean over targets of each row's change has a plain standard error."""
    rng = np.random.default_rng(5)
    common = rng.normal(size=200)
    own = {}
    for g in TARGETS:
        ease = common + rng.normal(size=200)
        own[g] = tuple(
            counts(ease + shift + common * shift + rng.normal(size=200) > 0) for shift in (0.0, 0.5)
        )
    rows = np.mean([after[:, 0] - before[:, 0] for before, after in own.values()], axis=0)
    found = donation(effects(own, parallel=True), ARM, TARGETS)  # type: ignore[arg-type]
    assert found.value == pytest.approx(100 * rows.mean())
    assert error(found) == pytest.approx(100 * rows.std() / np.sqrt(len(rows)), rel=0.05)


def test_single_effects_are_as_sure_whether_rows_are_parallel_or_not() -> None:
    rng = np.random.default_rng(7)
    own = {g: (counts(rng.random(200) < 0.4), counts(rng.random(200) < 0.5)) for g in TARGETS}
    shared, apart = (effects(own, parallel=x).effect(ARM, "b") for x in (True, False))
    assert shared.value == apart.value
    assert error(shared) == pytest.approx(error(apart), rel=0.06)
    assert recipience(effects(own, parallel=True), "b", [ARM]).value == shared.value


def test_built_in_data_says_which_rows_are_parallel() -> None:
    found = {name for name, x in plugins.load().data.items() if is_parallel(x)}
    assert {"nli:xnli", "nli-americas:americasnli", "topic:sib200", "qa-xquad:xquad"} <= found
    assert {"pos:artificial", "ner:artificial", "nli:artificial"} <= found
    assert not found & {"pos:ud", "ner:wikiann", "qa:tydiqa", "ner-masakhane:masakhaner2"}


def test_what_is_stored_is_drawn_so(tmp_path: Path) -> None:
    study = Synthetic(controls=(), seeds=(0,), steps=(1,))
    store, described = Store(tmp_path), study.described()
    store.prepare()
    for job in study.jobs:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    described["tasks"]["pos"]["parallel"] = True
    records = store.records(METRICS, store.save_study(study.study, study.jobs, described))
    assert records.parallel == {"pos": True}
    shared, apart = (
        View.of(Reading(x), "pos").overall(1, "plain") for x in (records, replace(records, parallel={}))
    )
    assert shared.value == apart.value
    assert error(shared) != pytest.approx(error(apart), rel=1e-6)
    page, *_ = transfer_pages.pages(records)
    assert any("parallel across languages" in line for line in page.summary)


def test_studies_are_compared_on_the_same_draws() -> None:
    study = Synthetic(controls=(), seeds=(0,), steps=(1,))
    old, new = study.records(), study.records(parallel={"pos": True})
    for one, other in ((old, new), (new, old), (new, new)):
        (page,) = transfer_compare.compare(one, other)
        assert page.summary[0].startswith("0 of ")
        found = {(x.value, x.low, x.high) for line in page.parts[1].cells for x in line}  # type: ignore[union-attr]
        assert found == {(0.0, 0.0, 0.0)}


@pytest.mark.parametrize(("shift", "parallel"), [(0, True), (1, False)])
def test_rows_of_folders_are_parallel_where_their_ids_are_the_same(
    tmp_path: Path, shift: int, parallel: bool
) -> None:
    labels = ("science/technology", "travel", "politics", "sports", "health", "entertainment", "geography")
    for number, code in enumerate(("eng_Latn", "deu_Latn")):
        folder = tmp_path / code
        folder.mkdir()
        for split in ("train", "dev", "test"):
            lines = [
                f"{37 * i % 100 + number * shift}\t{labels[i % 7]}\tsentence {i} of {code} in {split}"
                for i in range(21)
            ]
            (folder / f"{split}.tsv").write_text("\n".join(["index_id\tcategory\ttext", *lines]) + "\n")
    study = Study(
        model="tiny", probes=("zero-shot",), tasks=("topic",), data={"topic": (f"{tmp_path}/*",)},
        targets=("eng", "deu"), train_languages=("eng",), limit=9,
    )  # fmt: skip
    described: dict[str, Any] = describe(resolve(study, plugins.load()))
    assert described["tasks"]["topic"].get("parallel", False) is parallel
