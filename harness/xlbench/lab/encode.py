"""Tokenizing labelled examples, once a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Classified, Example, Tagged

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACE_MARKS = "▁Ġ# \u00a0"
"""What tokenizers put before or in a piece without its carrying any text."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Examples of one split of one language as pieces."""

    ids: list[NDArray[np.int32]]
    """Pieces of each example, special tokens included."""
    types: list[NDArray[np.int32]] | None
    """Segment numbers of each piece, where the model has them and the example has two texts."""
    places: list[NDArray[np.int32]]
    """For each example and word, the position of the piece to label; -1 where it was cut off.
    A classification has one place, the first piece."""
    gold: list[tuple[str, ...]]
    """Gold labels of each example, one a word."""
    truncated: int
    """Words (classification: examples) that were cut off."""

    def __len__(self) -> int:
        return len(self.ids)


def blank_pieces(tokenizer: Any) -> frozenset[int]:
    """Numbers of the pieces that carry no text, such as a lone "▁"."""
    return frozenset(i for piece, i in tokenizer.get_vocab().items() if not piece.strip(SPACE_MARKS))


def encode(examples: Sequence[Example], tokenizer: Any, max_length: int, blank: frozenset[int]) -> Encoded:
    """Tokenize examples, cutting each at `max_length` pieces.

    A word is labelled at its first piece that carries text; a word with no such piece at its first piece.
    """
    tagged = [x for x in examples if isinstance(x, Tagged)]
    if len(tagged) == len(examples):
        return _encode_tagged(tagged, tokenizer, max_length, blank)
    return _encode_classified([x for x in examples if isinstance(x, Classified)], tokenizer, max_length)


def _encode_tagged(
    examples: Sequence[Tagged], tokenizer: Any, max_length: int, blank: frozenset[int]
) -> Encoded:
    ids, places, truncated = [], [], 0
    batch = tokenizer([list(x.words) for x in examples], is_split_into_words=True, truncation=True,
                      max_length=max_length, return_attention_mask=False)  # fmt: skip
    for example, encoding in zip(examples, batch.encodings, strict=True):
        pieces = encoding.ids
        first = np.full(len(example.words), -1, np.int32)
        settled = [False] * len(example.words)
        for position, word in enumerate(encoding.word_ids):
            if word is None or settled[word]:
                continue
            settled[word] = pieces[position] not in blank
            if settled[word] or first[word] < 0:
                first[word] = position
        if encoding.overflowing:
            last = max(w for w in encoding.word_ids if w is not None)
            first[last] = first[last] if settled[last] else -1  # its text was cut off, not its space mark
        ids.append(np.asarray(pieces, np.int32))
        places.append(first)
        truncated += int((first < 0).sum())
    return Encoded(ids, None, places, [x.tags for x in examples], truncated)


def _encode_classified(examples: Sequence[Classified], tokenizer: Any, max_length: int) -> Encoded:
    texts = [list(x.texts) for x in examples]
    pair = bool(texts) and len(texts[0]) == 2
    columns = [[t[0] for t in texts], [t[1] for t in texts]] if pair else [[t[0] for t in texts]]
    batch = tokenizer(*columns, truncation=True, max_length=max_length, return_attention_mask=False)
    ids = [np.asarray(e.ids, np.int32) for e in batch.encodings]
    types = None
    if pair and "token_type_ids" in tokenizer.model_input_names:
        types = [np.asarray(e.type_ids, np.int32) for e in batch.encodings]
    place = np.zeros(1, np.int32)
    return Encoded(
        ids,
        types,
        [place] * len(ids),
        [(x.label,) for x in examples],
        sum(bool(e.overflowing) for e in batch.encodings),
    )
