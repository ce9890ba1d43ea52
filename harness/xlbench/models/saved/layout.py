"""What a layout says: which weights a model has, with their shapes, determined from its configuration alone.

Names are those that transformers 4.57 reads, without the prefix of the body. `head` is what the objective
that the model was pretrained with needs besides: the masked-LM head, or that which continues a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from xlbench.contracts import Family

Shapes: TypeAlias = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The weights of one kind of model."""

    prefix: str
    """Of the body's names in a checkpoint with a head."""
    words: str
    """The word embeddings."""
    body: Callable[[Mapping[str, Any]], Iterator[tuple[str, tuple[int, ...]]]]
    head: Callable[[Mapping[str, Any]], Iterator[tuple[str, tuple[int, ...]]]]
    decoder: str
    """The head's matrix over the vocabulary; missing where it is the word embeddings."""
    bias: tuple[str, ...] = ()
    """Names of one and the same vector, the decoder's bias; a checkpoint has one of them, or more."""
    leftover: str = ""
    """Pattern of names in its authors' checkpoints that the body of its settings does not have."""
    family: Family = "encoder"
    tied: bool = True
    """Whether the decoder's matrix is the word embeddings where the configuration does not say."""
    copies: tuple[str, ...] = ()
    """Other names that older checkpoints give the word embeddings besides."""
    centred: bool = False
    """Whether the scales of normalisations are stored less 1, so that zero is an ordinary one."""

    def is_spare(self, name: str) -> bool:
        """Whether a weight of this plain name may be there though no part of the body has it."""
        if name == self.decoder or name in self.bias or name in self.copies:
            return True
        pattern = SPARE if self.family == "encoder" else SPARE_OF_DECODERS
        return bool(pattern.fullmatch(name) or (self.leftover and re.fullmatch(self.leftover, name)))


def norm(name: str, size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A layer normalisation."""
    yield f"{name}.weight", (size,)
    yield f"{name}.bias", (size,)


def dense(name: str, out: int, into: int, bias: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A linear map."""
    yield f"{name}.weight", (out, into)
    if bias:
        yield f"{name}.bias", (out,)


RENAMED = (
    (re.compile(r"LayerNorm\.gamma$"), "LayerNorm.weight"),
    (re.compile(r"LayerNorm\.beta$"), "LayerNorm.bias"),
    (re.compile(r"^lm_predictions\.lm_head\.(dense|LayerNorm)\."), r"cls.predictions.transform.\1."),
    (re.compile(r"^lm_predictions\.lm_head\.bias$"), "cls.predictions.bias"),
)
"""Older names, and those of DeBERTa's authors, which are read as the others."""
SPARE = re.compile(
    r"(?:.*\.)?(?:position_ids|token_type_ids|inv_freq)"  # numbers that are made anew
    r"|pooler\..*"
    r"|(?:cls|sop_classifier|lm_predictions|lm_head|predictions|generator_predictions|generator_lm_head"
    r"|discriminator_predictions|mask_predictions|vocab_transform|vocab_layer_norm|vocab_projector|head"
    r"|decoder)\..*"
    r"|(?:classifier|pre_classifier|qa_outputs|score|logits_proj|sequence_summary|seq_relationship)\..*"
)
"""Names, without the body's prefix, that need not be there and may be: poolers, which nothing here reads;
other pretraining heads (next sentence, sentence order, discriminators); heads of finetuned classifiers."""


SPARE_OF_DECODERS = re.compile(
    r"(?:.*\.)?(?:position_ids|inv_freq)"
    r"|(?:classifier|classification_head|qa_outputs|score|v_head|multiple_choice_head)\..*"
)
"""The same of decoders and encoder-decoders, whose own parts have some of those names."""


def plain_name(name: str, layout: Layout) -> str:
    """The name of a weight without the body's prefix, and as transformers 4.57 calls it."""
    for old, new in RENAMED:
        name = old.sub(new, name)
    return name.removeprefix(layout.prefix)
