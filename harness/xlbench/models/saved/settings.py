"""The settings of a `config.json`: which a kind of model has, which values make sense, which would be
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xlbench.errors import ModelError
from xlbench.models.saved.documents import quoted, shown

READABLE = "4.57"
"""The transformers that reads the checkpoints."""
_ENCODER: dict[str, Any] = {
    "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1, "max_position_embeddings": 512, "type_vocab_size": 2,
    "initializer_range": 0.02, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute",
    "pad_token_id": 0,
}  # fmt: skip
_DEBERTA: dict[str, Any] = {
    **{k: v for k, v in _ENCODER.items() if k != "position_embedding_type"},
    "relative_attention": False, "max_relative_positions": -1, "position_biased_input": True,
    "pos_att_type": None, "layer_norm_eps": 1e-7, "legacy": True, "embedding_size": None,
}  # fmt: skip
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "albert": {
        **_ENCODER, "vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "num_hidden_groups": 1,
        "num_attention_heads": 64, "intermediate_size": 16384, "inner_group_num": 1, "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    },
    "bert": _ENCODER,
    "deberta": {**_DEBERTA, "vocab_size": 50265, "type_vocab_size": 0, "talking_head": False},
    "deberta-v2": {
        **_DEBERTA, "vocab_size": 128100, "hidden_size": 1536, "num_hidden_layers": 24,
        "num_attention_heads": 24, "intermediate_size": 6144, "type_vocab_size": 0, "share_att_key": False,
        "position_buckets": -1, "norm_rel_ebd": "none", "attention_head_size": None, "conv_kernel_size": 0,
        "conv_groups": 1, "conv_act": "tanh",
    },
    "distilbert": {
        "vocab_size": 30522, "max_position_embeddings": 512, "sinusoidal_pos_embds": False,
        "hidden_size": 768, "num_hidden_layers": 6, "num_attention_heads": 12, "hidden_dim": 3072,
        "dropout": 0.1, "attention_dropout": 0.1, "activation": "gelu",
        "initializer_range": 0.02, "pad_token_id": 0,
    },
    "electra": {
        **_ENCODER, "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
    "modernbert": {
        "vocab_size": 50368, "hidden_size": 768, "intermediate_size": 1152, "num_hidden_layers": 22,
        "num_attention_heads": 12, "hidden_activation": "gelu", "max_position_embeddings": 8192,
        "initializer_range": 0.02, "initializer_cutoff_factor": 2.0, "norm_eps": 1e-5, "norm_bias": False,
        "pad_token_id": 50283, "cls_token_id": 50281, "global_rope_theta": 160000.0,
        "local_rope_theta": 10000.0, "attention_bias": False, "attention_dropout": 0.0,
        "global_attn_every_n_layers": 3, "local_attention": 128, "embedding_dropout": 0.0, "mlp_bias": False,
        "mlp_dropout": 0.0, "decoder_bias": True, "classifier_bias": False, "classifier_activation": "gelu",
        "classifier_pooling": "cls", "deterministic_flash_attn": False, "sparse_prediction": False,
        "sparse_pred_ignore_index": -100, "reference_compile": None, "repad_logits_with_grad": False,
    },
    "roberta": {**_ENCODER, "vocab_size": 50265, "pad_token_id": 1},
    "xlm-roberta": {**_ENCODER, "pad_token_id": 1},
}  # fmt: skip
"""By model type: the settings that can change what its body or masked-LM head computes, with what holds where
`config.json` does not say."""
ALIASES: Mapping[str, Mapping[str, str]] = {
    "distilbert": {"dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads"},
    "modernbert": {"rope_theta": "global_rope_theta"},
}
"""By model type: names of settings that mean another."""
POSITIVE = frozenset(
    {
        "conv_groups", "embedding_size", "global_attn_every_n_layers", "hidden_dim", "hidden_size",
        "inner_group_num", "intermediate_size", "local_attention", "max_position_embeddings",
        "num_attention_heads", "num_hidden_groups", "num_hidden_layers", "vocab_size", "attention_head_size",
    }
)  # fmt: skip
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
NAMES_OF_FUNCTIONS = ("activation", "conv_act", "hidden_act", "hidden_activation")
LAYERS = frozenset({"inner_group_num", "num_hidden_groups", "num_hidden_layers"})
SHARES = re.compile(r"dropout(_prob)?$")
ABOVE_ZERO = frozenset({"global_rope_theta", "layer_norm_eps", "local_rope_theta", "norm_eps"})
NOT_SET: Mapping[str, str] = {
    "is_decoder": "a decoder reads no text to the right",
    "is_encoder_decoder": "an encoder-decoder has no masked-LM head",
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
    for key, why in NOT_SET.items():
        if config.get(key):
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
    if settings["hidden_size"] % settings["num_attention_heads"]:
        raise ModelError(
            f"{where}: {settings['num_attention_heads']} attention heads do not divide hidden size "
            f"{settings['hidden_size']}; correct num_attention_heads"
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


OF_NEWER: Mapping[str, tuple[str, ...]] = {"modernbert": ("layer_types", "rope_parameters", "sliding_window")}
"""By model type: what transformers 5 writes, and `converted` reads."""


def converted(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Settings in the place of those that transformers 5 writes and 4.57 ignores.

    Raises ModelError where there is nothing that means the same.
    """
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


def filled(config: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a configuration, under the names of this module, defaults filled in."""
    kind = config["model_type"]
    aliases = ALIASES.get(kind, {})
    found = {k: v for k, v in DEFAULTS[kind].items() if v is not None or k == "pad_token_id"}
    found |= {aliases.get(k, k): v for k, v in config.items() if aliases.get(k, k) in DEFAULTS[kind]}
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
