"""Compositions of language adapters, against plain `adapters` code and computations by hand."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapted import INVERTIBLE, QUICK, Build, adapter, equal, folder_of, logits, name_of, state
from made import find_adapter, study_over

from xlbench.contracts import Composition, Fusion, LanguageTraining, Resolved
from xlbench.errors import JobError, ModelError
from xlbench.lab import Lab

PAIR = (adapter("qaa"), adapter("qab"))


@pytest.fixture(scope="module")
def kept(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the adapters that the tests here put together."""
    folder = tmp_path_factory.mktemp("kept") / "adapters"
    lab = Lab(study_over(checkpoint), str(checkpoint), folder, device="cpu", threads=1)
    for task in ("tags", "pairs"):
        lab.task_adapter(task)
    for how in (QUICK, INVERTIBLE):
        for one in PAIR:
            lab.language_adapter(replace(one, training=how))
    return folder


@pytest.fixture
def build(resolved: Resolved, checkpoint: Path, kept: Path, tmp_path: Path) -> Iterator[Build]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)

    def made(study: Resolved = resolved, folder: str = "adapters") -> Lab:
        if not (tmp_path / folder).exists():
            shutil.copytree(kept, tmp_path / folder)
        return Lab(study, str(checkpoint), tmp_path / folder, device="cpu", threads=1)

    yield made
    torch.use_deterministic_algorithms(before)


def test_untrained_fusion_is_that_of_the_library(build: Build, checkpoint: Path) -> None:
    from adapters import AutoAdapterModel
    from adapters.composition import Fuse, Stack

    lab = build()
    for one in PAIR:
        lab.language_adapter(one)
    folder = lab.task_adapter("tags")
    under = Composition(PAIR, "untrained", seed=7)
    labels = lab.predict(lab.resolved.cells("tags"), under)

    plain = AutoAdapterModel.from_pretrained(checkpoint).eval()
    for name, one in zip("ab", PAIR, strict=True):
        plain.load_adapter(str(folder_of(lab, one)), load_as=name, use_safetensors=True)
    plain.load_adapter(str(folder), load_as="tags", use_safetensors=True)
    torch.manual_seed(7)
    plain.add_adapter_fusion(Fuse("a", "b"), "dynamic")
    plain.set_active_adapters(Stack(Fuse("a", "b"), "tags"))
    plain.active_head = "tags"
    plain.eval()
    names, compared = lab.resolved.tasks["tags"].labels, 0
    for cell, predicted in zip(lab.resolved.cells("tags"), labels, strict=True):
        encoded = lab.encoded("tags", cell.target, "test")
        for ids, places, expected in zip(encoded.ids, encoded.places, predicted, strict=True):
            with torch.inference_mode():
                out = plain(input_ids=torch.from_numpy(ids[None].astype(np.int64))).logits[0].argmax(-1)
            found = tuple(names[out[p]] if p >= 0 else None for p in places)
            assert found == expected
            compared += len(found)
    assert compared > 100


def test_the_average_is_that_of_a_wider_adapter(build: Build, resolved: Resolved) -> None:
    """The mean of two bottlenecks is one of twice the width: both sides by side, its outputs halved."""
    lab = build()
    names = [name_of(lab, x) for x in PAIR]
    found = logits(lab, Composition(PAIR, "average"))
    how = replace(QUICK, reduction_factor=2)
    wide = name_of(lab, adapter("", 0, how, "random"))
    now = dict(lab.encoder.model.named_parameters())
    with torch.no_grad():
        for key, parameter in now.items():
            if f".{wide}." in key:
                a, b = (now[key.replace(wide, x)] for x in names)
                if "adapter_down" in key:
                    parameter.copy_(torch.cat([a, b]))
                elif key.endswith("weight"):
                    parameter.copy_(torch.cat([a, b], dim=1) / 2)
                else:
                    parameter.copy_((a + b) / 2)
    assert equal(found, logits(lab, Composition((adapter("", 0, how, "random"),))))
    assert not equal(found, logits(lab, Composition(PAIR[:1])), 1e-2)


