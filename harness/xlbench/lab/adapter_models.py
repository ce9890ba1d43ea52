"""Adapter models over any bare model, where `adapters` has none that reads as is needed here.

Of some architectures the library has no class with flexible heads, but an interface, which says where in a
layer the adapters go. Of decoders and encoder-decoders it has classes that find the end of a text by the
number of its padding, which a text may have too, and that run a decoder though heads sit on the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from xlbench.contracts import Family


_PRE_NORM: Mapping[str, Any] = {
    "adapter_methods": ["bottleneck", "lora", "reft", "invertible"],
    "model_embeddings": "embed_tokens", "model_layers": "layers", "layer_self_attn": "self_attn",
    "layer_cross_attn": None, "attn_q_proj": "q_proj", "attn_k_proj": "k_proj", "attn_v_proj": "v_proj",
    "attn_o_proj": "o_proj", "layer_intermediate_proj": "mlp.up_proj", "layer_output_proj": "mlp.down_proj",
}  # fmt: skip
INTERFACES: Mapping[str, Mapping[str, Any]] = {
    "apertus": {
        **_PRE_NORM, "layer_pre_self_attn": "attention_layernorm", "layer_pre_ffn": "feedforward_layernorm",
    },
    "smollm3": {
        **_PRE_NORM, "layer_pre_self_attn": "input_layernorm", "layer_pre_ffn": "post_attention_layernorm",
    },
    # An interface has one list of layers: adapters are in the encoder alone, which heads read.
    "umt5": {
        "adapter_methods": ["bottleneck", "lora", "reft", "invertible"],
        "model_embeddings": "shared", "model_layers": "encoder.block",
        "layer_self_attn": "layer.0.SelfAttention", "layer_cross_attn": None, "attn_q_proj": "q",
        "attn_k_proj": "k", "attn_v_proj": "v", "attn_o_proj": "o",
        "layer_intermediate_proj": "layer.1.DenseReluDense.wi_0",
        "layer_output_proj": "layer.1.DenseReluDense.wo", "layer_pre_self_attn": "layer.0.layer_norm",
        "layer_pre_ffn": "layer.1.layer_norm",
    },
}  # fmt: skip
"""By model type that the library knows nothing of: where in a layer adapters go
(`adapters.AdapterModelInterface`)."""


@cache
def class_over(body: Any, family: Family) -> Any:
    """An adapter model over a bare model of transformers'."""
    return own_class_over(body, family, None)


def own_class_over(body: Any, family: Family, interface: Mapping[str, Any] | None) -> Any:
    """An adapter model over a bare model, as `adapters`' own classes are built; of a plugin's architecture,
    `interface` says where adapters go.

    Heads get the vectors of all tokens of the text that is read; of an encoder-decoder, the encoder's. Heads
    of a whole text get that of its last token, for only it has seen all; an encoder's get the first.
    """
    from adapters import AdapterModelInterface, init
    from adapters.context import AdapterSetup, ForwardContext
    from adapters.heads import ModelWithFlexibleHeadsAdaptersMixin
    from adapters.methods.invertible import init_invertible_adapters
    from adapters.model_mixin import EmbeddingAdaptersWrapperMixin

    (pretrained,) = body.__bases__

    class WithHeads(EmbeddingAdaptersWrapperMixin, ModelWithFlexibleHeadsAdaptersMixin, pretrained):  # type: ignore[misc, valid-type]
        base_model_prefix = pretrained.base_model_prefix or "model"
        _tied_weights_keys = _tied(body, pretrained.base_model_prefix or "model")

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            bare = body(config)
            where = INTERFACES.get(config.model_type) if interface is None else interface
            init(bare, interface=None if where is None else AdapterModelInterface(**where))
            if hasattr(bare, "adapter_interface"):
                init_invertible_adapters(bare)
            setattr(self, self.base_model_prefix, bare)
            self._init_head_modules()
            self.init_weights()

        @ForwardContext.wrap  # type: ignore[untyped-decorator]
        def read(self, input_ids: Any, attention_mask: Any, **more: Any) -> Any:
            """What the text is read by gives."""
            reader = self.base_model.encoder if family == "encoder-decoder" else self.base_model
            return reader(input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **more)

        @ForwardContext.wrap  # type: ignore[untyped-decorator]
        def forward(
            self,
            input_ids: Any = None,
            attention_mask: Any = None,
            head: str | None = None,
            return_dict: bool = True,
            **kwargs: Any,
        ) -> Any:
            outputs = self.read(input_ids, attention_mask)
            if not (head or AdapterSetup.get_context_head_setup() or self.active_head):
                return outputs
            if family != "encoder":
                rows = torch.arange(len(input_ids), device=input_ids.device)
                kwargs["cls_output"] = outputs[0][rows, attention_mask.sum(1) - 1]
            return self.forward_head(
                outputs,
                head_name=head,
                attention_mask=attention_mask,
                return_dict=return_dict,
                **kwargs,
            )

    WithHeads.__name__ = f"{body.__name__}WithHeads"
    return WithHeads


def _tied(body: Any, prefix: str) -> list[str]:
    """Names of the weights that are one in the bare model, as they are in the model over it."""
    return [f"{prefix}.{name}" for name in getattr(body, "_tied_weights_keys", None) or ()]
