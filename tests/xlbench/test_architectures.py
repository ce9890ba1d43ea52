"""Every architecture that is offered, from a checkpoint on disk to scores and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapters import SeqBnConfig, SeqBnInvConfig
from architectures import (
    ARCHITECTURES,
    DECODERS,
    ENCODER_DECODERS,
    ENCODERS,
    LENGTH,
    LINES,
    language_model,
    write,
)
from made import study_over

from xlbench.contracts import Composition, Fusion, LanguageAdapter, LanguageTraining, Resolved
from xlbench.errors import ModelError
from xlbench.lab import Lab
from xlbench.lab.encoder import Encoder
from xlbench.models import checkpoints, given_adapters
from xlbench.models.architectures import family_of

TASKS = ("tags", "pairs", "trees", "questions")
"""Of every kind."""
WHOLE = {"bert", "llama", "mdeberta", "modernbert", "mt5", "xlm-roberta"}
"""Those that all of them are read by, of each family and way to place and mark words; the others differ from
one of these in their layers, which each has a quick test of its own for, and in what marks a second text."""
ALIKE = {"apertus", "gemma2", "mistral", "qwen2", "qwen3", "smollm3", "t5", "umt5"}
"""Decoders like those of `llama`, `gemma3` and `gpt2`, and encoder-decoders like `mt5`."""
QUICK = LanguageTraining(
    learning_rate=5e-3, reduction_factor=4, config="seq_bn_inv", steps=4, chunk=16, batch_size=4, lines=60,
    held_out=0.2, checks=2,
)  # fmt: skip


def study(checkpoint: Path) -> Resolved:
    found = study_over(checkpoint, TASKS)
    config = json.loads((checkpoint / "config.json").read_text())
    training = {
        task: dataclasses.replace(how, epochs=1, learning_rate=5e-3) for task, how in found.training.items()
    }
    return dataclasses.replace(found, training=training, language_training=QUICK, family=family_of(config))


def lab_of(resolved: Resolved, checkpoint: Path, folder: Path) -> Lab:
    return Lab(resolved, str(checkpoint), folder, device="cpu", threads=1)


def encoder_of(checkpoint: Path) -> Encoder:
    return Encoder(str(checkpoint), torch.device("cpu"))


def counts(lab: Lab, task: str, under: Composition | None = None) -> list[np.ndarray]:
    return [x.counts for x in lab.evaluate(lab.resolved.cells(task), under)]


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def whole_path(lab: Lab, tasks: Sequence[str], moved: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Everything that a study may ask for: counts of each condition, on fine-tuned weights for the tasks
    `moved`.
    """
    found = {}
    for task in tasks:
        lab.restore()
        lab.task_adapter(task)
        found[f"{task} bare"] = counts(lab, task)
        one, two = (LanguageAdapter("trained", x, QUICK) for x in ("qaa", "qab"))
        for adapter in (one, two):
            assert np.isfinite(lab.language_adapter(adapter)["held_out_after"])
        found[f"{task} stacked"] = counts(lab, task, Composition((one,)))
        for mix in ("average", "untrained", "tuned") if task == "tags" else ():
            under = Composition((one, two), mix, fusion=Fusion(steps=2, learning_rate=1e-3, batch_size=4))
            found[f"{task} {mix}"] = counts(lab, task, under)
        if task not in moved:
            continue
        found[f"{task} bare again"] = counts(lab, task)
        assert np.isfinite(lab.finetune("qaa", steps=2, seed=0))
        found[f"{task} finetuned"] = counts(lab, task)
    return found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The checkpoint of an architecture, for tests that only read it."""
    return cache(lambda name: write(name, tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=pytest.mark.slow) if x in ALIKE else x for x in ARCHITECTURES]
)
def test_finetune_adapt_fuse_evaluate_save_and_load(
    name: str, written: Callable[[str], Path], tmp_path: Path
) -> None:
    checkpoint = written(name)
    resolved = study(checkpoint)
    lab = lab_of(resolved, checkpoint, tmp_path / "adapters")
    tasks = TASKS if name in WHOLE else TASKS[:2] if name in ENCODERS else TASKS[:1]
    first = whole_path(lab, tasks, tasks)
    for task in tasks:
        assert same(first[f"{task} bare"], first[f"{task} bare again"])
    # What is on disk can be given to another study.
    kept = tmp_path / "adapters" / resolved.language_adapter_name(LanguageAdapter("trained", "qaa", QUICK))
    config = json.loads((checkpoint / "config.json").read_text())
    given = given_adapters.find(str(kept), config, resolved.method.adapters.values())
    assert (given.invertible, given.mixable) == (True, True)
    # Another process finds all adapters on disk, trains none, and scores alike.
    other = lab_of(resolved, checkpoint, tmp_path / "adapters")
    second = whole_path(other, tasks, tasks[:1])
    assert not {"train adapter", "train language adapter"} & other.take_seconds().keys()
    assert {x.split()[0] for x in second} == set(tasks)
    assert all(same(first[x], second[x]) for x in second)


def parts_are_all_told(encoder: Any, checkpoint: Path) -> None:
    """Every weight is in one part; the layers are those that planning counts; each can be frozen alone."""
    layers = checkpoints.own_layers(checkpoints.Checkpoint(str(checkpoint), None, "", 0, encoder.family))
    parts = encoder.parts
    assert list(parts) == list(encoder.weights())
    assert {x for x in parts.values() if isinstance(x, int)} == set(range(layers or -1))
    tokens = encoder.body.get_input_embeddings().weight
    of = {id(p): parts[n] for n, p in zip(encoder._names, encoder.own, strict=True)}
    assert of[id(tokens)] == "embeddings"
    named = ("embed", "wte", "wpe", "shared")
    for name, part in parts.items():
        assert (part == "embeddings") == (name.startswith("body.") and any(x in name for x in named))
    frozen = {id(p) for p in encoder.own} - {id(p) for p in encoder.trainable_base("layers:0")}
    assert frozen == {x for x, part in of.items() if part in (0, "pooler")}
    assert {n.split(".")[0] for n, x in parts.items() if x == "head"} <= {"masked_lm"}
    encoder.trainable_base()


@pytest.mark.parametrize("name", ENCODERS)
def test_masked_logits_and_their_gradients_are_those_of_transformers(
    name: str, written: Callable[[str], Path]
) -> None:
    from transformers import AutoModelForMaskedLM

    checkpoint = written(name)
    encoder = encoder_of(checkpoint)
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


@pytest.mark.parametrize("name", [*DECODERS, *ENCODER_DECODERS])
def test_logits_after_a_text_and_their_gradients_are_those_of_transformers(
    name: str, written: Callable[[str], Path]
) -> None:
    """Padding at the end changes nothing; attention is the plain one, which caps scores where they are."""
    checkpoint = written(name)
    encoder = encoder_of(checkpoint)
    reference = language_model(name).from_pretrained(checkpoint, attn_implementation="eager").float().eval()
    ids = torch.randint(5, len(encoder.tokenizer), (3, LENGTH), generator=torch.Generator().manual_seed(0))
    attention = torch.ones_like(ids)
    attention[1, 20:] = 0
    encoder.trainable_base()
    if name in ENCODER_DECODERS:
        vectors, given = encoder.continued(ids, attention, ids[:, :9]), {"decoder_input_ids": ids[:, :9]}
        kept = torch.ones(3, 9, dtype=torch.bool)
    else:
        vectors, given, kept = encoder.vectors(ids, attention), {}, attention.bool()
    ours = encoder.vocabulary_logits(vectors[kept])
    theirs = reference(input_ids=ids, attention_mask=attention, **given).logits[kept]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=3e-5)
    ours.logsumexp(-1).sum().backward()
    theirs.logsumexp(-1).sum().backward()
    embeddings = encoder.body.get_input_embeddings().weight, reference.get_input_embeddings().weight
    torch.testing.assert_close(*(x.grad for x in embeddings), rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_its_parts_are_told_and_an_adapter_of_zeros_changes_nothing(
    name: str, written: Callable[[str], Path]
) -> None:
    checkpoint = written(name)
    where = checkpoints.locate(dataclasses.replace(study(checkpoint).model, checkpoint=str(checkpoint)))
    encoder = encoder_of(checkpoint)
    assert encoder.longest == checkpoints.longest_input(where) == LENGTH
    parts_are_all_told(encoder, checkpoint)
    ids = torch.arange(5, 25)[None]
    everywhere, attention = torch.arange(20), torch.ones_like(ids)

    def logits() -> torch.Tensor:
        if encoder.family == "encoder-decoder":
            return encoder.vocabulary_logits(encoder.continued(ids, attention, ids)[0])
        return encoder.masked_logits(ids, attention, everywhere)

    with torch.no_grad():
        encoder.use_no_adapter()
        bare = logits()
        encoder.add_adapter("nothing", SeqBnInvConfig(reduction_factor=4))
        for key, parameter in encoder.model.named_parameters():
            if "nothing" in key and "adapter_up" in key:
                parameter.zero_()
        encoder.model.set_active_adapters("nothing")
        with_it = logits()
        del encoder.body.invertible_adapters["nothing"]
        without_invertible = logits()
    torch.testing.assert_close(without_invertible, bare)
    assert not torch.equal(with_it, bare)  # the invertible part is at work on this architecture


def test_a_bottleneck_of_modernbert_computes_what_it_should(tmp_path: Path) -> None:
    """Over plain transformers: h + m + up(relu(down(m + norm(h)))), m what the feed-forward part gives.

    The library takes the normed input for the residual that the bottleneck reads.
    """
    from transformers import AutoModel

    checkpoint = write("modernbert", tmp_path)
    encoder = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters").encoder
    torch.manual_seed(1)
    encoder.add_adapter("one", SeqBnConfig(reduction_factor=4))
    parts = [layer.output_adapters.adapters["one"] for layer in encoder.body.layers]
    with torch.no_grad():
        for part in parts:
            part.adapter_up.weight.normal_()
    plain = AutoModel.from_pretrained(checkpoint).eval()
    for layer, part in zip(plain.layers, parts, strict=True):

        def after(
            mlp: torch.nn.Module, inputs: tuple[torch.Tensor], m: torch.Tensor, part=part
        ) -> torch.Tensor:
            down, up = part.adapter_down[0], part.adapter_up
            return m + up(torch.relu(down(m + inputs[0])))

        layer.mlp.register_forward_hook(after)
    ids = torch.arange(5, 25)[None]
    encoder.model.set_active_adapters("one")
    with torch.no_grad():
        ours = encoder.body(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
        torch.testing.assert_close(ours, plain(input_ids=ids).last_hidden_state)


def test_a_bottleneck_of_gemma_reads_through_the_last_layers_normalisation(tmp_path: Path) -> None:
    """What `adapters` 1.3.0 makes of all layers, since its hooks look up the layer when they run (docs)."""
    checkpoint = write("gemma3", tmp_path)
    encoder = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters").encoder
    torch.manual_seed(1)
    encoder.add_adapter("one", SeqBnConfig(reduction_factor=4))
    plain = language_model("gemma3").from_pretrained(checkpoint).eval().model
    last = plain.layers[-1].post_feedforward_layernorm
    with torch.no_grad():
        for layer, ours in zip(plain.layers, encoder.body.layers, strict=True):
            ours.output_adapters.adapters["one"].adapter_up.weight.normal_()
            layer.post_feedforward_layernorm.weight.normal_()
            ours.post_feedforward_layernorm.weight.copy_(layer.post_feedforward_layernorm.weight)
    for layer, ours in zip(plain.layers, encoder.body.layers, strict=True):
        before: dict[str, torch.Tensor] = {}
        part = ours.output_adapters.adapters["one"]

        def read(_: torch.nn.Module, inputs: tuple[torch.Tensor], before=before) -> None:
            before["h"] = inputs[0]

        def after(
            _: torch.nn.Module, inputs: tuple[torch.Tensor], m: torch.Tensor, part=part, before=before
        ) -> torch.Tensor:
            return m + part.adapter_up(torch.relu(part.adapter_down[0](last(m + before["h"]))))

        layer.pre_feedforward_layernorm.register_forward_pre_hook(read)
        layer.mlp.down_proj.register_forward_hook(after)
    ids = torch.arange(5, 25)[None]
    encoder.model.set_active_adapters("one")
    with torch.no_grad():
        ours = encoder.body(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
        torch.testing.assert_close(ours, plain(input_ids=ids).last_hidden_state)


def test_modernbert_is_never_compiled(tmp_path: Path) -> None:
    checkpoint = write("modernbert", tmp_path, reference_compile=True)
    encoder = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters").encoder
    for config in (encoder.model.config, encoder.body.config, encoder.masked_lm.config):
        assert config.reference_compile is False
        assert config._attn_implementation == "sdpa"


@pytest.mark.parametrize("name", ["deberta", "mdeberta"])
def test_the_head_of_deberta_is_found_under_its_authors_names(name: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    checkpoint = write(name, tmp_path)
    before = lab_of(study(checkpoint), checkpoint, tmp_path).encoder
    weights = load_file(checkpoint / "model.safetensors")
    with torch.no_grad():  # unlike any that a fresh head would have
        weights["cls.predictions.bias"].normal_(generator=torch.Generator().manual_seed(3))
    named = {
        key.replace("cls.predictions.transform.", "lm_predictions.lm_head.").replace(
            "cls.predictions.bias", "lm_predictions.lm_head.bias"
        ): value.half() if name == "mdeberta" else value
        for key, value in weights.items()
    } | {"mask_predictions.dense.weight": torch.zeros(2, 2)}  # fmt: skip
    save_file(named, checkpoint / "model.safetensors", metadata={"format": "pt"})
    after = lab_of(study(checkpoint), checkpoint, tmp_path).encoder
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        ours, theirs = (x.masked_logits(ids, torch.ones_like(ids), torch.arange(20)) for x in (after, before))
    tolerance = 2e-2 if name == "mdeberta" else 1e-5  # published in half precision, computed in single
    torch.testing.assert_close(ours, theirs + weights["cls.predictions.bias"], rtol=0, atol=tolerance)
    assert all(x.dtype == torch.float32 for x in after.weights().values())


@pytest.mark.parametrize("name", ["bert", "minilm", "xlm-roberta", "mdeberta", "modernbert", "llama"])
def test_without_the_head_of_its_objective_only_finetuning_is_refused(name: str, tmp_path: Path) -> None:
    from transformers import AutoModel

    checkpoint = write(name, tmp_path / "whole")
    AutoModel.from_pretrained(checkpoint).save_pretrained(checkpoint)
    where = checkpoints.locate(dataclasses.replace(study(checkpoint).model, checkpoint=str(checkpoint)))
    assert where.lm_head is False
    lab = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters")
    lab.task_adapter("tags")
    assert counts(lab, "tags")
    with pytest.raises(ModelError, match=r"no (masked|causal)-LM head among its weights, so nothing can be"):
        lab.finetune("qaa", steps=1, seed=0)


def only_sentencepiece(name: str, file: str, folder: Path, **facts: object) -> Path:
    """A checkpoint as its authors publish it: SentencePiece's own file and no tokenizer.json."""
    import sentencepiece

    checkpoint = write(name, folder / "checkpoint", vocab_size=64)
    for path in checkpoint.glob("*token*.json"):
        path.unlink()
    (folder / "text").write_text("\n".join(LINES))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"), model_prefix=str(folder / "model"), vocab_size=40, minloglevel=2,
        hard_vocab_limit=False,
    )  # fmt: skip
    (folder / "model.model").rename(checkpoint / file)
    config = checkpoint / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **facts}))
    return checkpoint


