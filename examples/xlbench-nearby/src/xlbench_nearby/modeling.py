"""The encoder: attention less a penalty on distance, no position embeddings, squared ReLU, norms first.

For head h of H, a token at i attends to one at j with softmax_j(q_i k_j / sqrt(d) - 2^(-8 h / H) |i - j|).
Imported where a model is loaded, and only there, since it imports torch.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput

from xlbench.contracts import ModelClasses


class NearbyConfig(PretrainedConfig):
    """Sizes of a model."""

    model_type = "nearby"

    def __init__(
        self,
        vocab_size: int = 1000,
        hidden_size: int = 64,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        intermediate_size: int = 256,
        max_position_embeddings: int = 512,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_hidden_layers, self.num_attention_heads = num_hidden_layers, num_attention_heads
        self.intermediate_size = intermediate_size
        self.max_position_embeddings = max_position_embeddings


class NearbyPreTrainedModel(PreTrainedModel):
    """What body and language model have in common."""

    config_class = NearbyConfig
    base_model_prefix = "nearby"

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            module.weight.data.normal_(std=0.05)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()


class Attention(nn.Module):
    """Self-attention that prefers what is near."""

    def __init__(self, config: NearbyConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.query, self.key, self.value, self.output = (
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )

    def forward(self, vectors: Tensor, bias: Tensor) -> tuple[Tensor, None]:
        """`vectors`, shape (batch, length, hidden), with `bias`, shape (batch, heads, length, length)."""
        batch, length, hidden = vectors.shape
        query, key, value = (
            project(vectors).view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.output(mixed.transpose(1, 2).reshape(batch, length, hidden)), None


class Layer(nn.Module):
    """Attention and a feed-forward part, each after a normalisation and beside its input."""

    def __init__(self, config: NearbyConfig) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(config.hidden_size)
        self.attention = Attention(config)
        self.before_feed_forward = nn.LayerNorm(config.hidden_size)
        self.widen = nn.Linear(config.hidden_size, config.intermediate_size)
        self.narrow = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, vectors: Tensor, bias: Tensor) -> Tensor:
        """Of the same shape as `vectors`."""
        vectors = vectors + self.attention(self.before_attention(vectors), bias)[0]
        wide = nn.functional.relu(self.widen(self.before_feed_forward(vectors))).square()
        return vectors + self.narrow(wide)


class NearbyModel(NearbyPreTrainedModel):
    """The body."""

    def __init__(self, config: NearbyConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.last_norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The word embeddings."""
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace them."""
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool = False,
        return_dict: bool = True,
        **_: Any,
    ) -> BaseModelOutput:
        """Vectors of all tokens, and of every layer where they are asked for."""
        vectors = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if attention_mask is None:
            attention_mask = torch.ones(vectors.shape[:2], device=vectors.device)
        bias = self.bias(attention_mask, vectors.dtype)
        states = [vectors]
        for layer in self.layers:
            states.append(layer(states[-1], bias))
        states[-1] = self.last_norm(states[-1])
        return BaseModelOutput(
            last_hidden_state=states[-1], hidden_states=tuple(states) if output_hidden_states else None
        )

    def bias(self, attention_mask: Tensor, dtype: torch.dtype) -> Tensor:
        """What is added to attention, shape (batch, heads, length, length): less the further away, and least
        of all for padding.
        """
        heads, length = self.config.num_attention_heads, attention_mask.shape[1]
        place = torch.arange(length, device=attention_mask.device)
        apart = (place[:, None] - place[None, :]).abs().to(dtype)
        slope = 2.0 ** (-8 * torch.arange(1, heads + 1, device=place.device, dtype=dtype) / heads)
        padding = (1 - attention_mask[:, None, None, :].to(dtype)) * torch.finfo(dtype).min
        return padding - slope[None, :, None, None] * apart


class LanguageHead(nn.Module):
    """From vectors to the vocabulary."""

    def __init__(self, config: NearbyConfig) -> None:
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def forward(self, vectors: Tensor) -> Tensor:
        """Shape (..., vocabulary)."""
        made: Tensor = self.decoder(self.norm(nn.functional.gelu(self.transform(vectors))))
        return made


class NearbyForMaskedLM(NearbyPreTrainedModel):
    """The body with its language-model head, whose matrix is the word embeddings."""

    _tied_weights_keys = ("lm.decoder.weight",)

    def __init__(self, config: NearbyConfig) -> None:
        super().__init__(config)
        self.nearby = NearbyModel(config)
        self.lm = LanguageHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """The map to the vocabulary."""
        return self.lm.decoder

    def set_output_embeddings(self, value: nn.Linear) -> None:
        """Replace it."""
        self.lm.decoder = value

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, **more: Any
    ) -> MaskedLMOutput:
        """Logits of all tokens."""
        found = self.nearby(input_ids=input_ids, attention_mask=attention_mask, **more)
        return MaskedLMOutput(logits=self.lm(found.last_hidden_state))


def classes() -> ModelClasses:
    """What `Architecture.load` gives."""
    return ModelClasses(NearbyConfig, NearbyModel, NearbyForMaskedLM)
