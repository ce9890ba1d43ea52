"""Files of checkpoints as they lie on disks and hubs: more than a model needs, less, or something else."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures import write
from safetensors.numpy import load_file, save_file

from xlbench.contracts import BaseModel
from xlbench.errors import ModelError
from xlbench.models.checkpoints import locate
from xlbench.models.saved import settings

WEIGHTS = "model.safetensors"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def plan(folder: Path) -> bool | None:
    return locate(BaseModel("it", "", str(folder))).lm_head


def reweigh(folder: Path, change: Callable[[dict[str, Any]], object], form: str = "pt") -> None:
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS, {"format": form})


def configure(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))


def numbers(folder: Path) -> tuple[Any, Any]:
    """Vectors and logits of one input, as the Lab computes them."""
    import torch

    from xlbench.lab.encoder import Encoder

    encoder = Encoder(str(folder), torch.device("cpu"))
    encoder.use_no_adapter()
    with torch.inference_mode():
        vectors = encoder.body(input_ids=torch.arange(5, 25)[None])[0][0]
        return vectors, encoder.vocabulary_logits(vectors)


@pytest.mark.parametrize("name", ["deberta", "mdeberta"])
def test_what_deberta_s_authors_left_in_their_files_is_passed_over(name: str, tmp_path: Path) -> None:
    """Absolute positions that only their decoder read, and what a discriminator added to its generator."""
    import torch

    plain = write(name, tmp_path / "plain")
    full = Path(shutil.copytree(plain, tmp_path / "full"))
    more = {
        f"deberta.embeddings.{x}": np.ones((48, 32), np.float32)
        for x in ("position_embeddings.weight", "position_embeddings._weight", "word_embeddings._weight")
    }
    reweigh(full, lambda w: w.update(more))
    assert plan(full) is True
    for one, other in zip(numbers(plain), numbers(full), strict=True):
        assert torch.equal(one, other)
    configure(full, position_biased_input=True)
    reweigh(full, lambda w: w.pop("deberta.embeddings.position_embeddings.weight"))
    with pytest.raises(ModelError, match=r"encoder are missing: embeddings\.position_embeddings\.weight"):
        plan(full)


@pytest.mark.parametrize("name", ["albert", "bert", "roberta"])
def test_the_bias_of_the_head_is_read_by_either_of_its_names(name: str, tmp_path: Path) -> None:
    import torch

    from xlbench.models.saved.layouts import LAYOUTS

    plain = write(name, tmp_path / "plain")
    first, second = LAYOUTS[json.loads((plain / "config.json").read_text())["model_type"]].bias

    def only(kept: str) -> Callable[[dict[str, Any]], object]:
        def change(weights: dict[str, Any]) -> None:
            bias = {x: weights.pop(x) for x in (first, second) if x in weights}
            weights[kept] = np.arange(len(next(iter(bias.values()))), dtype=np.float32)

        return change

    found = []
    for kept in (first, second):
        reweigh(plain, only(kept))
        assert plan(plain) is True
        found.append(numbers(plain)[1])
    assert torch.equal(*found)


def test_line_ends_of_other_systems_are_tokens_in_a_vocabulary(tmp_path: Path) -> None:
    """The vocabularies of multilingual BERTs have U+2028 and its like; against transformers' own reader."""
    from transformers.models.bert.tokenization_bert import load_vocab

    folder = write("bert", tmp_path / "bert")
    tokens = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    lines = [*sorted(tokens, key=tokens.get)[:-1], "a\u2028b\x85c\x0cd\x1ce"]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(load_vocab(folder / "vocab.txt")) == len(lines)
    assert plan(folder) is True
    (folder / "vocab.txt").write_text("")
    with pytest.raises(ModelError, match=r"vocab\.txt: no tokens"):
        plan(folder)


@pytest.mark.parametrize("lost", ["embeddings.LayerNorm", "layer.1.", "word_embeddings", ""])
def test_zeros_that_a_broken_write_left_are_no_weights(folder: Path, lost: str) -> None:
    def change(weights: dict[str, Any]) -> None:
        weights |= {k: np.zeros_like(v) for k, v in weights.items() if lost in k}

    reweigh(folder, lambda w: change(w))
    with pytest.raises(ModelError, match="zero throughout"):
        plan(folder)


def test_biases_and_segments_may_be_zeros(folder: Path) -> None:
    def change(weights: dict[str, Any]) -> None:
        for name in [x for x in weights if x.endswith("bias") or "token_type" in x]:
            weights[name] = np.zeros_like(weights[name])

    reweigh(folder, change)
    assert plan(folder) is True


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json", "special_tokens_map.json"])
@pytest.mark.parametrize("kind", ["folder", "link to nothing", "link to itself", "pipe"])
def test_what_is_no_file_is_named(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path if kind == "link to itself" else folder / "nowhere")
    with pytest.raises(ModelError, match="not a file, or a link to none") as caught:
        plan(folder)
    assert str(path) in str(caught.value)


def test_an_error_of_the_system_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def fails(self: Path, *args: Any, **more: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))

    with pytest.raises(ModelError, match="File name too long"):
        plan(folder / ("x" * 5000))
    with pytest.raises(ModelError, match="not a folder"):
        plan(folder / "config.json")
    monkeypatch.setattr(Path, "open", fails)
    with pytest.raises(ModelError, match=r"cannot be read: the disk reports an input/output error"):
        plan(folder)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
def test_pointers_of_git_lfs_are_told(folder: Path, name: str) -> None:
    (folder / name).write_text(POINTER)
    with pytest.raises(ModelError, match=r"pointer of Git LFS.*git lfs pull"):
        plan(folder)


@pytest.mark.parametrize("form", ["tf", "flax", "x"])
def testweights_of_other_libraries_are_refused(folder: Path, form: str) -> None:
    reweigh(folder, lambda w: None, form)
    with pytest.raises(ModelError, match=f'format "{form}", not of PyTorch'):
        plan(folder)


def test_functions_are_those_that_transformers_has(folder: Path) -> None:
    from transformers.activations import ACT2FN

    assert set(ACT2FN) == settings.ACTIVATIONS
    configure(folder, hidden_act="relu")
    assert plan(folder) is True
    configure(folder, hidden_act="gelo")
    with pytest.raises(ModelError, match='hidden_act is "gelo"; no function of transformers'):
        plan(folder)


@pytest.mark.parametrize(("name", "key"), [("bert", "num_attention_heads"), ("distilbert", "n_heads")])
def test_how_many_heads_there_are_is_not_guessed(name: str, key: str, tmp_path: Path) -> None:
    """12 is transformers' default, which divides most widths and gives other numbers."""
    folder = write(name, tmp_path / name)
    assert plan(folder) is True
    configure(folder, **{key: ...})
    with pytest.raises(ModelError, match=f"{key} is missing"):
        plan(folder)


def test_a_special_token_that_the_tokenizer_lacks_gets_no_untrained_embedding(folder: Path) -> None:
    """There are spare embeddings, as in many published models, so that nothing else would show it."""
    from xlbench.lab import loading

    path = folder / "tokenizer_config.json"
    (folder / "special_tokens_map.json").unlink()
    path.write_text(json.dumps({**json.loads(path.read_text()), "mask_token": "[MASK]"}))
    with pytest.raises(ModelError, match=r'mask_token "\[MASK\]" is none of its tokens'):
        loading.tokenizer(str(folder), "encoder")


def test_settings_of_rerankers_are_harmless(folder: Path) -> None:
    configure(folder, sbert_ce_default_activation_function="torch.nn.modules.linear.Identity")
    assert plan(folder) is True
