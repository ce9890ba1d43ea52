"""What the probe `foresee` measures, the scale that measured effects give it, and how it says it fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import study_over

from xlbench.contracts import Cell, Evaluation, Job, Record, Records, Resolved
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench.metrics import accuracy
from xlbench.probing import Reading
from xlbench_probes import foresee_scale
from xlbench_probes.first_order import unscored
from xlbench_probes.foresee import DRAW, ERROR, FORESEEN, Foresee, ForeseeSettings, rate_sum
from xlbench_probes.foresee_pages import frames, pages
from xlbench_probes.foresee_scale import Foreseen, fit
from xlbench_probes.foresee_view import ForeseeView, predictions
from xlbench_probes.transfer import Transfer

DONORS = tuple(f"qa{x}" for x in "abcdef")
TARGETS = tuple(f"qb{x}" for x in "abcde")


@pytest.fixture
def study(checkpoint: Path) -> Resolved:
    found = study_over(checkpoint, ["tags"])
    brief = {x: dataclasses.replace(how, epochs=1) for x, how in found.training.items()}
    asked = dataclasses.replace(found.study, seeds=(0,), steps=(2,))
    few = {"foresee": ForeseeSettings(batches=3)}
    return dataclasses.replace(found, study=asked, training=brief, settings=few)


def test_it_measures_batches_and_fine_tunes_nothing(
    study: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    jobs = [x for x in Foresee().jobs(study) if x.probe == "foresee"]
    assert len(jobs) == len(study.study.transfer)
    assert not any(x.typed.finetuning or x.cost.finetune_tokens for x in jobs)
    lab = Lab(study, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)
    before = lab.encoder.weights()
    found = Foresee().run(jobs[0], lab)
    each = -lab.directions(study.study.transfer[0], jobs[0].cells, batches=3, seed=DRAW)
    assert [x.extra[FORESEEN] for x in found] == pytest.approx(each.mean(axis=0))
    assert [x.extra[ERROR] for x in found] == pytest.approx(each.std(axis=0, ddof=1) / 3**0.5)
    after = lab.encoder.weights()
    assert all(np.array_equal(before[n], after[n]) for n in before)


def test_batches_are_in_the_identity_and_bounded(study: Resolved) -> None:
    more = dataclasses.replace(study, settings={"foresee": ForeseeSettings(batches=4)})
    one, other = ({x.identity for x in Foresee().jobs(s) if x.probe == "foresee"} for s in (study, more))
    assert not one & other
    for count in (1, 33):
        with pytest.raises(ValueError, match="between 2 and 32"):
            ForeseeSettings(batches=count)


def test_what_it_cannot_foresee_is_refused_by_name(checkpoint: Path) -> None:
    for task in ("translations", "ratings"):  # one has no adapter, the other an adapter and no task loss
        with pytest.raises(StudyError, match=f"{task} has no task loss"):
            Foresee().jobs(study_over(checkpoint, ["tags", task]))
    found = study_over(checkpoint, ["tags"])
    with pytest.raises(StudyError, match="name other targets"):
        Foresee().jobs(dataclasses.replace(found, targets={"tags": ("qaa",)}))
    with pytest.raises(StudyError, match=f"seed {DRAW}; .* name another"):
        Foresee().jobs(dataclasses.replace(found, study=dataclasses.replace(found.study, seeds=(0, DRAW))))


@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_the_sum_of_learning_rates_is_that_of_the_schedule(schedule: str) -> None:
    from xlbench.lab.training import linear

    rate = linear(2e-4, 7) if schedule == "linear" else lambda _: 2e-4
    assert rate_sum(7, 2e-4, schedule) == pytest.approx(sum(rate(t) for t in range(7)))


def test_a_scale_is_fitted_to_what_was_measured() -> None:
    rng = np.random.default_rng(0)
    foreseen = {(f, g): Foreseen(float(rng.normal()), 0.0) for f in DONORS for g in TARGETS}
    found = fit(foreseen, {pair: 0.5 + 2 * x.value for pair, x in foreseen.items()})
    assert found is not None
    assert (found.intercept, found.slope, found.apart) == pytest.approx((0.5, 2, 0), abs=1e-9)
    assert found.predict(Foreseen(1.0, 0.0)) == pytest.approx((2.5, 2.5, 2.5))
    low, high = found.predict(Foreseen(1.0, 0.1))[1:]
    assert high - low > 0.5, "how far batches are apart is in the interval"
    few = {pair: 1.0 for pair in foreseen if pair[0] in DONORS[:3]}
    assert fit(foreseen, few) is None


@pytest.mark.parametrize(("rows", "columns"), [(0.0, 0.0), (0.7, 0.7), (1.0, 0.2)])
def test_intervals_cover_languages_that_were_not_measured(rows: float, columns: float) -> None:
    """A third of both sides measured, another predicted; what a whole language is off by is in it, and
    where languages have nothing in common, all cells tell how far predictions are off.
    """
    rng, inside = np.random.default_rng(1), []
    for _ in range(60):
        x = rng.normal(size=(8, 12)) + rng.normal(size=12)
        y = 0.3 + 0.8 * x + rows * rng.normal(size=(8, 1)) + columns * rng.normal(size=12)
        y = y + 0.5 * rng.normal(size=(8, 12))
        foreseen = {(f"f{i}", f"g{j}"): Foreseen(x[i, j], 0.0) for i in range(8) for j in range(12)}
        scale = fit(foreseen, {(f"f{i}", f"g{j}"): y[i, j] for i in range(4) for j in range(6)})
        assert scale is not None
        ends = [scale.predict(foreseen[f"f{i}", f"g{j}"], 0.9)[1:] for i in range(4, 8) for j in range(6, 12)]
        truth = y[4:, 6:].ravel()
        inside += [low <= v <= high for (low, high), v in zip(ends, truth, strict=True)]
    assert 0.85 <= np.mean(inside) <= 0.95


def test_degrees_of_freedom_follow_what_languages_have_in_common() -> None:
    pairs = [(f, g) for f in DONORS for g in TARGETS][:-2]  # not every pair is measured
    f, g = (np.array([x[i] for x in pairs]) for i in (0, 1))
    rng = np.random.default_rng(2)
    row = rng.normal(size=len(DONORS))
    r = np.array([row[DONORS.index(x)] for x in f]) + 0.8 * rng.normal(size=len(pairs))
    square, rho = float(np.mean(r * r)), np.eye(len(pairs))
    for one in (f, g):
        same = (one[:, None] == one) & ~np.eye(len(pairs), dtype=bool)
        rho[same] = np.clip(np.outer(r, r)[same].mean() / square, 0, 1)
    assert foresee_scale._freedom(r, f, g) == pytest.approx(len(pairs) ** 2 / float((rho**2).sum()))
    own = np.array([(-1.0) ** DONORS.index(x) for x in f])  # languages alone differ
    assert foresee_scale._freedom(own, f) == pytest.approx(len(DONORS), rel=0.05)


def made(slope: float, *, measured: bool = True, seeds: int = 2) -> Records:
    """Records in which measured effects after 10 steps are a slope times what was foreseen, and noise."""
    rng = np.random.default_rng(0)
    cells = tuple(Cell("pos", g, "data") for g in TARGETS)
    expected: list[Job] = []
    records: list[Record] = []

    def put(job: Job, found: list[Evaluation]) -> None:
        expected.append(job)
        records.extend(Record(job.probe, 1, job.condition, job.condition_key, x) for x in found)

    def scored(cell: Cell, loss: float) -> Evaluation:
        return Evaluation(cell, np.ones((4, 2), np.int32), loss=np.array([[loss, 1.0]] * 4))

    base: dict[str, Any] = {"model": "m", "adapter": {"task": "pos", "seed": 0}}
    put(Job("zero-shot", 1, base, cells, "zero-shot"), [scored(x, 2.0) for x in cells])
    for f in DONORS:
        per_rate = rng.normal(size=len(TARGETS))
        text = {"text": {"language": f, "text": "t"}}
        told = {**base, **text, "batches": 16, "gradient": {"version": 1, "numbers": "float32"}}
        put(
            Job("foresee", 1, told, cells, f"{f}, foreseen"),
            [unscored(x, {FORESEEN: v, ERROR: 0.05}) for x, v in zip(cells, per_rate, strict=True)],
        )
        for seed in range(seeds) if measured else ():
            run = {**text, "variant": "plain", "steps": 10, "seed": seed}
            effect = slope * rate_sum(10, 1e-3, "linear") * per_rate + rng.normal(size=len(TARGETS)) / 1e4
            put(
                Job("transfer", 1, {**base, **run}, cells, f"{f}, seed {seed}"),
                [scored(x, 2.0 - v) for x, v in zip(cells, effect, strict=True)],
            )
    study = {"steps": [10], "mlm": {"learning_rate": 1e-3}, "transfer": list(DONORS)}
    return Records(tuple(records), tuple(expected), {}, study, {"pos": accuracy()}, {}, {})  # type: ignore[arg-type]


def test_the_page_has_the_scale_of_measured_effects_and_their_ceiling() -> None:
    records = made(0.5)
    view = ForeseeView.of(Reading(records), "pos")
    found, scale = view.agreement(10), view.scale(10)
    assert scale is not None
    assert scale.slope == pytest.approx(0.5, rel=0.05)
    assert (found.cells, found.within) == (30, pytest.approx(1, abs=0.1))
    assert 0.9 < view.ceiling(10).within <= 1
    (page,) = pages(records)
    assert page.parts[0].title == "Foreseen against measured effects on the task loss"
    assert not page.warnings
    one = predictions(records, "pos")["qaa", "qba"]
    assert one.calibrated
    assert one.value == pytest.approx(view.means(10)["qaa", "qba"], abs=5e-4)
    rows = list(frames(records)["foreseen"])
    assert len(rows) == 30
    assert rows[0]["measured"] == view.means(10)["qaa", "qba"]


def test_it_says_that_it_fails_where_it_does() -> None:
    records = made(-0.5)
    (page,) = pages(records)
    assert "Foresight fails here" in page.warnings[0]
    assert predictions(records, "pos") == {}


def test_without_anything_measured_it_is_a_ranking_to_be_tested() -> None:
    records = made(1.0, measured=False)
    (page,) = pages(records)
    assert len(page.parts) == 2
    assert any("a ranking to be tested" in x for x in page.answer)
    (headline,) = page.headlines
    assert headline.role == "note"
    said = headline.text.removesuffix(" (nothing was fine-tuned)").split(": ")
    assert page.answer[0].startswith(said[0])
    assert said[1] in page.answer[0]
    assert len(headline.text) <= 72  # a summary's line
    found = predictions(records, "pos")
    assert found
    assert not any(x.calibrated for x in found.values())
    assert predictions(records, "lm") == {}


def test_it_recommends_what_it_foresees_and_nothing_where_it_fails() -> None:
    records = made(0.5)
    page = Foresee().recommend(records, "pos", "qba")
    (table,) = page.parts
    found = predictions(records, "pos")
    best = max(DONORS, key=lambda f: found[f, "qba"].value)
    assert table.rows[0][0] == best
    assert len(table.rows) == len(DONORS)
    assert Foresee().recommend(made(-0.5), "pos", "qba").parts == ()
    other = Foresee().recommend(records, "pos", "qzz")
    assert other.parts == ()
    assert "--targets qzz" in other.summary[0]


def test_an_adaptive_study_runs_first_what_is_foreseen_to_help_more() -> None:
    records = made(1.0, measured=False)
    cells = records.expected[0].cells
    run = {"variant": "plain", "steps": 10, "seed": 0}
    coming = [
        Job("transfer", 1, {"model": "m", "text": {"language": f, "text": "t"}, **run}, cells, f)
        for f in (*DONORS, "qzz")
    ]
    found = Transfer().priorities(records, coming)
    foreseen: list[Any] = [x for x in records.records if x.probe == "foresee"]
    value = {
        (x.condition["text"]["language"], x.evaluation.cell.target): x.evaluation.extra[FORESEEN]
        for x in foreseen
    }
    for job in coming[:-1]:
        below = [value[f, g] < value[job.label, g] for g in TARGETS for f in DONORS if f != job.label]
        assert found[job.condition_key] == pytest.approx(np.mean(below))
    assert coming[-1].condition_key not in found  # of this text nothing was foreseen
    assert Transfer().priorities(made(-0.5), coming) == {}  # what was measured contradicts it
