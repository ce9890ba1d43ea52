"""Checkpoints: what is refused, and what the fingerprint depends on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from architectures import ARCHITECTURES

from xlbench.contracts import BaseModel
from xlbench.errors import ModelError
from xlbench.hub import snapshot
from xlbench.models.architectures import MODEL_TYPES, family_of
from xlbench.models.checkpoints import download, is_here, locate


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def model(checkpoint: Path | str) -> BaseModel:
    return BaseModel("it", "", str(checkpoint))


def test_a_sound_folder(checkpoint: Path) -> None:
    found = locate(model(checkpoint))
    assert found.size == (checkpoint / "model.safetensors").stat().st_size
    assert found.revision is None
    assert is_here(found)
    assert download(found) == checkpoint


def test_the_fingerprint_follows_content_not_place(checkpoint: Path, folder: Path) -> None:
    before = locate(model(folder)).fingerprint
    assert before == locate(model(checkpoint)).fingerprint
    (folder / "README.md").write_text("of no account")
    assert locate(model(folder)).fingerprint == before
    seen = {before}
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text() + "\n")
        seen.add(locate(model(folder)).fingerprint)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    seen.add(locate(model(folder)).fingerprint)
    assert len(seen) == 5


def configured(**changes: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def without_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda x: (x / "config.json").unlink(), "no config.json"),
    "no weights": (lambda x: (x / "model.safetensors").unlink(), "no weights"),
    "pickled": (pickled, r"only pickled weights \(pytorch_model\.bin\).*save_pretrained"),
    "truncated": (truncated, r"model\.safetensors: truncated"),
    "no header": (lambda x: (x / "model.safetensors").write_bytes(b"no"), "not a safetensors file"),
    "bad header": (
        lambda x: (x / "model.safetensors").write_bytes(b"\2" + 7 * b"\0" + b"[]"),
        "not a safetensors",
    ),
    "no tokenizer": (without_tokenizer, "no tokenizer"),
    "shard missing": (
        without_a_shard,
        r"no model-2\.safetensors, which model\.safetensors\.index\.json names",
    ),
    "broken index": (
        lambda x: (x / "model.safetensors.index.json").write_text("[]"),
        r"index\.json: cannot be read: it holds no JSON object",
    ),
    "own code": (configured(auto_map={"AutoModel": "x.Y"}), "code of its own"),
    "architecture": (configured(model_type="bloom"), 'model type "bloom" cannot be used.*xlm-roberta'),
    "broken config": (lambda x: (x / "config.json").write_text("{"), r"config\.json: cannot be read"),
    "list config": (
        lambda x: (x / "config.json").write_text("[]"),
        r"config\.json: cannot be read: it holds no JSON object",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_folder_gets_one_line(folder: Path, kind: str) -> None:
    change, expected = BAD[kind]
    change(folder)
    with pytest.raises(ModelError, match=expected) as caught:
        locate(model(folder))
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "a/b/c"])
def test_a_missing_folder_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(ModelError, match="no such checkpoint folder"):
        locate(model(name))


def test_a_folder_has_no_revision(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="no revisions"):
        locate(model(checkpoint), "main")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache in an empty folder, and no network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(snapshot, "_commits", {})
    monkeypatch.setattr(snapshot, "_snapshots", {})
    return tmp_path / "hub"


def test_no_network_and_nothing_cached(offline: Path) -> None:
    with pytest.raises(
        ModelError, match=r"some/model: not in the local cache, and offline mode is set.*a checkpoint folder"
    ):
        locate(model("some/model"))


def test_no_network_but_cached(offline: Path, checkpoint: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = offline / "models--some--model" / "snapshots" / commit
    shutil.copytree(checkpoint, folder)
    refs = offline / "models--some--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    found = locate(model("some/model"))
    assert found.revision == commit
    assert is_here(found)
    assert download(found) == folder


def test_every_supported_architecture_has_a_head_of_its_objective_and_a_proof() -> None:
    import transformers

    from xlbench.lab.loading import LANGUAGE_MODELS

    for kind in MODEL_TYPES:
        classes = getattr(transformers, LANGUAGE_MODELS[family_of({"model_type": kind})])._model_mapping
        assert type(transformers.AutoConfig.for_model(kind)) in classes
    assert {make()[0].model_type for make in ARCHITECTURES.values()} == set(MODEL_TYPES)


def test_an_architecture_that_is_not_supported_is_refused_with_the_reason(
    checkpoint: Path, tmp_path: Path
) -> None:
    reasons = {
        "bloom": ": `adapters` 1.3 has neither layers nor an interface",
        "mbart": ": it rebuilds noised sentences",
        "xmod": ": its layers have to be told the language",
        "unheard-of": "",
    }
    for kind, reason in reasons.items():
        folder = shutil.copytree(checkpoint, tmp_path / kind)
        configured(model_type=kind)(folder)
        with pytest.raises(ModelError, match=f'"{kind}" cannot be used{reason}.*; supported are') as error:
            locate(model(folder))
        assert len(str(error.value).splitlines()) == 1