@pytest.mark.parametrize(
    ("name", "file", "facts", "mask"),
    [
        ("mdeberta", "spm.model", {}, "[MASK]"),
        ("xlm-roberta", "sentencepiece.bpe.model", {}, "<mask>"),
        ("minilm", "sentencepiece.bpe.model", {"tokenizer_class": "XLMRobertaTokenizer"}, "<mask>"),
    ],
)
def test_a_sentencepiece_model_alone_makes_a_fast_tokenizer(
    name: str, file: str, facts: dict[str, object], mask: str, tmp_path: Path
) -> None:
    checkpoint = only_sentencepiece(name, file, tmp_path, **facts)
    lab = lab_of(study(checkpoint), checkpoint, tmp_path / "adapters")
    assert lab.encoder.tokenizer.mask_token == mask
    assert "▁ana" in lab.encoder.tokenizer("ana beka").tokens()
    assert np.isfinite(lab.finetune("qaa", steps=1, seed=0))


def test_a_tokenizer_of_a_class_that_has_no_file_is_refused(tmp_path: Path) -> None:
    checkpoint = only_sentencepiece("minilm", "sentencepiece.bpe.model", tmp_path)
    with pytest.raises(ModelError, match="no tokenizer of the class that its configuration asks for"):
        lab_of(study(checkpoint), checkpoint, tmp_path / "adapters")
