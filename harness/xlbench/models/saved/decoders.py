"""The weights of decoders with a causal-LM head, and of encoder-decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from xlbench.models.saved.layout import Layout, dense, norm

Weights = Iterator[tuple[str, tuple[int, ...]]]


def _no_head(c: Mapping[str, Any]) -> Weights:
    """A head that is the decoder's matrix alone."""
    return iter(())


def _llama_like(
    norms: tuple[str, ...] = ("input_layernorm", "post_attention_layernorm"),
    *,
    gated: bool = True,
    qkv_bias: bool = False,
    normed_heads: bool = False,
    learned_activation: bool = False,
) -> Callable[[Mapping[str, Any]], Weights]:
    """Layers of attention with fewer keys than queries, and a feed-forward part, both without biases unless
    the configuration says so.
    """

    def weights(c: Mapping[str, Any]) -> Weights:
        hidden, inner, heads = c["hidden_size"], c["intermediate_size"], c["num_attention_heads"]
        size = c.get("head_dim") or hidden // heads
        keys = size * (c.get("num_key_value_heads") or heads)
        biased = c.get("attention_bias", False)
        yield "embed_tokens.weight", (c["vocab_size"], hidden)
        for i in range(c["num_hidden_layers"]):
            name = f"layers.{i}"
            for part, out in (("q", heads * size), ("k", keys), ("v", keys)):
                yield from dense(f"{name}.self_attn.{part}_proj", out, hidden, biased or qkv_bias)
            yield from dense(f"{name}.self_attn.o_proj", hidden, heads * size, biased)
            if normed_heads:
                yield f"{name}.self_attn.q_norm.weight", (size,)
                yield f"{name}.self_attn.k_norm.weight", (size,)
            for part in ("gate", "up") if gated else ("up",):
                yield from dense(f"{name}.mlp.{part}_proj", inner, hidden, c.get("mlp_bias", False))
            yield from dense(f"{name}.mlp.down_proj", hidden, inner, c.get("mlp_bias", False))
            if learned_activation and c["hidden_act"] == "xielu":
                for part, shape in (("alpha_p", (1,)), ("alpha_n", (1,)), ("beta", ()), ("eps", ())):
                    yield f"{name}.mlp.act_fn.{part}", shape
            for part in norms:
                yield f"{name}.{part}.weight", (hidden,)
        yield "norm.weight", (hidden,)

    return weights


def _gpt2(c: Mapping[str, Any]) -> Weights:
    """Maps are stored the other way round."""
    hidden = c["hidden_size"]
    inner = c.get("n_inner") or 4 * hidden
    yield "wte.weight", (c["vocab_size"], hidden)
    yield "wpe.weight", (c["max_position_embeddings"], hidden)
    for i in range(c["num_hidden_layers"]):
        for part, into, out in (
            ("attn.c_attn", hidden, 3 * hidden), ("attn.c_proj", hidden, hidden),
            ("mlp.c_fc", hidden, inner), ("mlp.c_proj", inner, hidden),
        ):  # fmt: skip
            yield f"h.{i}.{part}.weight", (into, out)
            yield f"h.{i}.{part}.bias", (out,)
        yield from norm(f"h.{i}.ln_1", hidden)
        yield from norm(f"h.{i}.ln_2", hidden)
    yield from norm("ln_f", hidden)


def _t5(every_layer: bool = False) -> Callable[[Mapping[str, Any]], Weights]:
    """Encoder and decoder with relative positions, which the first layer of each has for all; `every_layer`:
    each layer has its own (UMT5).
    """

    def attention(name: str, c: Mapping[str, Any], relative: bool) -> Weights:
        inner = c["num_attention_heads"] * c["d_kv"]
        for part in ("q", "k", "v"):
            yield from dense(f"{name}.{part}", inner, c["hidden_size"], bias=False)
        yield from dense(f"{name}.o", c["hidden_size"], inner, bias=False)
        if relative:
            yield (
                f"{name}.relative_attention_bias.weight",
                (c["relative_attention_num_buckets"], c["num_attention_heads"]),
            )

    def weights(c: Mapping[str, Any]) -> Weights:
        hidden, inner = c["hidden_size"], c["d_ff"]
        gated = str(c["feed_forward_proj"]).startswith("gated-")
        yield "shared.weight", (c["vocab_size"], hidden)
        for stack, layers in (
            ("encoder", c["num_hidden_layers"]),
            ("decoder", c.get("num_decoder_layers") or c["num_hidden_layers"]),
        ):
            for i in range(layers):
                name = f"{stack}.block.{i}.layer"
                yield from attention(f"{name}.0.SelfAttention", c, every_layer or i == 0)
                last = 1
                if stack == "decoder":
                    yield from attention(f"{name}.1.EncDecAttention", c, relative=False)
                    last = 2
                for part in ("wi_0", "wi_1") if gated else ("wi",):
                    yield from dense(f"{name}.{last}.DenseReluDense.{part}", inner, hidden, bias=False)
                yield from dense(f"{name}.{last}.DenseReluDense.wo", hidden, inner, bias=False)
                for number in range(last + 1):
                    yield f"{name}.{number}.layer_norm.weight", (hidden,)
            yield f"{stack}.final_layer_norm.weight", (hidden,)

    return weights


_EMBEDDED, _LM_HEAD = "embed_tokens.weight", "lm_head.weight"
_FOUR = (
    "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm",
)  # fmt: skip


def _decoder(
    body: Callable[[Mapping[str, Any]], Weights], *, tied: bool = False, centred: bool = False
) -> Layout:
    return Layout("model.", _EMBEDDED, body, _no_head, _LM_HEAD, family="decoder", tied=tied, centred=centred)


def _encoder_decoder(body: Callable[[Mapping[str, Any]], Weights], *, tied: bool) -> Layout:
    return Layout(
        "", "shared.weight", body, _no_head, _LM_HEAD, family="encoder-decoder", tied=tied,
        copies=("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
        # Of the authors' checkpoints; no model of them reads it.
        leftover=r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",
    )  # fmt: skip


DECODERS: Mapping[str, Layout] = {
    "apertus": _decoder(
        _llama_like(
            ("attention_layernorm", "feedforward_layernorm"), gated=False, normed_heads=True,
            learned_activation=True,
        )
    ),
    "gemma2": _decoder(_llama_like(_FOUR), tied=True, centred=True),
    "gemma3_text": _decoder(_llama_like(_FOUR, normed_heads=True), tied=True, centred=True),
    "gpt2": Layout(
        "transformer.", "wte.weight", _gpt2, _no_head, _LM_HEAD, family="decoder",
        leftover=r"h\.\d+\.attn\.(?:masked_)?bias",  # masks, made anew
    ),
    "llama": _decoder(_llama_like()),
    "mistral": _decoder(_llama_like()),
    "mt5": _encoder_decoder(_t5(), tied=False),
    "qwen2": _decoder(_llama_like(qkv_bias=True)),
    "qwen3": _decoder(_llama_like(normed_heads=True)),
    "smollm3": _decoder(_llama_like(), tied=True),
    "t5": _encoder_decoder(_t5(), tied=True),
    "umt5": _encoder_decoder(_t5(every_layer=True), tied=True),
}  # fmt: skip
"""By model type."""
