"""Labelled examples as pieces, whatever the kind of the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from xlbench.lab import running_text

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from numpy.typing import NDArray

    from xlbench.contracts import Family, Worded

ReadAt: TypeAlias = Literal["first", "last"]
SPACE_MARKS = "▁Ġ# \u00a0"
"""What tokenizers put before or in a piece without its carrying any text."""


@dataclass(frozen=True, eq=False)
class Tokenization:
    """How examples become inputs of the model."""

    tokenizer: Any
    max_length: int
    """Longest input in tokens, special tokens included."""
    blank: frozenset[int]
    """Tokens that carry no text (`blank_pieces`)."""
    family: Family = "encoder"
    """How the model reads."""

    @property
    def words_at(self) -> ReadAt:
        """Which token of a word the head reads: the last where a token sees only those before it."""
        return "last" if self.family == "decoder" else "first"

    @property
    def texts_at(self) -> ReadAt:
        """Which token of a text the head reads: that which stands for it in pretraining, or the last where
        there is none.
        """
        return "first" if self.family == "encoder" else "last"

    def text_place(self, ids: Sized) -> int:
        """Position of that token; `Encoder.text_places` has those of a batch."""
        return 0 if self.texts_at == "first" else len(ids) - 1

    def never_empty(self, ids: Sequence[int]) -> NDArray[np.int32]:
        """An input's tokens; the end of a text alone, or any token, where there are none."""
        return np.asarray(ids or [self.tokenizer.eos_token_id or 0], np.int32)

    def second(self, texts: Sequence[str]) -> list[str]:
        """Texts that follow another one, with a line break before where the tokenizer puts nothing between
        two.
        """
        alone, both = (self.tokenizer.num_special_tokens_to_add(pair=x) for x in (False, True))
        return [f"\n{x}" for x in texts] if alone == both else list(texts)


@dataclass(frozen=True, eq=False)
class Encoded:
    """Examples of one split of one language as inputs of the model; an example is one input or more."""

    ids: list[NDArray[np.int32]]
    """Pieces of each input, special tokens included."""
    types: list[NDArray[np.int32]] | None
    """Segment numbers of each piece, where the model has them and the example has two texts."""
    places: list[NDArray[np.int32]]
    """Of each input, the positions of the pieces that the head reads: of a sentence the first piece of each
    word, -1 where it was cut off; of a classification its first piece; of a window those of the context."""
    gold: list[Any]
    """What the metric compares with, of each example."""
    truncated: int
    """Words (classification, spans: examples) that were cut off."""
    ends: list[NDArray[np.int32]] | None = None
    """Of each input, one past the last piece of what begins at each place; None: one piece each."""
    example: NDArray[np.int64] | None = None
    """Number of each input's example, in order; None: each input is an example."""

    def __len__(self) -> int:
        """The number of inputs."""
        return len(self.ids)

    def by_example(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of what was found for each input, shape (inputs, k), over the inputs of each example, shape
        (examples, k).
        """
        if self.example is None:
            return found
        sums = np.zeros((len(self.gold), found.shape[1]))
        np.add.at(sums, self.example, found)
        return sums


@dataclass(frozen=True, eq=False)
class Words:
    """Sentences as pieces, with their words found again."""

    ids: list[NDArray[np.int32]]
    first: list[NDArray[np.int32]]
    """Position of each word's first piece, -1 where it was cut off."""
    ends: list[NDArray[np.int32]]
    """One past each word's last piece; 0 where it was cut off."""
    labelled: list[NDArray[np.int32]]
    """Position of each word's first piece that carries text (or first piece at all), or of its last piece
    where words are read there; -1 where cut off."""

    @property
    def truncated(self) -> int:
        """Words that were cut off."""
        return sum(int((x < 0).sum()) for x in self.labelled)


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts, or pairs of them, as tokens."""

    ids: list[NDArray[np.int32]]
    types: list[NDArray[np.int32]] | None
    """As in `Encoded`."""
    read: list[NDArray[np.int32]]
    """Of each input, the position of the token that stands for all of it, shape (1,)."""
    own: list[NDArray[np.int32]]
    """Of each input, the positions of its tokens that are not special ones."""
    truncated: int
    """Inputs that were cut off."""


def blank_pieces(tokenizer: Any) -> frozenset[int]:
    """Numbers of the pieces that carry no text, such as a lone "▁"."""
    return frozenset(i for piece, i in tokenizer.get_vocab().items() if not piece.strip(SPACE_MARKS))


def encode_texts(texts: Sequence[Sequence[str]], how: Tokenization) -> Texts:
    """Tokenize one text each, or two, as one input, cutting each at the longest input."""
    pair = bool(texts) and len(texts[0]) == 2
    columns = [[x[0] for x in texts]]
    if pair:
        columns.append(how.second([x[1] for x in texts]))
    batch = how.tokenizer(*columns, truncation=True, max_length=how.max_length, return_attention_mask=False)
    typed = pair and "token_type_ids" in how.tokenizer.model_input_names
    ids = [how.never_empty(x.ids) for x in batch.encodings]
    return Texts(
        ids,
        [np.asarray(x.type_ids, np.int32) for x in batch.encodings] if typed else None,
        [np.array([how.text_place(x)], np.int32) for x in ids],
        [np.flatnonzero([not y for y in x.special_tokens_mask]).astype(np.int32) for x in batch.encodings],
        sum(bool(x.overflowing) for x in batch.encodings),
    )


def encode_words(sentences: Sequence[Worded], how: Tokenization) -> Words:
    """Tokenize sentences as running text, cutting each at the longest input.

    A word of which only a token without text is left counts as cut off.
    """
    found = Words([], [], [], [])
    read = running_text.tokenize(sentences, how.tokenizer, truncation=True, max_length=how.max_length)
    for sentence, tokens in zip(sentences, read, strict=True):
        ids = tokens.encoding.ids
        size = len(sentence.words)
        first, labelled = np.full((2, size), -1, np.int32)
        ends = np.zeros(size, np.int32)
        settled = [False] * size
        for position, word in enumerate(tokens.words):
            if word == running_text.NOWHERE:
                continue
            ends[word] = position + 1
            if first[word] < 0:
                first[word] = position
            if settled[word]:
                continue
            settled[word] = not (tokens.empty[position] or ids[position] in how.blank)
            if settled[word] or labelled[word] < 0:
                labelled[word] = position
        for word, position in tokens.shared.items():
            first[word], ends[word], labelled[word], settled[word] = position, position + 1, position, True
        if tokens.encoding.overflowing:
            last = max(tokens.words)
            if last != running_text.NOWHERE and not settled[last]:  # its text was cut off, not its space mark
                first[last], ends[last], labelled[last] = -1, 0, -1
        found.ids.append(how.never_empty(ids))
        found.first.append(first)
        found.ends.append(ends)
        found.labelled.append(labelled if how.words_at == "first" else ends - 1)
    return found
