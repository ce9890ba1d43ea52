"""Language adapters that come with a study: made by plain `adapters` code, checked against the model."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made import find_adapter

from xlbench.contracts import BaseModel, Composition, LanguageAdapter, LanguageTraining, Resolved
from xlbench.errors import ModelError, StudyError
from xlbench.lab import Lab
from xlbench.models import checkpoints, given_adapters

Save = Callable[..., Path]


@pytest.fixture(scope="module")
def config(checkpoint: Path) -> Any:
    return checkpoints.config(checkpoints.locate(BaseModel("made", "", str(checkpoint))))


@pytest.fixture(scope="module")
def save(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Saves an adapter as anyone would who has never heard of xlbench."""

    def write(kind: Any, **how: Any) -> Path:
        from adapters import AutoAdapterModel

        model = AutoAdapterModel.from_pretrained(checkpoint)
        model.add_adapter("lang", config=kind)
        folder = tmp_path_factory.mktemp("adapter")
        model.save_adapter(str(folder), "lang", **how)
        return folder

    return write


@pytest.mark.parametrize("how", [{}, {"use_safetensors": True}])
def test_an_adapter_of_plain_adapters_code_is_found(save: Save, config: Any, how: dict[str, Any]) -> None:
    folder = save("seq_bn", **how)
    found = find_adapter(str(folder), config)
    assert (found.source, found.folder, found.invertible) == (folder.name, str(folder), False)
    assert found.mixable
    assert not find_adapter(str(save("double_seq_bn", **how)), config).mixable
    assert find_adapter(str(save("seq_bn_inv", **how)), config).invertible


@pytest.mark.parametrize(("saved", "kind"), [("lora", "lora"), ("ia3", "ia3")])
def test_adapters_within_linear_layers_can_be_given(
    save: Save, config: Any, resolved: Resolved, checkpoint: Path, tmp_path: Path, saved: str, kind: str
) -> None:
    from adapters import LoRAConfig
    from safetensors.torch import load_file

    folder = save(saved, use_safetensors=True)
    found = find_adapter(str(folder), config)
    assert (found.kind, found.mixable, found.invertible) == (kind, True, False)
    elsewhere = find_adapter(str(save(LoRAConfig(attn_matrices=["k"]))), config)
    assert (elsewhere.kind, elsewhere.mixable) == ("lora", False)
    given = replace(resolved, given={"qab": found})
    lab = Lab(given, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)
    one = LanguageAdapter("given", "qab", LanguageTraining())
    name = lab.attached.load(one)
    weights = {k.replace(f".{name}.", ".lang."): p for k, p in lab.encoder.weights_of(name)}
    theirs = load_file(folder / "adapter.safetensors")
    assert len(theirs) == len(weights)
    assert all(torch.equal(theirs[k], p) for k, p in weights.items())
    lab.task_adapter("tags")
    bottleneck = LanguageAdapter("random", "", LanguageTraining(), 0)
    assert lab.evaluate(given.cells("tags"), Composition((one,)))
    with pytest.raises(StudyError, match="different places"):
        lab.evaluate(given.cells("tags"), Composition((one, bottleneck), "average"))


def test_the_fingerprint_follows_the_weights_and_not_the_place(
    save: Save, config: Any, tmp_path: Path
) -> None:
    one, other = save("seq_bn"), save("seq_bn")
    copy = tmp_path / "elsewhere"
    shutil.copytree(one, copy)
    first = find_adapter(str(one), config).fingerprint
    assert find_adapter(str(copy), config).fingerprint == first
    assert find_adapter(str(other), config).fingerprint != first


