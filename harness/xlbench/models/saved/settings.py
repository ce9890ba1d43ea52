"""The settings of a `config.json`: which a kind of model has, which values make sense, which would be
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xlbench.errors import ModelError
from xlbench.models.saved.defaults import ALIASES, DEFAULTS
from xlbench.models.saved.documents import quoted, shown
from xlbench.models.saved.layouts import LAYOUTS

READABLE = "4.57"
"""The transformers that reads the checkpoints."""
POSITIVE = frozenset(
    {
        "conv_groups", "embedding_size", "global_attn_every_n_layers", "hidden_dim", "hidden_size",
        "inner_group_num", "intermediate_size", "local_attention", "max_position_embeddings",
        "num_attention_heads", "num_hidden_groups", "num_hidden_layers", "vocab_size", "attention_head_size",
        "d_ff", "d_kv", "head_dim", "n_inner", "num_decoder_layers", "num_key_value_heads",
        "relative_attention_max_distance", "relative_attention_num_buckets", "sliding_window",
    }
)  # fmt: skip
MAY_BE_NULL = frozenset(
    {
        "_sliding_window_pattern", "attn_logit_softcapping", "dense_act_fn", "final_logit_softcapping",
        "head_dim", "hidden_act", "is_gated_act", "layer_types", "n_inner", "no_rope_layers",
        "num_decoder_layers",
        "num_key_value_heads", "rope_scaling", "sliding_window", "sliding_window_pattern",
    }
)  # fmt: skip
"""Settings of decoders and encoder-decoders for which null means what leaving them out means."""
WHOLE = frozenset({"conv_kernel_size", "max_relative_positions", "position_buckets", "type_vocab_size"})
"""Integers of which some may be 0 or -1."""
MOST = 10_000_000
"""Largest integer of a setting; the largest vocabularies have a tenth."""
MOST_LAYERS = 1000
ACTIVATIONS = frozenset(
    {
        "gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh",
        "gelu_pytorch_tanh", "laplace", "leaky_relu", "linear", "mish", "prelu", "quick_gelu", "relu",
        "relu2", "relu6", "sigmoid", "silu", "swish", "tanh", "xielu",
    }
)  # fmt: skip
"""Functions that transformers has by name."""
NAMES_OF_FUNCTIONS = (
    "activation", "activation_function", "conv_act", "dense_act_fn", "hidden_act", "hidden_activation",
)  # fmt: skip
LAYERS = frozenset({"inner_group_num", "num_decoder_layers", "num_hidden_groups", "num_hidden_layers"})
SHARES = re.compile(r"(dropout(_prob|_rate)?|pdrop)$")
ABOVE_ZERO = frozenset(
    {
        "global_rope_theta", "layer_norm_eps", "layer_norm_epsilon", "local_rope_theta", "norm_eps",
        "query_pre_attn_scalar", "rms_norm_eps", "rope_local_base_freq", "rope_theta",
    }
)  # fmt: skip
NOT_SET: Mapping[str, str] = {
    "is_decoder": "an encoder that is run as a decoder",
    "use_bidirectional_attention": "a decoder that is run as an encoder",
    "is_encoder_decoder": "it is no encoder-decoder",
    "add_cross_attention": "its layers would wait for another text",
    "torchscript": "weights that belong together would be kept apart",
    "pruned_heads": "pruned heads are not supported",
    "quantization_config": "its weights are quantized, which adapters and finetuning cannot use",
    "compression_config": "its weights are compressed",
    "attribute_map": "it would give settings other names",
    "sub_configs": "it would add models of its own",
}
"""Settings that must not be there, or be false, and why."""
UNREAD = frozenset(
    {
        "classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout", "qa_dropout", "output_past",
        "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
        "pooler_type", "pooler_dropout", "pooler_hidden_act", "pooler_hidden_size", "cls_dropout",
        "output_attentions", "output_hidden_states", "chunk_size_feed_forward", "cross_attention_hidden_size",
        "tie_word_embeddings", "tie_encoder_decoder", "net_structure_type", "gap_size",
        "num_memory_blocks", "down_scale_factor", "layers_to_keep", "summary_last_dropout",
        "summary_activation", "decoder_start_token_id", "gradient_checkpointing",
        "use_scaled_init", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "num_return_sequences",
        "num_beam_groups",
        "task_specific_params", "problem_type", "finetuning_task", "use_cache", "embedding_size",
        "attn_implementation", "_attn_implementation", "_attn_implementation_internal",
        "_attn_implementation_autoset", "sbert_ce_default_activation_function",
        "experts_implementation", "_experts_implementation",
    }
)  # fmt: skip
"""Settings of published checkpoints that sound structural and that no part used here reads, whatever the
model.
"""
STRUCTURAL = re.compile(
    r"rope|rotary|alibi|position|attn|attention|layer|hidden|head|activation|_act$|window|embed|"
    r"residual|scal|sparse|expert|moe|norm|bias|conv|kernel|causal|bidirectional|intermediate|theta|softcap|"
    r"recurrent|memory|depth|width|group"
)
"""In the name of a setting: it may change what a model computes."""


def check(config: Mapping[str, Any], where: str) -> None:
    """Raise ModelError where settings of a supported model type make no sense, or some that may change its
    numbers would be ignored.
    """
    kind = config["model_type"]
    family = LAYOUTS[kind].family
    for key, why in NOT_SET.items():
        if config.get(key) and not (key == "is_encoder_decoder" and family == "encoder-decoder"):
            raise ModelError(f"{where}: {key} is {quoted(config[key])}, which cannot be used: {why}")
    known = DEFAULTS[kind]
    aliases = ALIASES.get(kind, {})
    for key, value in config.items():
        _check_value(key, aliases.get(key, key), value, known, where)
    settings = filled(config)
    heads = next((k for k, v in aliases.items() if v == "num_attention_heads"), "num_attention_heads")
    if heads not in config and "num_attention_heads" not in config:
        raise ModelError(
            f"{where}: {heads} is missing, and no weight tells it; take it from the original checkpoint"
        )
    apart = "head_dim" in settings or "d_kv" in settings  # the size of a head is a setting of its own
    if not apart and settings["hidden_size"] % settings["num_attention_heads"]:
        raise ModelError(
            f"{where}: {settings['num_attention_heads']} attention heads do not divide hidden size "
            f"{settings['hidden_size']}; correct num_attention_heads"
        )
    if settings["num_attention_heads"] % settings.get("num_key_value_heads", 1):
        raise ModelError(
            f"{where}: {settings['num_key_value_heads']} key-value heads do not divide "
            f"{settings['num_attention_heads']} attention heads; correct num_key_value_heads"
        )
    padding = settings["pad_token_id"]
    if padding is not None and (type(padding) is not int or not 0 <= padding < settings["vocab_size"]):
        raise ModelError(
            f"{where}: pad_token_id {quoted(padding)} is none of the {settings['vocab_size']} of vocab_size"
        )
    if settings.get("position_embedding_type", "absolute") != "absolute":
        raise ModelError(
            f"{where}: position_embedding_type {quoted(settings['position_embedding_type'])} is not "
            "supported; "
            "only absolute is"
        )
    for key in ("dtype", "torch_dtype"):
        if config.get(key) not in (None, "auto", "float64", "float32", "float16", "bfloat16"):
            raise ModelError(f"{where}: {key} {quoted(config[key])} is no type of weights that can be used")
    for key, value in config.items():
        if _would_be_ignored(key, value, kind):
            raise ModelError(
                f"{where}: transformers {READABLE} knows no {shown(key)} of {kind}, so that "
                f"{quoted(value)} would be ignored{saved_by(config)}; delete it if it changes nothing"
            )
    converted(config, where)


def _check_value(key: str, meaning: str, value: Any, known: Mapping[str, Any], where: str) -> None:
    """Whether a setting has a value of its kind."""
    if meaning not in known:
        return
    default = known[meaning]
    why = ""
    if value is None and meaning in MAY_BE_NULL:
        return
    if meaning in POSITIVE or meaning in WHOLE:
        least = 1 if meaning in POSITIVE else -1 if meaning != "type_vocab_size" else 0
        most = MOST_LAYERS if meaning in LAYERS else MOST
        if value is None and default is None:
            why = "leave it out"
        elif type(value) is not int or not least <= value <= most:
            why = f"an integer from {least} to {most} is needed"
    elif SHARES.search(meaning):
        if type(value) not in (int, float) or not 0 <= value < 1:
            why = "a share from 0 to below 1 is needed"
    elif meaning in ABOVE_ZERO:
        if type(value) not in (int, float) or not 0 < value < 1e12:
            why = "a positive number is needed"
    elif meaning in NAMES_OF_FUNCTIONS:
        if not isinstance(value, str) or value not in ACTIVATIONS:
            why = f"no function of transformers {READABLE}, such as gelu"
    elif isinstance(default, bool):
        if type(value) is not bool:
            why = "true or false is needed"
    elif isinstance(default, str) and not isinstance(value, str):
        why = "text is needed"
    if why:
        raise ModelError(f"{where}: {key} is {quoted(value)}; {why}")


def _would_be_ignored(key: str, value: Any, kind: str) -> bool:
    if value is None or value is False or value in ({}, [], ""):
        return False
    if (
        key in DEFAULTS[kind]
        or key in ALIASES.get(kind, {})
        or key in UNREAD
        or key in OF_NEWER.get(kind, ())
    ):
        return False
    return STRUCTURAL.search(key.lower()) is not None and not _is_usual(key, value)


def _is_usual(key: str, value: Any) -> bool:
    """Settings that sound structural and say what holds anyway."""
    usual = {"position_embedding_type": ("absolute", "sans_pos"), "layer_norm_eps": (1e-05, 1e-12)}
    return value in usual.get(key, ())


OF_NEWER: Mapping[str, tuple[str, ...]] = {
    "modernbert": ("layer_types", "rope_parameters", "sliding_window"),
    **{x: ("rope_parameters",) for x, one in LAYOUTS.items() if one.family == "decoder"},
}
"""By model type: what transformers 5 writes, and `converted` reads."""


def converted(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Settings in the place of those that transformers 5 writes and 4.57 ignores.

    Raises ModelError where there is nothing that means the same.
    """
    if LAYOUTS[config["model_type"]].family == "decoder":
        return _converted_rope(config, where)
    if config["model_type"] != "modernbert":
        return {}
    found: dict[str, Any] = {}
    settings = filled(config)

    def refuse(key: str) -> ModelError:
        return ModelError(
            f"{where}: {key} {quoted(config[key])} cannot be expressed in transformers {READABLE}"
            f"{saved_by(config)}"
        )

    if (types := config.get("layer_types")) is not None:
        layers = settings["num_hidden_layers"]
        every = next(
            (
                n for n in range(1, layers + 1)
                if types == ["sliding_attention" if i % n else "full_attention" for i in range(layers)]
            ),
            None,
        )  # fmt: skip
        if every is None:
            raise refuse("layer_types")
        stays = settings["global_attn_every_n_layers"]
        same = types == ["sliding_attention" if i % stays else "full_attention" for i in range(layers)]
        found["global_attn_every_n_layers"] = stays if same else every
    if (rope := config.get("rope_parameters")) is not None:
        names = {"full_attention": "global_rope_theta", "sliding_attention": "local_rope_theta"}
        if not isinstance(rope, Mapping) or not set(rope) <= set(names):
            raise refuse("rope_parameters")
        for kind, name in names.items():
            one = rope.get(kind)
            if one is None:
                continue
            if not isinstance(one, Mapping) or not set(one) <= {"rope_type", "rope_theta"}:
                raise refuse("rope_parameters")
            theta = one.get("rope_theta", settings[name])
            if one.get("rope_type", "default") != "default" or type(theta) not in (int, float) or theta <= 0:
                raise refuse("rope_parameters")
            found[name] = theta
    if (window := config.get("sliding_window")) is not None and window != settings["local_attention"] // 2:
        raise refuse("sliding_window")
    return found


