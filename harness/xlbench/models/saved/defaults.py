"""The settings of a `config.json` that can change what a kind of model computes, and what holds where they
are missing (the defaults of transformers 4.57).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
_DECODER: dict[str, Any] = {
    "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": None, "head_dim": None, "hidden_act": "silu",
    "max_position_embeddings": 2048, "initializer_range": 0.02, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
    "rope_scaling": None, "attention_bias": False, "attention_dropout": 0.0, "pad_token_id": None,
}  # fmt: skip
_QWEN: dict[str, Any] = {
    **_DECODER, "vocab_size": 151936, "intermediate_size": 22016, "num_key_value_heads": 32,
    "max_position_embeddings": 32768, "use_sliding_window": False, "sliding_window": 4096,
    "max_window_layers": 28, "layer_types": None,
}  # fmt: skip
_GEMMA: dict[str, Any] = {
    **_DECODER, "vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
    "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_act": None,
    "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 8192, "pad_token_id": 0,
    "query_pre_attn_scalar": 256, "sliding_window": 4096, "layer_types": None,
    "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0,
}  # fmt: skip
"""`hidden_act` is in published configurations beside `hidden_activation`, which alone is read."""
_T5: dict[str, Any] = {
    "vocab_size": 32128, "hidden_size": 512, "d_kv": 64, "d_ff": 2048, "num_hidden_layers": 6,
    "num_decoder_layers": None, "num_attention_heads": 8, "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128, "dropout_rate": 0.1, "layer_norm_epsilon": 1e-6,
    "initializer_factor": 1.0, "feed_forward_proj": "relu", "dense_act_fn": None, "is_gated_act": None,
    "pad_token_id": 0, "decoder_start_token_id": None,
}  # fmt: skip
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "albert": {
        **_ENCODER, "vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "num_hidden_groups": 1,
        "num_attention_heads": 64, "intermediate_size": 16384, "inner_group_num": 1, "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    },
    "apertus": {
        **_DECODER, "vocab_size": 131072, "intermediate_size": 14336, "hidden_act": "xielu",
        "max_position_embeddings": 65536, "rms_norm_eps": 1e-5, "rope_theta": 12000000.0, "pad_token_id": 3,
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
    "gemma2": _GEMMA,
    "gemma3_text": {
        **_GEMMA, "vocab_size": 262208, "max_position_embeddings": 131072, "rope_theta": 1000000.0,
        "final_logit_softcapping": None, "attn_logit_softcapping": None, "rope_local_base_freq": 10000.0,
        "sliding_window_pattern": None, "_sliding_window_pattern": None,
        "use_bidirectional_attention": False,
    },
    "gpt2": {
        "vocab_size": 50257, "max_position_embeddings": 1024, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "n_inner": None, "activation_function": "gelu_new", "resid_pdrop": 0.1,
        "embd_pdrop": 0.1, "attn_pdrop": 0.1, "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
        "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
        "reorder_and_upcast_attn": False, "pad_token_id": None,
    },
    "llama": {**_DECODER, "mlp_bias": False},
    "mistral": {
        **_DECODER, "intermediate_size": 14336, "num_key_value_heads": 8, "max_position_embeddings": 131072,
        "sliding_window": 4096,
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
    "mt5": {
        **_T5, "vocab_size": 250112, "d_ff": 1024, "num_hidden_layers": 8, "num_attention_heads": 6,
        "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0,
    },
    "qwen2": _QWEN,
    "qwen3": {**_QWEN, "head_dim": 128},
    "smollm3": {
        **_DECODER, "vocab_size": 128256, "hidden_size": 2048, "num_hidden_layers": 36,
        "num_attention_heads": 16, "num_key_value_heads": 4, "max_position_embeddings": 32768,
        "rope_theta": 2000000.0, "pad_token_id": 128004, "use_sliding_window": False, "sliding_window": None,
        "no_rope_layers": None, "no_rope_layer_interval": 4, "layer_types": None, "mlp_bias": False,
    },
    "t5": _T5,
    "umt5": {
        **_T5, "vocab_size": 250112, "d_ff": 1024, "num_hidden_layers": 8, "num_attention_heads": 6,
        "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0,
    },
    "roberta": {**_ENCODER, "vocab_size": 50265, "pad_token_id": 1},
    "xlm-roberta": {**_ENCODER, "pad_token_id": 1},
}  # fmt: skip
"""By model type: the settings that can change what its body or masked-LM head computes, with what holds where
`config.json` does not say."""
_OF_T5 = {"d_model": "hidden_size", "num_heads": "num_attention_heads", "num_layers": "num_hidden_layers"}
ALIASES: Mapping[str, Mapping[str, str]] = {
    "distilbert": {"dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads"},
    "gpt2": {
        "n_embd": "hidden_size", "n_positions": "max_position_embeddings", "n_head": "num_attention_heads",
        "n_layer": "num_hidden_layers",
    },
    "modernbert": {"rope_theta": "global_rope_theta"},
    "mt5": _OF_T5,
    "t5": _OF_T5,
    "umt5": _OF_T5,
}  # fmt: skip
"""By model type: names of settings that mean another."""
