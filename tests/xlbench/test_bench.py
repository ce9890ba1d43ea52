"""The Lab as a bench: parts that stay as they are, vectors by layer, compositions on any weights; and two
probes that use nothing but the public protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import xlbench
from xlbench import api, hookimpl, plugins
from xlbench.contracts import (
    Composition,
    Condition,
    Cost,
    Evaluation,
    Finetuning,
    Fusion,
    Job,
    LanguageAdapter,
    LanguageTraining,
    ReadBy,
    Resolved,
    Study,
    merged,
)
from xlbench.contracts.freezing import Frozen
from xlbench.errors import JobError, StudyError
from xlbench.lab import Lab
from xlbench.lab.movement import linear_cka


@pytest.fixture
def lab(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Lab:
    training = LanguageTraining(chunk=16, batch_size=4, steps=2)
    return Lab(
        replace(resolved, language_training=training), str(checkpoint), tmp_path / "adapters", device="cpu"
    )


def changed(lab: Lab, before: dict[str, torch.Tensor]) -> set[str]:
    """Names of the weights with any other bit."""
    return {name for name, x in lab.encoder.weights().items() if not torch.equal(x, before[name])}


FREEZES: dict[str, Callable[[str], bool]] = {
    "embeddings": lambda x: x.startswith("body.embeddings."),
    "body": lambda x: x.startswith("body.encoder."),
    "layers:0": lambda x: x.startswith("body.encoder.layer.0."),
    "layers:0-1": lambda x: x.startswith("body.encoder."),
    "head": lambda x: not x.startswith("body."),
    "embeddings+layers:1": lambda x: x.startswith(("body.embeddings.", "body.encoder.layer.1.")),
}


@pytest.mark.parametrize("freeze", FREEZES)
def test_what_is_frozen_stays_to_the_bit_and_the_rest_moves(lab: Lab, freeze: str) -> None:
    before = lab.encoder.weights()
    lab.finetune("qaa", steps=2, seed=0)
    moves = changed(lab, before)
    lab.finetune("qaa", steps=2, seed=0, how=replace(lab.resolved.mlm, freeze=freeze))
    kept = {x for x in before if FREEZES[freeze](x)}
    assert kept
    assert changed(lab, before) == moves - kept
    lab.finetune("qaa", steps=2, seed=0)
    assert changed(lab, before) == moves


def test_a_run_that_is_gone_on_with_keeps_frozen_what_was(lab: Lab) -> None:
    before = lab.encoder.weights()
    how = replace(lab.resolved.mlm, freeze="layers:0", schedule="constant")
    for steps in (1, 3):
        lab.finetune("qaa", steps=steps, seed=0, how=how)
    assert not {x for x in changed(lab, before) if x.startswith("body.encoder.layer.0.")}


def test_freezing_is_another_identity_and_not_freezing_is_none(resolved: Resolved) -> None:
    mlm = resolved.mlm
    assert "freeze" not in resolved.text_identity("qaa")
    frozen = resolved.text_identity("qaa", how=replace(mlm, freeze="layers:0"))
    assert frozen == {**resolved.text_identity("qaa"), "freeze": "layers:0"}


@pytest.mark.parametrize(
    "text", ["layer:0", "layers:2-1", "layers:", "layers:a", "bodies", "embeddings+", "+head"]
)
def test_what_is_no_part_is_one_line(text: str) -> None:
    with pytest.raises(
        StudyError, match=f"mlm.freeze must be embeddings, body .*, not {text!r}".replace("+", r"\+")
    ):
        Study(mlm={"freeze": text})


def test_parts_are_read_as_they_are_written() -> None:
    assert Frozen.read("") == Frozen()
    assert Frozen.read("layers:0-2+layers:7+head") == Frozen(layers=frozenset({0, 1, 2, 7}), head=True)
    with pytest.raises(ValueError, match="no layer 7; the model has 4, numbered from 0"):
        Frozen.read("layers:0-2+layers:7").check(4)


def test_a_layer_that_is_not_there_is_told_in_planning_and_to_a_probe(
    lab: Lab, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"mlm\.freeze: no layer 2; the model has 2, numbered from 0"):
        api.plan(study_of(checkpoint, mlm={"freeze": "layers:1-2"}), results=tmp_path / "results")
    with pytest.raises(StudyError, match=r"mlm\.freeze: .* leaves nothing to train"):
        api.plan(study_of(checkpoint, mlm={"freeze": "head+embeddings+body"}), results=tmp_path / "results")
    with pytest.raises(StudyError, match="no layer 5"):
        lab.finetune("qaa", steps=1, seed=0, how=replace(lab.resolved.mlm, freeze="layers:5"))
    for everything in ("embeddings+body+head", "embeddings+layers:0-1+head"):
        with pytest.raises(StudyError, match="leaves nothing to train"):
            lab.finetune("qaa", steps=1, seed=0, how=replace(lab.resolved.mlm, freeze=everything))


def text_of(example: Any) -> str:
    return " ".join(example.words)


def test_vectors_are_means_over_tokens_of_text_by_layer(lab: Lab) -> None:
    cells = lab.resolved.cells("tags")
    bert = lab.encoder.body
    tokenizer = lab.encoder.tokenizer
    for layer in (0, 1, 2, -1):
        found = lab.represent(cells, layer)
        assert [x.shape for x in found] == [(25, 32)] * len(cells)
        for cell, vectors in zip(cells, found, strict=True):
            examples = lab.resolved.data["tags"].examples(cell.target, "test")
            short = [i for i, x in enumerate(examples) if len(tokenizer(text_of(x))["input_ids"]) <= 48]
            for i in short[:3]:
                encoded = tokenizer(text_of(examples[i]), return_tensors="pt")
                inputs = {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}
                with torch.inference_mode():
                    states = bert(**inputs, output_hidden_states=True).hidden_states
                np.testing.assert_allclose(vectors[i], states[layer][0, 1:-1].mean(0).numpy(), atol=1e-5)
            assert short
    with pytest.raises(JobError, match="no layer 3; the model has 2"):
        lab.represent(cells, 3)


def test_compositions_are_read_on_fine_tuned_weights(lab: Lab) -> None:
    """Adapters that are at hand go beneath the task adapter on any weights; none is trained there."""
    cells = lab.resolved.cells("tags")
    one = lab.resolved.language_adapter("qaa", 0)
    under = Composition((one,))
    lab.task_adapter("tags")
    lab.finetune("qab", steps=2, seed=0)
    with pytest.raises(JobError, match=r"adapter of qaa is not there.*call Lab.language_adapter before"):
        lab.evaluate(cells, under)
    lab.language_adapter(one)
    pretrained = lab.predict(cells, under)
    lab.task_adapter("tags")
    lab.finetune("qab", steps=2, seed=0)
    weights = lab.encoder.weights()
    moved = lab.predict(cells, under)
    assert not changed(lab, weights)
    assert moved != pretrained
    random = LanguageAdapter("random", "", lab.resolved.language_training, 3)
    pair = Composition((one, random), "average")
    assert lab.evaluate(cells, pair)
    with pytest.raises(JobError, match="is trained on the pretrained weights"):
        lab.evaluate(cells, Composition((one, random), "tuned", fusion=Fusion(steps=1)))
    lab.restore()
    assert lab.predict(cells, under) == pretrained


def study_of(checkpoint: Path, **more: Any) -> Study:
    mlm = {"chunk": 16, "batch_size": 2, "lines": 40} | more.pop("mlm", {})
    return Study(
        model=str(checkpoint), tasks=("pos",), transfer=("qaa",), targets=("qaa", "qab"),
        train_languages=("qaa",), data={"pos": ("artificial",)}, text="artificial", limit=8, controls=(),
        steps=(2,), seeds=(0,), reference="qaa", adapter={"epochs": 1, "limit": 12}, mlm=mlm, **more,
    )  # fmt: skip


class LayerWise:
    """Transfer by the lower or the upper half of the layers alone."""

    name, version, summary, settings = "layer-wise", 1, "Which half of the layers carries transfer", None

    def jobs(self, resolved: Resolved) -> Iterator[Job]:
        for task in resolved.adapted_tasks:
            cells = resolved.cells(task)
            for freeze in ("", "embeddings+layers:0+head", "embeddings+layers:1+head"):
                how = replace(resolved.mlm, freeze=freeze)
                run = Finetuning(resolved.text_identity("qaa", how=how), resolved.study.steps[0], 0)
                condition = Condition(
                    resolved.model_fingerprint,
                    ReadBy(resolved.adapter_identity(task)),
                    run,
                    settings={"freeze": freeze},
                )
                yield Job(self.name, self.version, condition.as_json(), cells, f"half {freeze}", Cost())

    def run(self, job: Job, lab: Any) -> Sequence[Evaluation]:
        run, freeze = job.typed.finetuning, str(job.typed.settings["freeze"])
        assert run is not None
        lab.task_adapter(job.cells[0].task)
        lab.restore()
        before = [lab.represent(job.cells, layer) for layer in (0, 1, 2)]
        lab.finetune(run.name, steps=run.steps, seed=run.seed, how=replace(lab.resolved.mlm, freeze=freeze))
        after = [lab.represent(job.cells, layer) for layer in (0, 1, 2)]
        found = []
        for number, one in enumerate(lab.evaluate(job.cells)):
            same = {
                f"layer {k}": float(np.array_equal(x[number], y[number]))
                for k, (x, y) in enumerate(zip(before, after, strict=True))
            }
            found.append(replace(one, extra={**one.extra, **same}))
        return found

    def pages(self, records: Any) -> Sequence[Any]:
        return ()


def precision_at_1(queries: NDArray[Any], pool: NDArray[Any]) -> float:
    """Share of queries whose nearest neighbour, by cosine, is the row of their number."""
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, pool)]
    return float(np.mean((unit[0] @ unit[1].T).argmax(1) == np.arange(len(queries))))


class Geometry:
    """CKA with the pretrained vectors, and retrieval of translations, before and after adaptation."""

    name, version, summary, settings = "geometry", 1, "Vectors before and after adaptation", None

    def jobs(self, resolved: Resolved) -> Iterator[Job]:
        for task in resolved.tasks:
            for steps in (0, resolved.study.steps[0]):
                run = Finetuning(resolved.text_identity("qaa"), steps, 0)
                condition = Condition(resolved.model_fingerprint, finetuning=run)
                cells = resolved.cells(task)
                yield Job(self.name, self.version, condition.as_json(), cells, f"{steps} steps", Cost())

    def run(self, job: Job, lab: Any) -> Sequence[Evaluation]:
        run = job.typed.finetuning
        assert run is not None
        lab.restore()
        before = lab.represent(job.cells)
        lab.task_adapter(job.cells[0].task)
        if run.steps:
            lab.finetune(run.name, steps=run.steps, seed=run.seed)
        after = lab.represent(job.cells)
        return [
            replace(one, extra={
                "cka": linear_cka(before[i].astype(np.float64), after[i].astype(np.float64)),
                "retrieval": precision_at_1(after[i], after[0]),
            })
            for i, one in enumerate(lab.evaluate(job.cells))
        ]  # fmt: skip

    def pages(self, records: Any) -> Sequence[Any]:
        return ()


class Plugin:
    @hookimpl
    def xlbench_probes(self) -> Any:
        yield LayerWise()
        yield Geometry()


def test_two_probes_that_use_only_the_protocol(checkpoint: Path, tmp_path: Path) -> None:
    study = study_of(checkpoint, probes=("layer-wise", "geometry"))
    results = tmp_path / "results"
    done = api.run(study, results=results, workers=1, device="cpu", plugins=[Plugin()])
    assert (done.run, done.failed) == (5, {})
    rows = xlbench.load_results(results, plugins=[Plugin()])
    halves = rows[rows["probe"] == "layer-wise"].groupby("condition.freeze")
    seen = {name: tuple(some[f"extra.layer {k}"].all() for k in range(3)) for name, some in halves}
    assert seen == {
        "": (False, False, False),
        "embeddings+layers:0+head": (True, True, False),
        "embeddings+layers:1+head": (True, False, False),
    }
    geometry = rows[rows["probe"] == "geometry"].set_index(["condition.steps", "target"])
    assert geometry.loc[(0, "qaa"), "extra.cka"] == pytest.approx(1)
    assert geometry.loc[(0, "qab"), "extra.cka"] == pytest.approx(1)
    assert 0 < geometry.loc[(2, "qab"), "extra.cka"] < 1
    assert geometry.loc[(2, "qaa"), "extra.retrieval"] == 1
    assert not api.plan(study, results=results, plugins=[Plugin()]).todo


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "writing-a-plugin.md"


@pytest.mark.parametrize("heading", ["Text treatments", "The Lab as a bench"])
def test_the_guides_examples_are_plugins(heading: str, resolved: Resolved, tmp_path: Path) -> None:
    section = GUIDE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    path = tmp_path / "example.py"
    path.write_text(section.split("```python\n")[1].split("```")[0], "utf-8")
    registry = plugins.load(given=plugins.give([path]))
    (plugin,) = [x for x in registry.plugins if x.distribution == "example.py"]
    assert plugin.problem is None
    assert len(plugin.provides) == 1
    if ("probe", "halves") in plugin.provides:
        jobs = merged(registry.probes["halves"].jobs(resolved))
        assert len(jobs) == 2 * len(resolved.adapted_tasks)
        assert {x.typed.settings["freeze"] for x in jobs} == {"layers:0", "layers:1"}


def test_the_guides_chart_is_a_part_of_a_page(checkpoint: Path, tmp_path: Path) -> None:
    section = GUIDE.read_text("utf-8").split("## Pages of a probe\n")[1]
    path = tmp_path / "bars.py"
    path.write_text(section.split("```python\n")[1].split("```")[0], "utf-8")
    study, results = study_of(checkpoint, probes=("bars", "zero-shot")), tmp_path / "results"
    done = api.run(study, results=results, workers=1, device="cpu", plugins=[path])
    assert done.failed == {}
    page, *_ = [x for x in xlbench.pages(results, plugins=[path]) if x.title.startswith("Bars")]
    rows = xlbench.load_results(results, plugins=[path])
    wanted = rows[rows["probe"] == "zero-shot"]["score"].tolist()
    (bars,) = page.parts
    assert [x.value for _, x in bars.table().rows] == wanted
    values = bars.specification()["data"]["values"]
    assert [x["score"] for x in values] == wanted
