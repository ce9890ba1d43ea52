"""Models of an architecture that a plugin brings: what is checked, and that its code is in all identities."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from xlbench import api, hookimpl
from xlbench.contracts import Architecture, BaseModel, ModelClasses, Study
from xlbench.errors import ModelError
from xlbench.lab.encoder import Encoder
from xlbench.lab.loading import own_classes
from xlbench.models import checkpoints

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "xlbench-nearby" / "src"
CHECKPOINT = SOURCE / "xlbench_nearby" / "checkpoint"
CPU = torch.device("cpu")


@pytest.fixture
def nearby(monkeypatch: pytest.MonkeyPatch) -> BaseModel:
    """The model of the example."""
    monkeypatch.syspath_prepend(str(SOURCE))
    import xlbench_nearby

    (found,) = xlbench_nearby.xlbench_models()
    return found


@pytest.fixture
def own(nearby: BaseModel) -> Architecture:
    assert nearby.architecture is not None
    return nearby.architecture


class Plugin:
    def __init__(self, model: BaseModel) -> None:
        self.model = model

    @hookimpl
    def xlbench_models(self) -> Any:
        yield self.model


def identities(model: BaseModel, results: Path) -> set[str]:
    study = Study(
        model=model.name, tasks=("pos",), probes=("zero-shot",), targets=("qaa",), train_languages=("qaa",),
        data={"pos": ("artificial",)}, text="artificial", transfer=(), limit=4,
    )  # fmt: skip
    return {x.identity for x in api.plan(study, results=results, plugins=[Plugin(model)]).jobs}


def test_the_version_and_the_plugin_of_the_code_are_in_identities(
    nearby: BaseModel, own: Architecture, tmp_path: Path
) -> None:
    model = replace(nearby, name="mine")
    one = identities(model, tmp_path)
    newer = identities(replace(model, architecture=replace(own, version=2)), tmp_path)
    assert one == identities(replace(model), tmp_path)
    assert one
    assert not one & newer


def test_checkpoint_and_architecture_have_to_be_of_one_type(
    nearby: BaseModel, own: Architecture, checkpoint: Path
) -> None:
    found = checkpoints.locate(nearby)
    assert (found.family, found.lm_head) == ("encoder", True)
    assert checkpoints.layers(found) == 2
    for wrong, says in (
        (replace(nearby, architecture=None), 'model type "nearby" cannot be used'),
        (
            replace(nearby, checkpoint=str(checkpoint)),
            'model type "bert", where the plugin\'s architecture is near',
        ),
        (
            replace(nearby, architecture=replace(own, model_type="bert")),
            "has the model type bert, which is built in",
        ),
        (
            replace(nearby, architecture=replace(own, words="words.weight")),
            "weights of the encoder are missing: words",
        ),
    ):
        with pytest.raises(ModelError, match=says):
            checkpoints.locate(wrong)
    headless = replace(nearby, architecture=replace(own, head="absent"))
    assert checkpoints.locate(headless).lm_head is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda x: x.pop("nearby.layers.1.narrow.bias"),
            "would be drawn at random: nearby.layers.1.narrow.bias",
        ),
        (lambda x: x.update({"nearby.gate": torch.ones(3)}), "would be ignored: nearby.gate"),
        (lambda x: x.pop("lm.norm.bias"), "would be drawn at random: lm.norm.bias"),
        (lambda x: x.update({"lm.gate": torch.ones(3)}), "would be ignored: lm.gate"),
        (
            lambda x: x.update({"nearby.last_norm.bias": torch.ones(3)}),
            "last_norm.bias|another shape|size mismatch",
        ),
    ],
)
def test_weights_that_are_not_the_models_are_named(
    own: Architecture, tmp_path: Path, change: Callable[[Any], object], says: str
) -> None:
    folder = tmp_path / "nearby"
    shutil.copytree(CHECKPOINT, folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=says) as caught:
        Encoder(str(folder), CPU, own=own)
    assert "\n" not in str(caught.value)


def test_words_that_were_lost_are_named_before_anything_runs(nearby: BaseModel, tmp_path: Path) -> None:
    folder = tmp_path / "nearby"
    shutil.copytree(CHECKPOINT, folder)
    for broken, says in ((0.0, "is zero throughout"), (float("nan"), "infinite or not a number")):
        weights = load_file(CHECKPOINT / "model.safetensors")
        weights["nearby.embed_tokens.weight"].fill_(broken)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        with pytest.raises(ModelError, match=says):
            checkpoints.locate(replace(nearby, checkpoint=str(folder)))


def raising() -> Any:
    raise RuntimeError("no such\nmodule")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"load": raising}, "architecture 'nearby': load raises RuntimeError: no such module"),
        ({"load": dict}, "load gives a dict, not ModelClasses"),
        (
            {"load": lambda: ModelClasses(1, 2, 3)},
            "config must be a class derived from PretrainedConfig, not 1",
        ),
        ({"prefix": "near"}, "base_model_prefix of NearbyModel must be 'near', not 'nearby'"),
        ({"model_type": "near"}, "model_type of NearbyConfig must be 'near', not 'nearby'"),
    ],
)
def test_what_load_gives_is_checked(own: Architecture, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        own_classes(replace(own, **fields))
    assert "\n" not in str(caught.value)


def test_names_are_checked_when_the_plugin_loads(own: Architecture) -> None:
    for fields in ({"prefix": ""}, {"head": "a b"}, {"version": 0}):
        with pytest.raises(ValueError, match="architecture"):
            replace(own, **fields)  # type: ignore[arg-type]


def test_vectors_and_logits_are_those_of_the_plugins_own_model(own: Architecture) -> None:
    encoder = Encoder(str(CHECKPOINT), CPU, own=own)
    ids = torch.tensor([[2, 10, 20, 30, 3]])
    with torch.no_grad():
        found = encoder.vectors(ids, torch.ones_like(ids))
        logits = encoder.masked_logits(ids, torch.ones_like(ids), torch.tensor([2]))
        model = own.load().language_model.from_pretrained(CHECKPOINT).float().eval()
        body = model.nearby(input_ids=ids).last_hidden_state
        assert torch.allclose(found, body, atol=1e-5)
        assert torch.allclose(logits, model(input_ids=ids).logits[0, 2:3], atol=1e-4)