def _converted_rope(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Of decoders: `rope_parameters` that hold for all layers."""
    rope = config.get("rope_parameters")
    if rope is None:
        return {}
    theta: Any = rope.get("rope_theta") if isinstance(rope, Mapping) else None
    if type(theta) not in (int, float) or not 0 < theta < 1e12 or "rope_theta" not in filled(config):
        raise ModelError(
            f"{where}: rope_parameters {quoted(rope)} cannot be expressed in transformers {READABLE}"
            f"{saved_by(config)}"
        )
    scaling = {k: v for k, v in rope.items() if k != "rope_theta"}
    plain = scaling.get("rope_type", "default") == "default"
    return {"rope_theta": float(theta), "rope_scaling": None if plain else scaling}


def filled(config: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a configuration, under the names of this module, defaults filled in."""
    kind = config["model_type"]
    aliases = ALIASES.get(kind, {})
    found = {k: v for k, v in DEFAULTS[kind].items() if v is not None or k == "pad_token_id"}
    found |= {
        aliases.get(k, k): v for k, v in config.items()
        if aliases.get(k, k) in DEFAULTS[kind] and not (v is None and aliases.get(k, k) in MAY_BE_NULL)
    }  # fmt: skip
    return found


def saved_by(config: Mapping[str, Any]) -> str:
    """A part of a message: that a newer transformers saved this, and what to do; empty where none did."""
    from packaging.version import InvalidVersion, Version

    said = config.get("transformers_version")
    try:
        newer = isinstance(said, str) and Version(said) >= Version("4.58.dev0")
    except InvalidVersion:
        return ""
    if not newer:
        return ""
    return f" (saved by transformers {shown(said, 30)}; save it again with transformers {READABLE})"