def spoiled(folder: Path, **changes: Any) -> Path:
    path = folder / given_adapters.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda save: spoiled(save("seq_bn"), model_type="roberta"),
            "made for architecture roberta, but the",
        ),
        (
            lambda save: spoiled(save("seq_bn"), hidden_size=999),
            "made for hidden size 999, but the model's is",
        ),
        (lambda save: spoiled(save("seq_bn"), config=None), "adapter_config.json is not that of an adapter"),
        (lambda save: save("prefix_tuning", use_safetensors=False), "prefix_tuning, which is none of the"),
        (
            lambda save: save("dora"),
            "lora, which is none of the kinds seq_bn, seq_bn_inv, lora, ia3",
        ),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    save: Save, config: Any, spoil: Callable[[Save], Path], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        find_adapter(str(spoil(save)), config)
    assert "\n" not in str(caught.value)


def test_what_is_no_adapter_is_refused(config: Any, checkpoint: Path, tmp_path: Path, save: Save) -> None:
    with pytest.raises(ModelError, match="no such folder of an adapter"):
        find_adapter("./nowhere", config)
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        find_adapter(str(checkpoint), config)
    shutil.copy(save("seq_bn") / given_adapters.CONFIG, tmp_path)
    with pytest.raises(ModelError, match="no weights beside"):
        find_adapter(str(tmp_path), config)
    (tmp_path / given_adapters.CONFIG).write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        find_adapter(str(tmp_path), config)


def as_version_1(folder: Path) -> Path:
    """The invertible part in the nested table of old files."""
    content = json.loads((folder / given_adapters.CONFIG).read_text())
    inner = content["config"]
    old = {
        "block_type": inner.pop("inv_adapter"),
        "non_linearity": inner["non_linearity"],
        "reduction_factor": inner.pop("inv_adapter_reduction_factor"),
    }
    return spoiled(folder, config={**inner, "invertible_adapter": old})


@pytest.mark.parametrize("how", [{}, {"use_safetensors": True}])
def test_an_invertible_part_is_told_from_the_weights(save: Save, config: Any, how: dict[str, Any]) -> None:
    assert find_adapter(str(as_version_1(save("seq_bn_inv", **how))), config).invertible
    content = json.loads((save("seq_bn", **how) / given_adapters.CONFIG).read_text())
    for old in (
        {"inv_adapter": "nice"},
        {"invertible_adapter": {"block_type": "nice", "reduction_factor": 2}},
    ):
        folder = spoiled(save("seq_bn", **how), config={**content["config"], **old})
        with pytest.raises(ModelError, match="says that there is an invertible part, which is not among"):
            find_adapter(str(folder), config)
    silent = spoiled(save("seq_bn_inv", **how), config=content["config"])
    with pytest.raises(ModelError, match="says nothing of it"):
        find_adapter(str(silent), config)


def test_the_invertible_part_of_an_old_file_is_kept_out_of_a_mix_as_any_other(
    save: Save, config: Any, checkpoint: Path
) -> None:
    """What was loaded decides: a plan that was told otherwise is refused, and in no arm does the part act."""
    from adapters import SeqBnConfig

    from xlbench.lab.compositions import composition
    from xlbench.lab.encoder import Encoder

    new = save("seq_bn_inv", use_safetensors=True)
    old = as_version_1(Path(shutil.copytree(new, new.parent / f"{new.name}-old")))
    plain = Path(shutil.copytree(new, new.parent / f"{new.name}-plain"))
    encoder = Encoder(str(checkpoint), torch.device("cpu"))
    ids = torch.arange(5, 23).reshape(2, 9)

    def vectors(name: str, wanted: bool) -> Any:
        encoder.model.set_active_adapters(name)
        with torch.inference_mode(), composition.invertible(encoder, [name], wanted):
            return encoder.body(input_ids=ids)[0]

    assert find_adapter(str(plain), config).invertible
    with pytest.raises(
        ModelError, match=r"it has an invertible part, where none was planned with\); give another"
    ):
        encoder.load_language_adapter("old", old, "give another", SeqBnConfig(), invertible=False)
    assert not encoder.has_task_adapter("old")
    for name, folder in (("old", old), ("new", plain)):
        encoder.load_language_adapter(name, folder, "give another", SeqBnConfig(), invertible=True)
    assert torch.equal(vectors("old", False), vectors("new", False))
    assert torch.equal(vectors("old", True), vectors("new", True))
    assert not torch.equal(vectors("old", True), vectors("old", False))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "prefix_tuning"}, "an adapter prefix_tuning, which is none of"),
        ({"architecture": "union"}, "an adapter union, which is none of the kinds"),
        ({"gate_scale": 3.0}, "knows no gate_scale"),
        ({"mh_adapter": None}, "says no mh_adapter"),
        (
            {"invertible_adapter": {"block_type": "nice", "reduction_factor": 2, "non_linearity": "tanh"}},
            "its invertible part has the non-linearity",
        ),
    ],
)
def test_settings_that_the_library_would_not_read_are_refused(
    save: Save, config: Any, changes: dict[str, Any], message: str
) -> None:
    folder = save("seq_bn")
    inner = json.loads((folder / given_adapters.CONFIG).read_text())["config"]
    with pytest.raises(ModelError, match=message):
        find_adapter(str(spoiled(folder, config={**inner, **changes})), config)


