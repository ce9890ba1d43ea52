"""Gradients of task losses and their inner products with a change of weights, against plain autograd."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made import study_over
from torch.nn.functional import cross_entropy

from xlbench.contracts import AdapterTraining, Cell, Resolved
from xlbench.contracts.gradient import gradients_of
from xlbench.errors import JobError
from xlbench.lab import Lab
from xlbench.lab.gradients import FILE
from xlbench.metrics.task_loss import mean_loss

KINDS = ("tags", "pairs", "trees", "questions")
Make = Callable[..., Lab]


@pytest.fixture
def study(checkpoint: Path) -> Resolved:
    found = study_over(checkpoint, KINDS)
    brief = {x: dataclasses.replace(how, epochs=1, learning_rate=5e-3) for x, how in found.training.items()}
    return dataclasses.replace(found, training=brief)


@pytest.fixture
def make(study: Resolved, checkpoint: Path, tmp_path: Path) -> Make:
    def build(one: Resolved = study, **options: Any) -> Lab:
        return Lab(one, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1, **options)

    return build


def losses(lab: Lab, cells: tuple[Cell, ...]) -> np.ndarray:
    return np.array([mean_loss(x.loss) for x in lab.evaluate(cells)])


@pytest.mark.parametrize("task", KINDS)
def test_the_first_order_change_is_the_limit_of_the_exact_one(make: Make, study: Resolved, task: str) -> None:
    lab, cells = make(), study.cells(task)
    lab.task_adapter(task)
    before = losses(lab, cells)
    assert lab.along(cells) == pytest.approx([0, 0], abs=1e-12)
    rng = torch.Generator().manual_seed(0)
    steps = [torch.randn(p.shape, generator=rng) * 2e-3 for p in lab.encoder.own]
    changes = []
    for sign in (1, -1):  # of a central difference, the error is of the third order
        lab.restore()
        with torch.no_grad():
            for p, step in zip(lab.encoder.own, steps, strict=True):
                p.add_(sign * step)
        changes.append(losses(lab, cells) - before)
        said = lab.along(cells)
        lab.encoder.restore()
        changes.append(said)
    up, said_up, down, said_down = changes
    assert said_up == pytest.approx(-said_down, rel=1e-3)
    assert np.abs(said_up).min() > 1e-4
    assert said_up == pytest.approx((up - down) / 2, rel=0.02, abs=2e-5)


def test_inner_products_are_those_of_plain_autograd(make: Make, study: Resolved, checkpoint: Path) -> None:
    """One sentence at a time through the library's own model, no batches, no padding, all dense."""
    from adapters import AutoAdapterModel
    from transformers import AutoTokenizer

    fast = dataclasses.replace(study, mlm=dataclasses.replace(study.mlm, learning_rate=2e-3))
    lab, cells = make(fast), study.cells("tags")
    folder = lab.task_adapter("tags")
    lab.finetune("qaa", steps=3, seed=0)
    change = {n: p.detach() - o for n, p, o in
              zip(lab.encoder.names, lab.encoder.own, lab.encoder.originals.values, strict=True)}  # fmt: skip
    said = lab.along(cells)

    model = AutoAdapterModel.from_pretrained(checkpoint)
    name = model.load_adapter(str(folder), use_safetensors=True, set_active=True)
    model.set_active_adapters(name)
    model.active_head = name
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    for number, cell in enumerate(cells):
        model.zero_grad()
        total, count = torch.zeros(()), 0
        for example in study.examples("tags", cell.target, "test"):
            given = tokenizer(
                list(example.words), is_split_into_words=True, return_tensors="pt",
                truncation=True, max_length=study.tasks["tags"].max_length,
            )  # fmt: skip
            pieces = tokenizer.convert_ids_to_tokens(given["input_ids"][0])
            words = [w if piece != "▁" else None for w, piece in zip(given.word_ids(), pieces, strict=True)]
            there = [i for i in range(len(example.words)) if i in words]
            first = [words.index(i) for i in there]
            gold = torch.tensor([study.tasks["tags"].labels.index(example.tags[i]) for i in there])
            total = total + cross_entropy(model(**given).logits[0, first], gold, reduction="sum")
            count += len(first)
        (total / count).backward()
        body = {f"body.{n.removeprefix('bert.')}": p for n, p in model.named_parameters()}
        direct = sum(float((p.grad.double() * change[n].double()).sum())
                     for n, p in body.items() if n in change and p.grad is not None)  # fmt: skip
        assert abs(direct) > 1e-3
        assert said[number] == pytest.approx(direct, rel=1e-5)


