"""Task adapters trained anew on fine-tuned weights: in the Lab, in plans, and as one identity each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import xlbench
from xlbench import Study, api, plugins
from xlbench.contracts import (
    AdapterTraining,
    Composition,
    Evaluation,
    Fusion,
    Job,
    LanguageAdapter,
    LanguageTraining,
    Matrix,
    Number,
    Resolved,
    Retraining,
    Table,
)
from xlbench.errors import JobError, StudyError
from xlbench.lab import Lab, task_adapters
from xlbench.lab.originals import Originals
from xlbench.results import Store
from xlbench.spec.study import parse
from xlbench.studies.resolve import resolve
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot


@pytest.fixture
def make(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Callable[..., Lab]:
    def build(folder: str = "adapters") -> Lab:
        return Lab(resolved, str(checkpoint), tmp_path / folder, device="cpu", threads=1)

    return build


def counts(found: list[Evaluation]) -> list[list[list[int]]]:
    return [x.counts.tolist() for x in found]


def adapter(lab: Lab) -> dict[str, torch.Tensor]:
    named = lab.encoder.model.named_parameters()
    return {n: p.detach().clone() for n, p in named if ".adapters." in n or n.startswith("heads.")}


def both(resolved: Resolved, **fields: object) -> Resolved:
    study = dataclasses.replace(resolved.study, readings=("put-back", "retrained"))
    return dataclasses.replace(resolved, study=study, **fields)  # type: ignore[arg-type]


def test_on_the_pretrained_weights_a_retrained_adapter_is_the_kept_one(make: Callable[..., Lab]) -> None:
    lab = make()
    lab.task_adapter("tags")
    kept = adapter(lab)
    lab.retrain("tags")
    again = adapter(lab)
    assert kept.keys() == again.keys()
    assert all(torch.equal(kept[x], again[x]) for x in kept)


def test_it_is_trained_on_the_moved_weights_and_moves_none(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    """The same as an ordinary training on a body whose pretrained weights are the moved ones."""
    lab = make()
    lab.task_adapter("tags")
    kept = adapter(lab)
    lab.finetune("qaa", steps=3, seed=0)
    moved = lab.encoder.weights()
    lab.retrain("tags")
    assert all(torch.equal(moved[x], y) for x, y in lab.encoder.weights().items())
    assert any(not torch.equal(kept[x], y) for x, y in adapter(lab).items())
    scores = counts(lab.evaluate(resolved.cells("tags")))
    # A Lab whose pretrained weights are the moved ones trains its adapter in the ordinary way.
    other = make("other")
    with torch.no_grad():
        for name, own in zip(other.encoder._names, other.encoder._own, strict=True):
            own.copy_(moved[name])
    other.encoder.originals = Originals(other.encoder._own, list)
    other.task_adapter("tags")
    assert counts(other.evaluate(resolved.cells("tags"))) == scores


def test_put_back_comes_back_and_nothing_retrained_outlives_its_weights(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    lab, cells = make(), resolved.cells("tags")
    lab.task_adapter("tags")
    kept = adapter(lab)
    lab.finetune("qaa", steps=3, seed=0)
    before = counts(lab.evaluate(cells))
    lab.retrain("tags")
    lab.task_adapter("tags")
    assert all(torch.equal(kept[x], y) for x, y in adapter(lab).items())
    assert counts(lab.evaluate(cells)) == before
    for move in (lab.restore, lambda: lab.finetune("qab", steps=1, seed=0)):
        lab.finetune("qaa", steps=3, seed=0)
        lab.retrain("tags")
        move()
        with pytest.raises(RuntimeError, match="no adapter of tags in memory"):
            lab.evaluate(cells)
    assert sum(x.name == "adapter_config.json" for x in (lab.attached.folder).rglob("*")) == 1


def test_a_run_at_a_constant_rate_goes_on_past_a_retraining(
    make: Callable[..., Lab], resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    constant = dataclasses.replace(resolved, mlm=dataclasses.replace(resolved.mlm, schedule="constant"))

    def weights(retrain: bool) -> dict[str, torch.Tensor]:
        lab = Lab(constant, str(checkpoint), tmp_path / "constant", device="cpu", threads=1)
        lab.finetune("qaa", steps=2, seed=0)
        if retrain:
            lab.retrain("tags")
        lab.finetune("qaa", steps=4, seed=0)
        return lab.encoder.weights()

    one, other = weights(False), weights(True)
    assert all(torch.equal(one[x], other[x]) for x in one)


def test_a_fusion_tuned_for_one_adapter_is_tuned_again_for_another(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    random = [LanguageAdapter("random", "", LanguageTraining(), seed) for seed in (0, 1)]
    under = Composition(tuple(random), "tuned", fusion=Fusion(steps=3, learning_rate=0.1, batch_size=4))
    other = dataclasses.replace(resolved.training["tags"], seed=5, learning_rate=5e-3)
    cells = resolved.cells("tags")

    def weights(lab: Lab) -> list[torch.Tensor]:
        lab.evaluate(cells, under)
        named = lab.encoder.model.named_parameters()
        return [p.detach().clone() for n, p in named if "adapter_fusion_layer" in n]

    lab = make()
    lab.task_adapter("tags")
    before = weights(lab)
    lab.task_adapter("tags", other)
    after = weights(lab)
    fresh = make("other")
    fresh.task_adapter("tags", other)
    assert len(before) == len(after) > 0
    assert any(not torch.equal(x, y) for x, y in zip(before, after, strict=True))
    assert all(torch.equal(x, y) for x, y in zip(weights(fresh), after, strict=True))


def further(resolved: Resolved, steps: int = 5) -> AdapterTraining:
    return replace(resolved.training["tags"], warm_start_steps=steps)


def test_a_warm_start_goes_on_from_the_kept_adapter_on_the_weights_as_they_are(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    how, lab = further(resolved), make()
    first = lab.task_adapter("tags")
    kept = adapter(lab)
    again = lab.task_adapter("tags", how)
    assert first is not None
    assert again is not None
    assert first != again
    on_pretrained = adapter(lab)
    assert any(not torch.equal(kept[x], y) for x, y in on_pretrained.items())
    lab.retrain("tags", how)
    assert all(torch.equal(on_pretrained[x], y) for x, y in adapter(lab).items())
    lab.finetune("qaa", steps=3, seed=0)
    moved = lab.encoder.weights()
    lab.retrain("tags", how)
    assert all(torch.equal(moved[x], y) for x, y in lab.encoder.weights().items())
    on_moved = adapter(lab)
    assert any(not torch.equal(on_moved[x], y) for x, y in on_pretrained.items())
    assert first.name in lab.adapters_used()
    # By hand: the kept weights, then plain training steps on the moved body.
    with torch.no_grad():
        lab.task_adapter("tags")
        for name, parameter in lab.encoder.model.named_parameters():
            if name in kept:
                assert torch.equal(parameter, kept[name])
    sets = [lab.encoded("tags", x, "train") for x in resolved.train_languages("tags")]
    task = resolved.tasks["tags"]
    kind, add = lab.inputs.kind(task), lab.attached.adding(how)
    task_adapters.train(lab.encoder, task, kind, sets, how, lambda fraction: None, add)
    assert all(torch.equal(on_moved[x], y) for x, y in adapter(lab).items())
    # Fewer steps than all batches of the data, and another number: other weights.
    lab.retrain("tags", further(resolved, 3))
    assert any(not torch.equal(on_moved[x], y) for x, y in adapter(lab).items())


def test_a_warm_start_never_gives_up_the_fine_tuned_weights_in_silence(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    lab = make()
    lab.finetune("qaa", steps=3, seed=0)
    with pytest.raises(JobError, match="run the same command again"):
        lab.retrain("tags", further(resolved))
    with pytest.raises(RuntimeError, match="no adapter of tags in memory"):
        lab.evaluate(resolved.cells("tags"))


def test_a_failed_warm_start_leaves_no_adapter_behind(make: Callable[..., Lab], resolved: Resolved) -> None:
    lab, cells = make(), resolved.cells("tags")
    lab.task_adapter("tags")
    kept, before = adapter(lab), counts(lab.evaluate(cells))
    with pytest.raises(JobError, match=r"lower adapter.tags.learning_rate"):
        lab.retrain("tags", replace(further(resolved), learning_rate=1e39))
    with pytest.raises(RuntimeError, match="no adapter of tags in memory"):
        lab.evaluate(cells)
    lab.task_adapter("tags")
    assert all(torch.equal(kept[x], y) for x, y in adapter(lab).items())
    assert counts(lab.evaluate(cells)) == before


def test_a_warm_start_is_priced_named_and_trained_alike_on_both_sides(resolved: Resolved) -> None:
    anew = [x for x in Transfer().jobs(both(resolved)) if x.cells[0].task == "tags"]
    found = both(resolved, retraining=Retraining(warm_start_steps=5))
    jobs = [x for x in Transfer().jobs(found) if x.cells[0].task == "tags"]
    first, partner = (x for x in jobs if x.probe == "zero-shot")
    assert first.condition_key == ZeroShot().job(resolved, "tags").condition_key
    assert partner.condition["adapter"] == {**first.condition["adapter"], "warm_start_steps": 5}  # type: ignore[dict-item]
    assert [x.train_examples for x in first.shares.values()] == [60 * 2]
    assert [x.train_examples for x in partner.shares.values()] == [60 * 2, 5 * 16]
    assert first.shares.items() <= partner.shares.items()
    for job, other in zip(transfer(jobs), transfer(anew), strict=True):
        if "reading" not in job.condition:
            assert job.identity == other.identity
            continue
        assert job.identity != other.identity
        assert job.needs == (partner.condition_key,)
        assert job.condition["adapter"] == partner.condition["adapter"]
        assert job.cost.train_examples == 5 * 16
        assert first.shares.items() <= job.shares.items()
        assert partner.shares.keys() - first.shares.keys() - job.shares.keys()
    said = replace(further(resolved), reduction_factor=16)  # an identity has the default of the kind
    assert resolved.adapter_training(partner.condition["adapter"]) == said  # type: ignore[arg-type]
    assert first.shares.items() <= transfer(jobs)[0].shares.items()
    few = both(resolved, retraining=Retraining(warm_start_steps=5, examples=20))
    _, partner = (x for x in Transfer().jobs(few) if x.probe == "zero-shot" and x.cells[0].task == "tags")
    assert [x.train_examples for x in partner.shares.values()] == [20 * 2, 5 * 16]
    # Fewer examples than fill a batch are all seen in each step.
    assert AdapterTraining(batch_size=8, warm_start_steps=5).examples_seen(3) == 15


def transfer(jobs: list[Job]) -> list[Job]:
    return [x for x in jobs if x.probe == "transfer"]


def test_put_back_keeps_its_identity_and_retrained_has_its_own(resolved: Resolved) -> None:
    plain, more = transfer(list(Transfer().jobs(resolved))), transfer(list(Transfer().jobs(both(resolved))))
    keys = [x.condition_key for x in plain]
    assert all("reading" not in x.condition for x in plain)
    assert [x.condition_key for x in more if "reading" not in x.condition] == keys
    retrained = [x for x in more if x.condition.get("reading") == "retrained"]
    assert len(retrained) == len(plain)
    assert {x.group for x in retrained} == {x.group for x in plain}
    for one, other in zip(plain, retrained, strict=True):
        assert other.condition == {**one.condition, "reading": "retrained"}
        assert other.cells == one.cells
        assert other.needs == one.needs
        assert other.cost.train_examples == 60 * 2
        assert one.cost.train_examples == 0
    only = dataclasses.replace(resolved, study=dataclasses.replace(resolved.study, readings=("retrained",)))
    alone = transfer(list(Transfer().jobs(only)))
    assert [x.condition_key for x in alone] == [x.condition_key for x in retrained]


def test_a_job_of_each_reading_measures_that_reading(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    """In one Lab, one after the other and back, as by hand in a Lab of its own."""
    far = both(resolved, mlm=replace(resolved.mlm, learning_rate=0.02))
    one, other = (Lab(far, str(checkpoint), tmp_path / x, device="cpu", threads=1) for x in ("one", "other"))
    jobs = [x for x in transfer(list(Transfer().jobs(far))) if x.cells[0].task == "tags"]
    jobs = [x for x in jobs if (x.condition["steps"], x.condition["seed"]) == (3, 0)]
    put_back, retrained = (
        next(x for x in jobs if x.condition["variant"] == "plain" and ("reading" in x.condition) is side)
        for side in (False, True)
    )
    found = [counts(list(Transfer().run(x, one))) for x in (put_back, retrained, put_back)]
    other.task_adapter("tags")
    other.finetune("qaa", steps=3, seed=0)
    expected = [counts(other.evaluate(put_back.cells))]
    other.retrain("tags")
    expected.append(counts(other.evaluate(put_back.cells)))
    assert found == [*expected, expected[0]]
    assert expected[0] != expected[1]


def test_fewer_examples_are_fewer_on_both_sides(resolved: Resolved) -> None:
    found = both(resolved, retraining=Retraining(examples=20))
    jobs = [x for x in Transfer().jobs(found) if x.cells[0].task == "tags"]
    baselines = [x for x in jobs if x.probe == "zero-shot"]
    assert [x.condition["adapter"].get("examples") for x in baselines] == [None, 20]  # type: ignore[union-attr]
    assert baselines[0].condition_key == ZeroShot().job(resolved, "tags").condition_key
    for job in transfer(jobs):
        partner = baselines["reading" in job.condition]
        assert job.needs == (partner.condition_key,)
        assert job.condition["adapter"] == partner.condition["adapter"]
        assert job.cost.train_examples == (40 if "reading" in job.condition else 0)


def test_the_training_of_a_condition_is_that_of_its_identity(resolved: Resolved) -> None:
    how = dataclasses.replace(resolved.training["tags"], examples=20, temperature=2.0, seed=3)
    changed = resolved.with_training({"tags": how})
    said = replace(how, reduction_factor=16)
    assert resolved.adapter_training(changed.adapter_identity("tags")) == said
    assert resolved.adapter_training({"task": "lm", "task_version": 1, "max_length": 9}) is None


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        tasks=("pos", "lm"), probes=("transfer",), transfer=("qah",), targets=("qag", "qah"), steps=(2,),
        seeds=(0,), controls=(), limit=6, train_languages=("qaa", "qae"), readings=("put-back", "retrained"),
        retraining={"examples": 20, "warm_start_steps": None}, adapter={"epochs": 1, "limit": 40},
        mlm={"lines": 100},
    )  # fmt: skip


def test_a_study_of_both_readings_runs_and_is_told(study: Study, tmp_path: Path) -> None:
    results = tmp_path / "results"
    done = xlbench.run(study, results=results, workers=1)
    assert (done.run, done.failed) == (6, {})  # zero-shot: pos, pos with 20, lm; and three of transfer
    assert api.plan(study, results=results).todo == ()
    assert sorted(x.name.partition("-")[0] for x in (results / "adapters").iterdir()) == ["pos", "pos"]
    frame = xlbench.load_results(results)
    own = frame[(frame["task"] == "pos") & (frame["probe"] == "transfer")]
    assert sorted(own["condition.reading"].fillna("")) == ["", "", "retrained", "retrained"]


def test_pages_tell_effect_gain_and_mismatch_apart(study: Study, tmp_path: Path) -> None:
    results = tmp_path / "results"
    xlbench.run(replace(study, tasks=("pos",), controls=("shuffled",)), results=results, workers=1)
    frame = xlbench.load_results(results)
    score = {}
    for row in frame.to_dict("records"):
        few = row["condition.adapter.examples"] == 20
        key = (row["probe"], few, row.get("condition.variant"), row["target"])
        score[key] = row["score"]
    metrics = {"pos": plugins.load().tasks["pos"].metric}
    page, *_ = Transfer().pages(Store(results).records(metrics))
    tables = {x.title: x for x in page.parts if isinstance(x, Table)}

    def change(few: bool, variant: str, target: str) -> float:
        (before,) = (
            x for (probe, some, _, g), x in score.items() if (probe, some, g) == ("zero-shot", few, target)
        )
        return float(score["transfer", few, variant, target] - before)

    by_target = tables["Effect, gain and read-out mismatch by target, 2 steps"]
    assert by_target.columns[1:4] == ("Effect", "Gain", "Read-out mismatch")
    (row,) = (x for x in by_target.rows if str(x[0]).startswith("Toruk"))
    values = [x.value for x in row[1:4] if isinstance(x, Number)]
    effect, gain = change(False, "plain", "qag"), change(True, "plain", "qag")
    assert values == pytest.approx([effect, gain, effect - gain])
    noise = tables["Shuffled text in both readings, 2 steps"]
    ((_, *cells),) = noise.rows
    found = [x.value for x in cells if isinstance(x, Number)]
    quiet, gained = change(False, "shuffled", "qag"), change(True, "shuffled", "qag")
    ahead = [effect - quiet, gain - gained]
    assert found == pytest.approx([quiet, gained, quiet - gained, *ahead, ahead[0] - ahead[1]])
    own = next(x for x in by_target.rows if str(x[0]).startswith("Turoki"))[4:]
    assert [x.value for x in own if isinstance(x, Number)] == pytest.approx(
        [
            change(False, "plain", "qah"), change(True, "plain", "qah"),
            change(False, "plain", "qah") - change(True, "plain", "qah"),
        ]
    )  # fmt: skip
    (matrix,) = (x for x in page.parts if isinstance(x, Matrix) and x.title.startswith("Gain"))
    assert {x.value for line in matrix.cells for x in line} == {gain, change(True, "plain", "qah")}
    assert any("read-out mismatch" in line for line in page.summary)


def test_an_unknown_reading_or_number_is_one_clear_line(study: Study) -> None:
    with pytest.raises(StudyError, match="unknown reading 'retrain'; did you mean 'retrained'"):
        parse({"readings": ["retrain"]})
    with pytest.raises(StudyError, match=r"retraining.examples must be above 0, not 0"):
        parse({"retraining": {"examples": 0}})
    with pytest.raises(StudyError, match=r"retraining.warm_start_steps must be above 0, not 0"):
        parse({"retraining": {"warm_start_steps": 0}})
    with pytest.raises(StudyError, match=r"unknown key adapter.warm_start_steps"):
        parse({"adapter": {"warm_start_steps": 9}})
    with pytest.raises(StudyError, match="given twice"):
        parse({"readings": ["retrained", "retrained"]})
    found = resolve(study, plugins.load())
    assert found.read("put-back") is found
    assert np.isclose(found.read("retrained").training["pos"].examples or 0, 20)