@pytest.mark.parametrize("mix", ["average", "untrained", "tuned"])
def test_adapters_in_different_places_are_not_mixed(
    build: Build, resolved: Resolved, checkpoint: Path, tmp_path: Path, mix: Any
) -> None:
    from adapters import AutoAdapterModel

    plain = AutoAdapterModel.from_pretrained(checkpoint)
    plain.add_adapter("theirs", config="double_seq_bn")
    plain.save_adapter(str(tmp_path / "theirs"), "theirs")
    config = json.loads((checkpoint / "config.json").read_text())
    lab = build(replace(resolved, given={"qab": find_adapter(str(tmp_path / "theirs"), config)}))
    pair = (lab.resolved.language_adapter("qab", 0), adapter("", 1, kind="random"))
    for adapters in (pair, pair[::-1]):
        with pytest.raises(ModelError, match=r"unlike in mh_adapter .* cannot be mixed"):
            logits(lab, Composition(adapters, mix))


@pytest.mark.parametrize("how", [QUICK, INVERTIBLE], ids=["seq_bn", "seq_bn_inv"])
@pytest.mark.parametrize("task", ["tags", "pairs"])
def test_two_copies_of_one_adapter_are_that_adapter(build: Build, how: LanguageTraining, task: str) -> None:
    lab, one = build(), adapter(how=how)
    single = logits(lab, Composition((one,)), task)
    quick = Fusion(steps=8, learning_rate=1e-2, batch_size=8)
    for mix in ("average", "untrained", "tuned"):
        assert equal(single, logits(lab, Composition((one, one), mix, fusion=quick), task), 1e-4), mix
    other = Composition((one, adapter("qab", how=how)), "tuned", fusion=quick)
    assert not equal(single, logits(lab, other, task), 1e-3)


def fusion_weights(lab: Lab) -> dict[str, torch.Tensor]:
    return {k.rsplit("adapter_fusion_layer", 1)[1]: p for k, p in state(lab, "adapter_fusion_layer").items()}


@pytest.mark.parametrize("value", ["fixed", "trained"])
def test_tuning_moves_the_fusion_alone(build: Build, value: Any) -> None:
    lab = build()
    logits(lab, Composition(PAIR, "untrained", seed=1))
    everything, fusion = state(lab), fusion_weights(lab)
    how = Fusion(steps=6, learning_rate=1e-2, batch_size=8, value=value)
    logits(lab, Composition(PAIR, "tuned", fusion=how, seed=1))
    after = state(lab)
    assert after.keys() == everything.keys()
    moved = {k for k in after if not torch.equal(after[k], everything[k])}
    assert moved
    assert all("adapter_fusion_layer" in x for x in moved)
    assert any("query" in x for x in moved)
    assert any("value" in x for x in moved) == (value == "trained")
    assert fusion.keys() == fusion_weights(lab).keys()
    assert not any(p.requires_grad for p in lab.encoder.model.parameters())


def test_the_regulariser_draws_values_to_the_identity(build: Build) -> None:
    def distance(weight: float) -> float:
        lab = build()
        how = Fusion(steps=20, learning_rate=1e-2, batch_size=8, value="trained", regularization=weight)
        logits(lab, Composition(PAIR, "tuned", fusion=how))
        values = [p for k, p in fusion_weights(lab).items() if "value" in k]
        return float(sum((torch.eye(len(p)) - p).pow(2).sum() for p in values))

    assert distance(10.0) < distance(1e-6) / 2


def test_tuning_depends_on_its_seed_and_on_nothing_before(build: Build) -> None:
    how = Fusion(steps=5, learning_rate=1e-2, batch_size=8)

    def tuned(seed: int, *, busy: bool = False) -> list[np.ndarray]:
        lab = build()
        if busy:
            logits(lab, Composition(PAIR, "untrained", seed=4), "pairs")
            lab.finetune("qab", steps=2, seed=1)
        return logits(lab, Composition(PAIR, "tuned", fusion=how, seed=seed))

    one = tuned(0)
    assert all(np.array_equal(a, b) for a, b in zip(one, tuned(0, busy=True), strict=True))
    assert not equal(one, tuned(1), 1e-6)