def test_the_weights_that_the_library_reads_are_those_that_count(save: Save, config: Any) -> None:
    folder = save("seq_bn", use_safetensors=True)
    before = find_adapter(str(folder), config).fingerprint
    (folder / "model.safetensors").write_bytes(b"of no account")
    assert find_adapter(str(folder), config).fingerprint == before


def test_weights_that_are_no_numbers_are_refused(save: Save, config: Any) -> None:
    import numpy as np
    from safetensors.numpy import load_file, save_file

    folder = save("seq_bn", use_safetensors=True)
    weights = load_file(folder / "adapter.safetensors")
    name = next(iter(weights))
    save_file(weights | {name: np.full_like(weights[name], np.nan)}, folder / "adapter.safetensors")
    with pytest.raises(ModelError, match="infinite or not a number"):
        find_adapter(str(folder), config)


@pytest.mark.parametrize("how", [{}, {"use_safetensors": True}])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "another"}, 'no weights of an adapter "another" in'),
        ({"config": {"non_linearity": "rely"}}, 'non_linearity is "rely"; no function of transformers'),
    ],
)
def test_what_loading_would_find_is_found_in_planning(
    save: Save, config: Any, changes: dict[str, Any], message: str, how: dict[str, Any]
) -> None:
    folder = save("seq_bn", **how)
    inner = json.loads((folder / given_adapters.CONFIG).read_text())["config"]
    changes = {**changes, "config": {**inner, **changes.get("config", {})}}
    with pytest.raises(ModelError, match=message):
        find_adapter(str(spoiled(folder, **changes)), config)


@pytest.mark.parametrize("how", [{}, {"use_safetensors": True}])
def test_an_adapter_of_a_model_with_fewer_layers_is_refused(
    save: Save, config: Any, how: dict[str, Any]
) -> None:
    folder = save("seq_bn", **how)
    with pytest.raises(ModelError, match="no weights for layer 2 of the model's 3"):
        find_adapter(str(folder), {**config, "num_hidden_layers": 3})
    left_out = json.loads((folder / given_adapters.CONFIG).read_text())["config"] | {"leave_out": [2]}
    assert find_adapter(str(spoiled(folder, config=left_out)), {**config, "num_hidden_layers": 3}).fingerprint


def test_bottlenecks_of_another_width_are_refused(save: Save, config: Any) -> None:
    folder = save("seq_bn", use_safetensors=True)
    inner = json.loads((folder / given_adapters.CONFIG).read_text())["config"]
    with pytest.raises(ModelError, match=r"has shape \[2, 32\], where .* ask for \[8, 32\]"):
        find_adapter(str(spoiled(folder, config={**inner, "reduction_factor": 4})), config)
