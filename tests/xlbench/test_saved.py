"""What a checkpoint's files say, checked before a model is loaded: weights, settings, tokenizer."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures import ARCHITECTURES, language_model, write
from safetensors.numpy import load_file, save_file

from xlbench.contracts import BaseModel
from xlbench.errors import ModelError
from xlbench.models.architectures import check_config
from xlbench.models.checkpoints import locate
from xlbench.models.saved import settings, tokenizers
from xlbench.models.saved.defaults import ALIASES, DEFAULTS
from xlbench.models.saved.layouts import LAYOUTS

WORDS = "bert.embeddings.word_embeddings.weight"
Change = Callable[[Path], object]


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def plan(folder: Path) -> bool | None:
    return locate(BaseModel("it", "", str(folder))).lm_head


def edited(name: str, **changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        content = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))

    return change


def configured(**changes: Any) -> Change:
    return edited("config.json", **changes)


def weighed(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the weights, which are written again."""

    def rewrite(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    return rewrite


def spoiled(name: str, value: float) -> Change:
    def change(weights: dict[str, Any]) -> None:
        weights[name] = weights[name].copy()
        weights[name].flat[-1] = value

    return weighed(change)


def without(part: str) -> Change:
    return weighed(lambda w: [w.pop(x) for x in list(w) if part in x])


def prefixed(weights: dict[str, Any]) -> None:
    for name in list(weights):
        weights[f"module.{name}"] = weights.pop(name)


def raw_config(text: str) -> Change:
    return lambda folder: (folder / "config.json").write_text(text)


def sharded(folder: Path, *, lost: bool = False, misplaced: bool = False) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({x: weights[x] for x in part}, folder / file, {"format": "pt"})
    places = {x: file for file, part in parts.items() for x in part}
    if misplaced:
        places[names[0]] = "model-2.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    if lost:
        (folder / "model-2.safetensors").unlink()


def larger_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["added_tokens"].append({**content["added_tokens"][0], "id": 999, "content": "<new>"})
    path.write_text(json.dumps(content))


BAD: dict[str, tuple[Change, str]] = {
    "no encoder": (without("encoder."),
        r"weights of the encoder are missing: encoder\.layer\.0.* and 31 more"),
    "no layer": (without(".layer.1."), r"weights of the encoder are missing"),
    "one bias": (without("layer.0.output.dense.bias"), r"missing: encoder\.layer\.0\.output\.dense\.bias;"),
    "no words": (without("word_embeddings"), "embeddings.word_embeddings.weight"),
    "wrapped": (weighed(prefixed), "weights of the encoder are missing"),
    "half a head": (without("transform.dense"), r"masked-LM head are missing: cls\.predictions\.transform"),
    "no bias of the head": (
        weighed(lambda w: [w.pop(x) for x in list(w) if x.startswith("cls.") and x.endswith("s.bias")]),
        r"masked-LM head are missing: cls\.predictions\.bias",
    ),
    "alien": (weighed(lambda w: w.update(x=np.ones(2, np.float32))), "belong to no part of a bert model: x"),
    "adapters within": (
        weighed(lambda w: w.update({"bert.encoder.layer.0.output.adapters.a.x": np.ones(2, np.float32)})),
        "belong to no part of a bert model",
    ),
    "fewer layers": (configured(num_hidden_layers=1),
        r"belong to no part .* encoder\.layer\.1\..* and 15 more"),
    "more layers": (configured(num_hidden_layers=900), "missing.*999 more"),
    "vocabulary": (configured(vocab_size=4000),
        r"word_embeddings\.weight has shape \[26, 32\].*\[4000, 32\]"),
    "positions": (configured(max_position_embeddings=96), r"position_embeddings.* \[48, 32\].*\[96, 32\]"),
    "width": (configured(hidden_size=64), "has shape"),
    "inner width": (configured(intermediate_size=65), r"intermediate\.dense\.weight has shape"),
    "not a number": (spoiled(WORDS, np.nan), "word_embeddings.weight has numbers that are infinite or not"),
    "infinite": (spoiled("bert.encoder.layer.1.output.dense.bias", np.inf),
        r"layer\.1\.output\.dense\.bias has"),
    "infinite head": (spoiled("cls.predictions.bias", -np.inf), r"cls\.predictions\.bias has numbers"),
    "quantized": (
        weighed(lambda w: w.update({WORDS: np.ones(w[WORDS].shape, np.int8)})), "is of type I8",
    ),
    "another decoder": (
        weighed(lambda w: w.update({"cls.predictions.decoder.weight": w[WORDS] + 1})),
        "decoder.weight is not embeddings.word_embeddings.weight",
    ),
    "no decoder": (configured(tie_word_embeddings=False),
        "decoder.weight is missing, and tie_word_embeddings"),
    "tokenizer too large": (larger_tokenizer, r'gives "<new>" the number 999, .* 0 to 25 alone'),
    "lost shard": (lambda x: sharded(x, lost=True), r"no model-2\.safetensors, which"),
    "misplaced weight": (lambda x: sharded(x, misplaced=True), r"no weight .* in model-2\.safetensors"),
    "escaping shard": (
        lambda x: (x / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"a": "../other/model.safetensors"}})
        ),
        "is no file beside it",
    ),
    "misnamed": (
        lambda x: (x / "model.safetensors").rename(x / "weights.safetensors"),
        "rename it to model.safetensors",
    ),
    "an adapter's configuration": (lambda x: (x / "adapter_config.json").write_text("{}"),
        "it is an adapter"),
    # Settings
    "decoder": (configured(is_decoder=True), "is_decoder is true, which cannot be used"),
    "quantization": (configured(quantization_config={"bits": 4}), "quantization_config.*quantized"),
    "rope in BERT": (configured(rope_theta=10000.0), "knows no rope_theta of bert"),
    "nested rope": (configured(rope_parameters={"full_attention": {"rope_theta": 1e4}}),
        "no rope_parameters"),
    "layer types": (configured(layer_types=["full_attention"] * 2), "knows no layer_types of bert"),
    "relative positions": (configured(position_embedding_type="relative_key"), "only absolute is"),
    "heads": (configured(num_attention_heads=5), "5 attention heads do not divide hidden size 32"),
    "no heads": (configured(num_attention_heads=0), "num_attention_heads is 0; an integer from 1"),
    "absurd width": (configured(hidden_size=10**12), "hidden_size is 1000000000000; an integer from 1"),
    "negative": (configured(vocab_size=-60), "vocab_size is -60"),
    "text for a number": (configured(intermediate_size="64"), 'intermediate_size is "64"'),
    "true for a number": (configured(num_hidden_layers=True), "num_hidden_layers is true"),
    "absurd layers": (configured(num_hidden_layers=10**9), "num_hidden_layers is 1000000000; an integer"),
    "dropout": (configured(hidden_dropout_prob=3), "hidden_dropout_prob is 3; a share"),
    "epsilon": (configured(layer_norm_eps=0), "layer_norm_eps is 0; a positive number"),
    "padding": (configured(pad_token_id=60), "pad_token_id 60 is none of the 26"),
    "type of numbers": (configured(torch_dtype="int4"), "torch_dtype .*no type of weights"),
    "renamed settings": (configured(attribute_map={"a": "b"}), "attribute_map"),
    "list for a type": (configured(model_type=["bert"]), "model type .*cannot be used"),
    # JSON
    "deep": (raw_config('{"a":' * 5000 + "1" + "}" * 5000), "nested too deeply"),
    "rather deep": (configured(a=json.loads("[" * 40 + "]" * 40)), "nested too deeply"),
    "digits": (raw_config('{"hidden_size": ' + "9" * 5000 + "}"), "an integer of 5000 digits"),
    "surrogate": (raw_config('{"model_type": "\\ud800"}'), "cannot be encoded"),
    "not JSON's": (raw_config('{"layer_norm_eps": NaN}'), "NaN is no number"),
    "infinity": (raw_config('{"layer_norm_eps": 1e999}'), "a number beyond all bounds"),
    "latin-1": (lambda x: (x / "config.json").write_bytes(b'{"a": "\xe9"}'), "byte 8 is not UTF-8"),
    "twice": (raw_config('{"a": 1, "a": 2}'), 'the key "a" stands there twice'),
    "empty": (raw_config(""), "line 1, column 1"),
    # Tokenizer
    "broken tokenizer": (lambda x: (x / "tokenizer.json").write_text('{"model": 3}'), "not a tokenizer"),
    "negative token": (
        lambda x: (x / "tokenizer.json").write_text('{"model": {"vocab": {"a": -1}}}'), "not a tokenizer",
    ),
    "tokenizer of text": (
        edited("tokenizer_config.json", tokenizer_class="SentencePieceBackend"),
        "saved by transformers 5 or newer",
    ),
    "odd special tokens": (edited("tokenizer_config.json", extra_special_tokens=3),
        "neither a list nor a table"),
    "length": (edited("tokenizer_config.json", model_max_length=-1), "model_max_length is -1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_planning_refuses_in_one_line(folder: Path, kind: str) -> None:
    change, expected = BAD[kind]
    change(folder)
    with pytest.raises(ModelError, match=expected) as caught:
        plan(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400 + 2 * len(str(folder))
    assert message.encode("ascii", "strict")


def test_what_saved_a_checkpoint_is_named_where_it_cannot_be_read(folder: Path) -> None:
    configured(rope_theta=1.0, transformers_version="5.1.0")(folder)
    with pytest.raises(
        ModelError, match=r"saved by transformers 5\.1\.0; save it again with transformers 4\.57"
    ):
        plan(folder)


GOOD: dict[str, Change] = {
    "shards": sharded,
    "no prefix": weighed(
        lambda w: [w.update({x.removeprefix("bert."): w.pop(x)}) for x in list(w) if x.startswith("bert.")]
    ),
    "pooler": weighed(lambda w: w.update({"bert.pooler.dense.weight": np.ones((32, 32), np.float32)})),
    "next sentence": weighed(lambda w: w.update({"cls.seq_relationship.weight": np.ones((2, 32),
        np.float32)})),
    "positions kept": weighed(lambda w: w.update({"bert.embeddings.position_ids": np.arange(48)[None]})),
    "classifier": weighed(lambda w: w.update({"classifier.weight": np.full((2, 32), np.nan, np.float32)})),
    "half precision": weighed(lambda w: w.update({k: v.astype(np.float16) for k, v in w.items()})),
    "decoder kept": weighed(lambda w: w.update({"cls.predictions.decoder.weight": w[WORDS].copy()})),
    "old names": weighed(
        lambda w: [
            w.update({x.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): w.pop(x)})
            for x in list(w)
        ]
    ),
    "harmless settings": configured(
        _name_or_path="google-bert/bert-base-multilingual-cased", directionality="bidi", pooler_fc_size=768,
        pooler_type="first_token_transform", gradient_checkpointing=False, classifier_dropout=None,
        output_past=True,
        dtype="float32", torch_dtype="float32", id2label={"0": "a/b"}, attn_implementation="eager",
        finetuning_task="mnli", transformers_version="5.1.0",
    ),
    "place of a tokenizer": edited("tokenizer_config.json", tokenizer_file="/home/x/tokenizer.json"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_sound_is_read(folder: Path, kind: str) -> None:
    GOOD[kind](folder)
    assert plan(folder) is True


def test_a_body_without_a_head_is_told(folder: Path) -> None:
    without("cls.")(folder)
    assert plan(folder) is False


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "albert": [{"num_hidden_groups": 2, "inner_group_num": 2}],
    "deberta": [{"position_biased_input": True, "type_vocab_size": 2}, {"relative_attention": False}],
    "mdeberta": [
        {"share_att_key": False}, {"conv_kernel_size": 3, "position_buckets": -1},
        {"norm_rel_ebd": "none", "position_biased_input": True, "type_vocab_size": 2,
        "pos_att_type": ["c2p"]},
    ],
    "electra": [{"embedding_size": 32}],
    "modernbert": [
        {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "classifier_bias": True},
        {"decoder_bias": False},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layout_is_that_of_transformers(name: str) -> None:
    """Names and shapes, for each architecture, against the models that transformers builds, no memory."""
    import torch

    for changes in ({}, *VARIANTS.get(name, [])):
        config, _ = ARCHITECTURES[name]()
        config.vocab_size = 64
        config.pad_token_id = 0
        for key, value in changes.items():
            setattr(config, key, value)
        with torch.device("cpu" if name == "apertus" else "meta"):  # whose activation reads its weights
            model = language_model(name).from_config(config)
        built = {k: tuple(v.shape) for k, v in model.state_dict().items()}
        layout = LAYOUTS[config.model_type]
        filled = settings.filled(json.loads(config.to_json_string(use_diff=False)))
        told = {layout.prefix + k: v for k, v in layout.body(filled)} | dict(layout.head(filled))
        spare = {layout.decoder, *layout.bias, *layout.copies} - told.keys()
        assert told == {k: v for k, v in built.items() if k not in spare and "pooler" not in k}, changes


def test_all_settings_of_a_model_are_known() -> None:
    """A setting of transformers' configuration that is not in the table would be refused as unknown."""
    import inspect

    from transformers import AutoConfig

    for kind, known in DEFAULTS.items():
        own = type(AutoConfig.for_model(kind))
        names = set(inspect.signature(own.__init__).parameters) - {"self", "kwargs"}
        names = {ALIASES.get(kind, {}).get(x, x) for x in names} - settings.UNREAD
        beside = {x for x in names - known.keys() if settings.STRUCTURAL.search(x)}
        assert not beside, (kind, beside)
        said = json.loads(
            own(**({"pad_token_id": 0} if kind == "modernbert" else {})).to_json_string(use_diff=False)
        )
        check_config({**said, "model_type": kind}, kind)


MODERN = {
    "layer_types": ["full_attention", "sliding_attention"],
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 5000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 200.0},
    },
}


def test_settings_of_transformers_5_mean_the_same(tmp_path: Path) -> None:
    """Rotary bases and the turn of local and global layers, against a model told so in today's words."""
    import torch

    from xlbench.lab.encoder import Encoder

    ids = torch.arange(5, 25)[None]

    def vectors(folder: Path) -> Any:
        encoder = Encoder(str(folder), torch.device("cpu"))
        with torch.inference_mode():
            return encoder.body(input_ids=ids)[0]

    changes = {"global_rope_theta": 5000.0, "local_rope_theta": 200.0, "global_attn_every_n_layers": 2}
    today = write("modernbert", tmp_path / "today", **changes)
    other = write("modernbert", tmp_path / "other")
    newer = Path(shutil.copytree(today, tmp_path / "newer"))
    configured(**dict.fromkeys(changes, ...), **MODERN, transformers_version="5.2.0")(newer)
    assert torch.equal(vectors(today), vectors(newer))
    assert not torch.equal(vectors(today), vectors(other))
    for key, value in (
        ("layer_types", ["sliding_attention", "full_attention"]),
        ("rope_parameters", {"rope_type": "default", "rope_theta": 1e4}),
        ("rope_parameters", {"full_attention": {"rope_type": "yarn", "factor": 2.0}}),
        ("sliding_window", 99),
    ):
        bad = Path(shutil.copytree(newer, tmp_path / f"bad-{key}", dirs_exist_ok=True))
        configured(**{key: value})(bad)
        with pytest.raises(
            ModelError, match=rf"{key} .*cannot be expressed in .*saved by transformers 5\.2\.0"
        ):
            plan(bad)


def test_a_tokenizer_of_transformers_5_is_read_as_it_is(folder: Path) -> None:
    """A list of extra tokens, and a class that 4.57 has not; against the tokenizers library alone."""
    from tokenizers import Tokenizer

    from xlbench.lab import loading

    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = "kala mo<mask> sata <unk> to"
    known = loading.tokenizer(str(folder), "encoder").convert_ids_to_tokens(7)
    edited("tokenizer_config.json", extra_special_tokens=[known], backend="tokenizers")(folder)
    one = loading.tokenizer(str(folder), "encoder")
    assert one.additional_special_tokens == [known]
    edited("tokenizer_config.json", tokenizer_class="TokenizersBackend")(folder)
    for read in (one, loading.tokenizer(str(folder), "encoder")):
        assert read(text)["input_ids"] == plain.encode(text).ids
        assert 7 in read.all_special_ids
        assert len(read) == plain.get_vocab_size()
    assert tokenizers.how(folder)["additional_special_tokens"] == [known]


LATE: dict[str, tuple[Change, str]] = {
    "more special tokens": (
        edited("tokenizer_config.json", extra_special_tokens=["<lang:deu>"]),
        "the number 26, .* 0 to 25 alone",
    ),
    "class": (edited("tokenizer_config.json", tokenizer_class="NoSuchTokenizer"),
        "its tokenizer cannot be loaded"),
    "no padding": (
        edited("tokenizer_config.json", pad_token=...), "its tokenizer has no pad_token",
    ),
    "labels": (configured(id2label=5), "cannot be loaded as a language model"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LATE)
def test_what_only_loading_shows_is_one_line_too(folder: Path, kind: str) -> None:
    import torch

    from xlbench.lab.encoder import Encoder

    change, expected = LATE[kind]
    (folder / "special_tokens_map.json").unlink()
    change(folder)
    with pytest.raises(ModelError, match=expected) as caught:
        Encoder(str(folder), torch.device("cpu"))
    assert "\n" not in str(caught.value)
