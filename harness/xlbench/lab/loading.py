"""Loading a checkpoint: as an adapter model, and as the masked LM whose head is wanted.

Of some architectures `adapters` has no class of its own, so none with flexible heads, but an interface, which
says where in a layer the adapters go. For these, such a class is put together here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

HEADS = ["classification", "tagging", "question_answering", "dependency_parsing"]
"""Heads of the kinds of task. They need nothing but hidden states, so every architecture has all of them; the
library's own lists leave dependency parsing out for some."""
HOW: Mapping[str, Mapping[str, Any]] = {
    # Compiled layers and unpadded attention would go past the hooks by which adapters act.
    "modernbert": {"reference_compile": False, "attn_implementation": "sdpa"},
}
"""By model type: what else loading is told."""
HEAD_KEYS = {
    r"^lm_predictions\.lm_head\.(dense|LayerNorm)\.": r"cls.predictions.transform.\1.",
    r"^lm_predictions\.lm_head\.bias$": "cls.predictions.bias",
}
"""The masked-LM head of DeBERTa by the names of its authors' checkpoints, and by those of transformers' older
class, which computes the same and is the one whose decoder can be tied."""
LOCAL = {"trust_remote_code": False, "local_files_only": True}


def adapter_model(checkpoint: str) -> Any:
    """The adapter model of a folder, from safetensors; what transformers raises goes through."""
    from adapters import AutoAdapterModel
    from adapters.wrappers.interfaces import get_adapter_interface
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(checkpoint, **LOCAL)
    how = {"use_safetensors": True, **LOCAL, **HOW.get(config.model_type, {})}
    known = get_adapter_interface(config.model_type) is None
    kind = AutoAdapterModel if known else _with_heads(AutoModel._model_mapping[type(config)])
    model = kind.from_pretrained(checkpoint, **how)
    model.head_types = HEADS
    return model


def masked_lm(checkpoint: str, model_type: str) -> Any:
    """The masked LM of a folder, from safetensors; what transformers raises goes through."""
    from transformers import AutoModelForMaskedLM

    how = {"use_safetensors": True, **LOCAL, **HOW.get(model_type, {})}
    if model_type in {"deberta", "deberta-v2"}:
        how |= {"key_mapping": HEAD_KEYS, "legacy": True}
    return AutoModelForMaskedLM.from_pretrained(checkpoint, **how)


@cache
def _with_heads(body: Any) -> Any:
    """An adapter model over this bare model, as `adapters`' own classes are built."""
    from adapters import init
    from adapters.context import AdapterSetup, ForwardContext
    from adapters.heads import ModelWithFlexibleHeadsAdaptersMixin
    from adapters.methods.invertible import init_invertible_adapters
    from adapters.model_mixin import EmbeddingAdaptersWrapperMixin

    (pretrained,) = body.__bases__

    class WithHeads(EmbeddingAdaptersWrapperMixin, ModelWithFlexibleHeadsAdaptersMixin, pretrained):  # type: ignore[misc, valid-type]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            bare = body(config)
            init(bare)
            init_invertible_adapters(bare)
            setattr(self, self.base_model_prefix, bare)
            self._init_head_modules()
            self.init_weights()

        @ForwardContext.wrap  # type: ignore[untyped-decorator]
        def forward(
            self,
            input_ids: Any = None,
            attention_mask: Any = None,
            head: str | None = None,
            return_dict: bool = True,
            **kwargs: Any,
        ) -> Any:
            outputs = self.base_model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
            if not (head or AdapterSetup.get_context_head_setup() or self.active_head):
                return outputs
            return self.forward_head(
                outputs,
                head_name=head,
                attention_mask=attention_mask,
                return_dict=return_dict,
                **kwargs,
            )

    WithHeads.__name__ = f"{body.__name__}WithHeads"
    return WithHeads
