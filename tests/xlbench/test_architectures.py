"""Every architecture that is offered, from a checkpoint on disk to scores and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, LENGTH, write
from made import study_over

from xlbench import checkpoints
from xlbench.contracts import Composition, Fusion, LanguageAdapter, LanguageTraining, Resolved
from xlbench.lab import Lab

QUICK = LanguageTraining(
    learning_rate=5e-3, reduction_factor=4, config="seq_bn_inv", steps=4, chunk=16, batch_size=4, lines=60,
    held_out=0.2, checks=2,
)  # fmt: skip


def study(checkpoint: Path) -> Resolved:
    found = study_over(checkpoint)
    training = {
        task: dataclasses.replace(how, epochs=1, learning_rate=5e-3) for task, how in found.training.items()
    }
    return dataclasses.replace(found, training=training, language_training=QUICK)


def lab_of(resolved: Resolved, checkpoint: Path, folder: Path) -> Lab:
    return Lab(resolved, str(checkpoint), folder, device="cpu", threads=1)


def counts(lab: Lab, task: str, under: Composition | None = None) -> list[np.ndarray]:
    return [x.counts for x in lab.evaluate(lab.resolved.cells(task), under)]


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def whole_path(lab: Lab) -> dict[str, list[np.ndarray]]:
    """Everything that a study may ask for: counts of each condition."""
    found = {}
    for task in ("tags", "pairs"):
        lab.restore()
        lab.task_adapter(task)
        found[f"{task} bare"] = counts(lab, task)
        one, two = (LanguageAdapter("trained", x, QUICK) for x in ("qaa", "qab"))
        for adapter in (one, two):
            assert np.isfinite(lab.language_adapter(adapter)["held_out_after"])
        found[f"{task} stacked"] = counts(lab, task, Composition((one,)))
        for mix in ("average", "untrained", "tuned"):
            under = Composition((one, two), mix, fusion=Fusion(steps=2, learning_rate=1e-3, batch_size=4))
            found[f"{task} {mix}"] = counts(lab, task, under)
        found[f"{task} bare again"] = counts(lab, task)
        assert np.isfinite(lab.finetune("qaa", steps=2, seed=0))
        found[f"{task} finetuned"] = counts(lab, task)
    return found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_finetune_adapt_fuse_evaluate_save_and_load(name: str, tmp_path: Path) -> None:
    checkpoint = write(name, tmp_path / "checkpoint")
    where = checkpoints.locate(dataclasses.replace(study(checkpoint).model, checkpoint=str(checkpoint)))
    resolved = study(checkpoint)
    lab = lab_of(resolved, checkpoint, tmp_path / "adapters")
    assert lab.encoder.longest == checkpoints.longest_input(where) == LENGTH
    first = whole_path(lab)
    for task in ("tags", "pairs"):
        assert same(first[f"{task} bare"], first[f"{task} bare again"])
    # Another process finds all adapters on disk, trains none, and scores alike.
    other = lab_of(resolved, checkpoint, tmp_path / "adapters")
    second = whole_path(other)
    assert not {"train adapter", "train language adapter"} & other.take_seconds().keys()
    assert first.keys() == second.keys()
    assert all(same(first[x], second[x]) for x in first)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_masked_logits_and_their_gradients_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    checkpoint = write(name, tmp_path)
    encoder = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters").encoder
    reference = AutoModelForMaskedLM.from_pretrained(checkpoint).eval()
    ids = torch.randint(5, len(encoder.tokenizer), (3, LENGTH), generator=torch.Generator().manual_seed(0))
    where, attention = torch.tensor([1, 7, 50, 101]), torch.ones_like(ids)
    encoder.trainable_base()
    ours = encoder.masked_logits(ids, attention, where)
    theirs = reference(input_ids=ids, attention_mask=attention).logits.reshape(-1, ours.shape[-1])[where]
    torch.testing.assert_close(ours, theirs)
    ours.logsumexp(-1).sum().backward()
    theirs.logsumexp(-1).sum().backward()
    embeddings = encoder.body.get_input_embeddings().weight, reference.get_input_embeddings().weight
    torch.testing.assert_close(*(x.grad for x in embeddings))  # input and output side, where they are tied


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_adapter_of_zeros_changes_nothing(name: str, tmp_path: Path) -> None:
    checkpoint = write(name, tmp_path)
    encoder = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters").encoder
    ids = torch.arange(5, 25)[None]
    everywhere, attention = torch.arange(20), torch.ones_like(ids)
    with torch.no_grad():
        encoder.use_no_adapter()
        bare = encoder.masked_logits(ids, attention, everywhere)
        encoder.add_language_adapter("nothing", "seq_bn_inv", 4)
        for key, parameter in encoder.model.named_parameters():
            if "nothing" in key and "adapter_up" in key:
                parameter.zero_()
        encoder.model.set_active_adapters("nothing")
        with_it = encoder.masked_logits(ids, attention, everywhere)
    invertible = encoder.body.invertible_adapters.pop("nothing")
    del invertible
    with torch.no_grad():
        without_invertible = encoder.masked_logits(ids, attention, everywhere)
    torch.testing.assert_close(without_invertible, bare)
    assert not torch.equal(with_it, bare)  # the invertible part is at work on this architecture