def test_invertible_parts_can_be_left_out(build: Build) -> None:
    lab, one = build(), adapter(how=INVERTIBLE)
    with_it, without = (logits(lab, Composition((one,), invertible=x)) for x in (True, False))
    assert not equal(with_it, without, 1e-3)
    lab.encoder.body.invertible_adapters.pop(name_of(lab, one))
    assert equal(without, logits(lab, Composition((one,))), 0)


def test_scores_without_language_adapters_stay_as_they_were(build: Build) -> None:
    lab = build()
    cells = lab.resolved.cells("tags")
    lab.task_adapter("tags")
    before = lab.predict(cells)
    logits(lab, Composition(PAIR, "untrained"))
    assert lab.predict(cells) == before
    lab.finetune("qaa", steps=2, seed=0)
    moved = lab.encoder.weights()
    other = build(folder="other")
    other.task_adapter("tags")
    other.finetune("qaa", steps=2, seed=0)
    expected: Mapping[str, torch.Tensor] = other.encoder.weights()
    assert all(torch.equal(moved[x], expected[x]) for x in expected)
    assert lab.predict(cells) == other.predict(cells)


def test_memory_does_not_grow_with_compositions(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlbench.lab import attached as module

    monkeypatch.setattr(module, "MOST_ADAPTERS", 3)
    lab = build()
    sizes = []
    for seed in range(6):
        logits(lab, Composition((adapter("", seed, kind="random"), PAIR[0]), "untrained", seed=seed))
        sizes.append(sum(p.numel() for p in lab.encoder.model.parameters()))
    assert sizes[-1] == sizes[-2] == sizes[-3]


def test_memory_does_not_grow_with_adapters_that_are_only_made(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xlbench.lab import attached as module

    monkeypatch.setattr(module, "MOST_ADAPTERS", 2)
    lab = build()
    found = logits(lab, Composition(PAIR, "untrained"))
    for seed in range(4):
        lab.language_adapter(adapter("", seed, kind="random"))
    assert len(lab.attached._languages) == 2
    assert equal(found, logits(lab, Composition(PAIR, "untrained")), 0)


def test_fusions_are_not_tuned_on_fine_tuned_weights(build: Build) -> None:
    """One tuned there would be kept, and pass for one tuned on the pretrained weights."""
    lab = build()
    lab.task_adapter("tags")
    under = Composition(PAIR, "tuned", fusion=Fusion(steps=2))
    for one in PAIR:
        lab.language_adapter(one)
    lab.finetune("qab", steps=1, seed=0)
    with pytest.raises(JobError, match="is trained on the pretrained weights"):
        lab.evaluate(lab.resolved.cells("tags"), under)
    lab.restore()
    assert lab.evaluate(lab.resolved.cells("tags"), under)


@pytest.mark.parametrize("adapters", [2, 3])
def test_a_reordered_fusion_layer_is_that_of_the_library(adapters: int) -> None:
    from adapters import DynamicAdapterFusionConfig
    from adapters.methods.modeling import BertFusion

    from xlbench.lab.compositions.fusion import fused

    torch.manual_seed(0)
    config = DynamicAdapterFusionConfig()
    layer = BertFusion(config, 16, 0.0).eval().double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    query, residual = torch.randn(2, 3, 5, 16).double().unbind(0)
    outputs = torch.randn(adapters, 3, 5, 16).double().permute(1, 2, 0, 3)
    theirs = layer(query, outputs, outputs, residual.clone())
    torch.testing.assert_close(fused(layer, query, outputs, outputs, residual), theirs)
    assert not torch.allclose(theirs, layer.value(outputs.mean(2)) + residual)
