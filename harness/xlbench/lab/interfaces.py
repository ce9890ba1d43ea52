"""Adapter models of architectures that `adapters` has no class of its own for.

For these the library has an interface, which says where in a layer the adapters go, but neither flexible
heads nor `AutoAdapterModel`. Here a class is put together that has both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

HEADS = ["classification", "multilabel_classification", "tagging", "multiple_choice", "question_answering"]
"""Heads that need nothing but hidden states."""


def from_pretrained(checkpoint: str, **how: Any) -> Any:
    """The adapter model of a checkpoint folder; what transformers raises goes through."""
    from adapters import AutoAdapterModel
    from adapters.wrappers.interfaces import get_adapter_interface
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(checkpoint, trust_remote_code=False, local_files_only=True)
    if get_adapter_interface(config.model_type) is None:
        return AutoAdapterModel.from_pretrained(checkpoint, **how)
    return _with_heads(AutoModel._model_mapping[type(config)]).from_pretrained(checkpoint, **how)


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
        head_types = HEADS

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
