"""Which parts of a model stay as they are in fine-tuning: `--freeze embeddings`, `--freeze layers:0-5`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LAYERS = re.compile(r"layers:(\d+)(?:-(\d+))?")
FORMS = "embeddings, body (all layers), head, layers:0-5 or layers:3, several with + between"


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `FinetuningSettings.freeze` says."""

    embeddings: bool = False
    """Of tokens, positions and segments, with what normalises or maps them. A language-model head that has
    the tokens' embeddings as its weights shares them.
    """
    layers: frozenset[int] = frozenset()
    """By number from 0; of an encoder-decoder, the decoder's go on where the encoder's end."""
    body: bool = False
    """All layers, and what comes after the last."""
    head: bool = False
    """The language-model head's own weights."""

    @classmethod
    def read(cls, text: str) -> Frozen:
        """Raises ValueError, one line, for what names no part."""
        parts = [x.strip() for x in text.split("+")] if text else []
        layers: set[int] = set()
        for part in parts:
            if part in ("embeddings", "body", "head"):
                continue
            found = _LAYERS.fullmatch(part)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
            if first > last or last > 10_000:
                raise ValueError(f"freeze must be {FORMS}, not {text!r}")
            layers.update(range(first, last + 1))
        return cls("embeddings" in parts, frozenset(layers), "body" in parts, "head" in parts)

    def check(self, layers: int) -> None:
        """Raises ValueError, one line, for a layer that a model of so many does not have, and where all parts
        are named.
        """
        if self.embeddings and self.body and self.head:
            raise ValueError("freeze: embeddings+body+head leaves nothing to train; leave a part out")
        if self.layers and max(self.layers) >= layers:
            most = max(self.layers)
            raise ValueError(f"freeze: no layer {most}; the model has {layers}, numbered from 0")
