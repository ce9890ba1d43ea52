"""An architecture that is not built in: how the models of a family are loaded."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelClasses:
    """What `Architecture.load` gives: three classes in the manner of transformers."""

    config: Any
    """A `PretrainedConfig` whose `model_type` is the architecture's. It has `hidden_size`,
    `num_hidden_layers`, and `max_position_embeddings` where inputs have a longest length."""
    body: Any
    """A `PreTrainedModel` of `input_ids`, `attention_mask` and `output_hidden_states`, which gives a
    `BaseModelOutput`. It derives from one class of the family, as transformers' own models do, with
    `config_class` and `base_model_prefix`."""
    language_model: Any
    """The body, under the name `base_model_prefix`, with the masked-LM head. It gives a `MaskedLMOutput`; of
    `inputs_embeds`, which it hands to the body, as of `input_ids`."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """An encoder that neither transformers nor adapters know, with everything that xlbench has for encoders.

    Checkpoints are folders as transformers saves them: `config.json`, safetensors, a fast tokenizer. Before a
    run, weights are checked for what can be known without the model's code; when they are loaded, for any
    that are missing, left over or of another shape. The plugin's code is what runs, never code of a
    checkpoint.
    """

    model_type: str
    """What `config.json` says; not that of a built-in architecture."""
    load: Callable[[], Any]
    """Gives `ModelClasses`; called where a model is loaded, and only there is torch imported."""
    prefix: str
    """`base_model_prefix` of the classes: what names of the body's weights begin with, before a dot."""
    words: str
    """Name of the word embeddings within the body: "embeddings.words.weight"."""
    head: str
    """What names of the head's weights begin with: "lm"."""
    interface: Mapping[str, Any] = field(repr=False)
    """Where in a layer adapters go: the arguments of `adapters.AdapterModelInterface`."""
    version: int = 1
    """Raised where the same checkpoint gives other numbers; part of all identities."""

    def __post_init__(self) -> None:
        for name in ("model_type", "prefix", "words", "head"):
            if not re.fullmatch(r"[\w.-]+", getattr(self, name)):
                raise ValueError(f"architecture: {name} must be a name, not {getattr(self, name)!r}")
        if self.version < 1:
            raise ValueError(
                f"architecture {self.model_type!r}: version must be at least 1, not {self.version}"
            )
