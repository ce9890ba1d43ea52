"""The weights of encoders with a masked-LM head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from xlbench.models.saved.layout import Layout, dense, norm


def _embeddings(c: Mapping[str, Any], size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "embeddings.word_embeddings.weight", (c["vocab_size"], size)
    yield "embeddings.position_embeddings.weight", (c["max_position_embeddings"], size)
    yield "embeddings.token_type_embeddings.weight", (c["type_vocab_size"], size)
    yield from norm("embeddings.LayerNorm", size)


def _rest_of_layer(name: str, c: Mapping[str, Any], attended: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What follows the attention in BERT and its kin."""
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    yield from dense(f"{name}.attention.output.dense", hidden, attended)
    yield from norm(f"{name}.attention.output.LayerNorm", hidden)
    yield from dense(f"{name}.intermediate.dense", inner, hidden)
    yield from dense(f"{name}.output.dense", hidden, inner)
    yield from norm(f"{name}.output.LayerNorm", hidden)


def _bert(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = c["hidden_size"]
    size = c.get("embedding_size", hidden)
    yield from _embeddings(c, size)
    if size != hidden:
        yield from dense("embeddings_project", hidden, size)
    for i in range(c["num_hidden_layers"]):
        for part in ("query", "key", "value"):
            yield from dense(f"encoder.layer.{i}.attention.self.{part}", hidden, hidden)
        yield from _rest_of_layer(f"encoder.layer.{i}", c, hidden)


def _bert_without_embedding_size(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    return _bert({**c, "embedding_size": c["hidden_size"]})


def _distilbert(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = c["hidden_size"]
    yield "embeddings.word_embeddings.weight", (c["vocab_size"], hidden)
    yield "embeddings.position_embeddings.weight", (c["max_position_embeddings"], hidden)
    yield from norm("embeddings.LayerNorm", hidden)
    for i in range(c["num_hidden_layers"]):
        name = f"transformer.layer.{i}"
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            yield from dense(f"{name}.attention.{part}", hidden, hidden)
        yield from norm(f"{name}.sa_layer_norm", hidden)
        yield from dense(f"{name}.ffn.lin1", c["hidden_dim"], hidden)
        yield from dense(f"{name}.ffn.lin2", hidden, c["hidden_dim"])
        yield from norm(f"{name}.output_layer_norm", hidden)


def _albert(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    yield from _embeddings(c, c["embedding_size"])
    yield from dense("encoder.embedding_hidden_mapping_in", hidden, c["embedding_size"])
    for i in range(c["num_hidden_groups"]):
        for j in range(c["inner_group_num"]):
            name = f"encoder.albert_layer_groups.{i}.albert_layers.{j}"
            yield from norm(f"{name}.full_layer_layer_norm", hidden)
            for part in ("query", "key", "value", "dense"):
                yield from dense(f"{name}.attention.{part}", hidden, hidden)
            yield from norm(f"{name}.attention.LayerNorm", hidden)
            yield from dense(f"{name}.ffn", inner, hidden)
            yield from dense(f"{name}.ffn_output", hidden, inner)


def _deberta_embeddings(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = c["hidden_size"]
    size = c.get("embedding_size", hidden)
    yield "embeddings.word_embeddings.weight", (c["vocab_size"], size)
    if c.get("position_biased_input", True):
        yield "embeddings.position_embeddings.weight", (c["max_position_embeddings"], size)
    if c["type_vocab_size"] > 0:
        yield "embeddings.token_type_embeddings.weight", (c["type_vocab_size"], size)
    if size != hidden:
        yield from dense("embeddings.embed_proj", hidden, size, bias=False)
    yield from norm("embeddings.LayerNorm", hidden)


def _kinds_of_position(c: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = c.get("pos_att_type") or ()
    return tuple(x.strip() for x in kinds.lower().split("|")) if isinstance(kinds, str) else tuple(kinds)


def _farthest(c: Mapping[str, Any]) -> int:
    """Positions on each side that relative embeddings tell apart."""
    said = c.get("max_relative_positions", -1)
    return int(said) if said >= 1 else int(c["max_position_embeddings"])


def _deberta(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, kinds, relative = c["hidden_size"], _kinds_of_position(c), c.get("relative_attention", False)
    yield from _deberta_embeddings(c)
    for i in range(c["num_hidden_layers"]):
        name = f"encoder.layer.{i}.attention.self"
        yield f"{name}.q_bias", (hidden,)
        yield f"{name}.v_bias", (hidden,)
        yield from dense(f"{name}.in_proj", 3 * hidden, hidden, bias=False)
        if c.get("talking_head", False):
            heads = c["num_attention_heads"]
            yield from dense(f"{name}.head_logits_proj", heads, heads, bias=False)
            yield from dense(f"{name}.head_weights_proj", heads, heads, bias=False)
        if relative and "c2p" in kinds:
            yield from dense(f"{name}.pos_proj", hidden, hidden, bias=False)
        if relative and "p2c" in kinds:
            yield from dense(f"{name}.pos_q_proj", hidden, hidden)
        yield from _rest_of_layer(f"encoder.layer.{i}", c, hidden)
    if relative:
        yield "encoder.rel_embeddings.weight", (2 * _farthest(c), hidden)


def _deberta_v2(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, kinds, relative = c["hidden_size"], _kinds_of_position(c), c.get("relative_attention", False)
    heads = c["num_attention_heads"]
    attended = heads * c.get("attention_head_size", hidden // heads)
    yield from _deberta_embeddings(c)
    for i in range(c["num_hidden_layers"]):
        name = f"encoder.layer.{i}.attention.self"
        for part in ("query_proj", "key_proj", "value_proj"):
            yield from dense(f"{name}.{part}", attended, hidden)
        if relative and not c.get("share_att_key", False):
            if "c2p" in kinds:
                yield from dense(f"{name}.pos_key_proj", attended, hidden)
            if "p2c" in kinds:
                yield from dense(f"{name}.pos_query_proj", attended, hidden)
        yield from _rest_of_layer(f"encoder.layer.{i}", c, attended)
    if relative:
        buckets = c.get("position_buckets", -1)
        yield "encoder.rel_embeddings.weight", (2 * (buckets if buckets > 0 else _farthest(c)), hidden)
    if "layer_norm" in [x.strip() for x in c.get("norm_rel_ebd", "none").lower().split("|")]:
        yield from norm("encoder.LayerNorm", hidden)
    if (kernel := c.get("conv_kernel_size", 0)) > 0:
        yield "encoder.conv.conv.weight", (hidden, hidden // c.get("conv_groups", 1), kernel)
        yield "encoder.conv.conv.bias", (hidden,)
        yield from norm("encoder.conv.LayerNorm", hidden)


def _modernbert(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner, biases = c["hidden_size"], c["intermediate_size"], c["norm_bias"]

    def plain(name: str) -> Iterable[tuple[str, tuple[int, ...]]]:
        return list(norm(name, hidden))[: 2 if biases else 1]

    yield "embeddings.tok_embeddings.weight", (c["vocab_size"], hidden)
    yield from plain("embeddings.norm")
    for i in range(c["num_hidden_layers"]):
        if i:
            yield from plain(f"layers.{i}.attn_norm")
        yield from dense(f"layers.{i}.attn.Wqkv", 3 * hidden, hidden, c["attention_bias"])
        yield from dense(f"layers.{i}.attn.Wo", hidden, hidden, c["attention_bias"])
        yield from plain(f"layers.{i}.mlp_norm")
        yield from dense(f"layers.{i}.mlp.Wi", 2 * inner, hidden, c["mlp_bias"])
        yield from dense(f"layers.{i}.mlp.Wo", hidden, inner, c["mlp_bias"])
    yield from plain("final_norm")


def _head(
    transform: str, layer_norm: str, bias: str, sized: Callable[[Mapping[str, Any]], int]
) -> Callable[[Mapping[str, Any]], Iterator[tuple[str, tuple[int, ...]]]]:
    """A head of a linear map to `sized` numbers, a normalisation, and the decoder with its bias."""

    def weights(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield from dense(transform, sized(c), c["hidden_size"])
        yield from norm(layer_norm, sized(c))
        yield bias, (c["vocab_size"],)

    return weights


def _modernbert_head(c: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = c["hidden_size"]
    yield from dense("head.dense", hidden, hidden, c["classifier_bias"])
    yield from list(norm("head.norm", hidden))[: 2 if c["norm_bias"] else 1]
    if c["decoder_bias"]:
        yield "decoder.bias", (c["vocab_size"],)


def _hidden(c: Mapping[str, Any]) -> int:
    return int(c["hidden_size"])


def _embedded(c: Mapping[str, Any]) -> int:
    return int(c.get("embedding_size", c["hidden_size"]))


_WORDS = "embeddings.word_embeddings.weight"
_CLS = "cls.predictions"
_CLS_BIAS = (f"{_CLS}.bias", f"{_CLS}.decoder.bias")
_LM_BIAS = ("lm_head.bias", "lm_head.decoder.bias")


def _cls(sized: Callable[[Mapping[str, Any]], int]) -> Callable[..., Iterator[tuple[str, tuple[int, ...]]]]:
    return _head(f"{_CLS}.transform.dense", f"{_CLS}.transform.LayerNorm", f"{_CLS}.bias", sized)


_OF_PRETRAINING = r"embeddings\.(?:position_embeddings\.weight|\w+_embeddings\._weight)"
"""Of DeBERTa: absolute positions, which only its authors' decoder read, and what replaced-token detection
added to its generator's embeddings.
"""
_lm_head = _head("lm_head.dense", "lm_head.layer_norm", "lm_head.bias", _hidden)

ENCODERS: Mapping[str, Layout] = {
    "albert": Layout(
        "albert.", _WORDS, _albert,
        _head("predictions.dense", "predictions.LayerNorm", "predictions.bias", _embedded),
        "predictions.decoder.weight", ("predictions.bias", "predictions.decoder.bias"),
    ),
    "bert": Layout(
        "bert.", _WORDS, _bert_without_embedding_size, _cls(_hidden), f"{_CLS}.decoder.weight", _CLS_BIAS
    ),
    "deberta": Layout(
        "deberta.", _WORDS, _deberta, _cls(_embedded), f"{_CLS}.decoder.weight", _CLS_BIAS, _OF_PRETRAINING
    ),
    "deberta-v2": Layout(
        "deberta.", _WORDS, _deberta_v2, _cls(_embedded), f"{_CLS}.decoder.weight", _CLS_BIAS, _OF_PRETRAINING
    ),
    "distilbert": Layout(
        "distilbert.", _WORDS, _distilbert,
        _head("vocab_transform", "vocab_layer_norm", "vocab_projector.bias", _hidden),
        "vocab_projector.weight",
    ),
    "electra": Layout(
        "electra.", _WORDS, _bert,
        _head("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head.bias",
              _embedded),
        "generator_lm_head.weight",
    ),
    "modernbert": Layout(
        "model.", "embeddings.tok_embeddings.weight", _modernbert, _modernbert_head, "decoder.weight"
    ),
    "roberta": Layout(
        "roberta.", _WORDS, _bert_without_embedding_size, _lm_head, "lm_head.decoder.weight", _LM_BIAS
    ),
    "xlm-roberta": Layout(
        "roberta.", _WORDS, _bert_without_embedding_size, _lm_head, "lm_head.decoder.weight", _LM_BIAS
    ),
}  # fmt: skip
"""By model type."""