def test_a_gradient_leaves_the_lab_as_it_is(make: Make, study: Resolved) -> None:
    lab, cells = make(), study.cells("tags")
    lab.task_adapter("tags")
    lab.finetune("qaa", steps=2, seed=0)
    before, scores = lab.encoder.weights(), [x.counts.tolist() for x in lab.evaluate(cells)]
    files = lab.gradients(cells)
    assert len({*files}) == 2
    assert all(x.is_file() for x in files)
    after = lab.encoder.weights()
    assert all(torch.equal(before[n], after[n]) for n in before)
    assert not any(p.requires_grad or p.grad is not None for p in lab.encoder.own)
    assert [x.counts.tolist() for x in lab.evaluate(cells)] == scores
    said = lab.along(cells)
    again = make()
    again.task_adapter("tags")
    again.gradients(cells)
    again.finetune("qaa", steps=2, seed=0)
    assert again.along(cells).tolist() == said.tolist(), "computed before or after fine-tuning, all the same"


def test_half_the_numbers_on_disk_are_their_own_gradient(make: Make, study: Resolved) -> None:
    lab, cells = make(), study.cells("tags")
    (whole, _), (half, _) = lab.gradients(cells), lab.gradients(cells, numbers="bfloat16")
    assert whole != half
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    lab.finetune("qaa", steps=2, seed=0)
    assert lab.along(cells, numbers="bfloat16") == pytest.approx(lab.along(cells), rel=0.02)


def test_what_changed_on_disk_is_computed_again(make: Make, study: Resolved, capsys: Any) -> None:
    lab, cells = make(), study.cells("tags")[:1]
    (file,) = lab.gradients(cells)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert lab.gradients(cells) == [file]
    assert file.read_bytes() == content
    assert "changed since" in capsys.readouterr().err


def test_a_gradient_of_another_adapter_is_not_taken_for_its_own(
    make: Make, study: Resolved, capsys: Any
) -> None:
    """Of one identity, adapters trained on two machines differ."""
    lab, cells = make(), study.cells("tags")[:1]
    (file,) = lab.gradients(cells)
    about = json.loads((file.parent / "xlbench.json").read_text())
    assert about["adapter_digest"]
    from xlbench.models import kept_adapters

    kept = {k: v for k, v in about.items() if k not in ("files", "digest")}
    content = file.read_bytes()
    shutil.rmtree(file.parent)
    kept_adapters.keep(
        file.parent, {**kept, "adapter_digest": "0" * 40}, lambda new: (new / FILE).write_bytes(content)
    )
    make().gradients(cells)
    assert "trained anew" in capsys.readouterr().err
    found = json.loads((file.parent / "xlbench.json").read_text())
    assert found["adapter_digest"] == about["adapter_digest"]


def test_a_kind_without_a_loss_is_refused_by_name(checkpoint: Path, make: Make) -> None:
    found = study_over(checkpoint, ["ratings"])
    with pytest.raises(JobError, match="leave ratings out of first-order evaluation"):
        make(found).gradients(found.cells("ratings"))


def test_another_adapter_seed_has_its_own_gradient(make: Make, study: Resolved) -> None:
    lab, cells = make(), study.cells("tags")[:1]
    other: AdapterTraining = dataclasses.replace(study.training["tags"], seed=5)
    assert lab.gradients(cells) != lab.gradients(cells, other)


def test_directions_are_adams_own_first_step(study: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    """Of a model without dropout, at a constant rate, of the same batch."""
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    how = dataclasses.replace(study.mlm, schedule="constant", learning_rate=1e-4)
    one = dataclasses.replace(study, mlm=how)
    lab, cells = Lab(one, str(folder), tmp_path / "adapters", device="cpu", threads=1), one.cells("tags")
    lab.task_adapter("tags")
    before = lab.encoder.weights()
    said = lab.directions("qaa", cells, batches=3, seed=4)
    assert said.shape == (3, 2)
    after = lab.encoder.weights()
    assert all(torch.equal(before[n], after[n]) for n in before)
    assert lab.directions("qaa", cells, batches=3, seed=4).tolist() == said.tolist()
    lab.finetune("qaa", steps=1, seed=4)
    assert 1e-4 * said[0] == pytest.approx(lab.along(cells), rel=1e-3)


def test_frozen_parts_do_not_move_in_directions(make: Make, study: Resolved) -> None:
    cells = study.cells("tags")
    whole = make().directions("qaa", cells, batches=1, seed=0)
    frozen = dataclasses.replace(study, mlm=dataclasses.replace(study.mlm, freeze="embeddings+layers:0-0"))
    some = make(frozen).directions("qaa", cells, batches=1, seed=0)
    assert np.isfinite(some).all()
    assert not np.allclose(some, whole)


def test_names_of_gradients_come_from_a_jobs_condition(make: Make, study: Resolved) -> None:
    from xlbench.contracts.gradient import gradient_told
    from xlbench_probes.zero_shot import ZeroShot

    job = ZeroShot().job(study, "tags")
    assert list(gradients_of(job)) == []
    told = dataclasses.replace(job, condition={**job.condition, **gradient_told("float32")})
    assert [x.parent.name for x in make().gradients(job.cells)] == list(gradients_of(told))
