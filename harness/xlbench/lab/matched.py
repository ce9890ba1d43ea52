"""How much text chunks hold, and how many chunks make a step of equal amounts in all languages.

Chunks begin and end anywhere, so amounts are counted by token: a token has the characters of its line from
where the token before ends to where it ends itself, spaces included. Its bytes are theirs in UTF-8; its words
are those that begin there. What is behind the last token of a line belongs to that one. So the amounts of a
line's tokens add up to the line's own, and a word that two chunks share is counted once, where it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.data import amounts
from xlbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xlbench.contracts import Match

KINDS = ("tokens", "words", "bytes")
LEAST_CHUNKS = 2
"""Of a step: with fewer, amounts could not be made equal by whole chunks."""


@dataclass(frozen=True, eq=False)
class Amounts:
    """What each chunk of a text holds."""

    counts: NDArray[np.int64]
    """Shape (chunks, 3): tokens without those that the tokenizer adds, words, bytes."""
    length: int
    """Tokens of a chunk, all of them."""
    spaced: bool
    """Whether the text is in a script that puts spaces between words."""

    def of(self, kind: str) -> NDArray[np.int64]:
        """Those of a kind, shape (chunks,)."""
        return self.counts[:, KINDS.index(kind)]

    def read(self, rows: NDArray[np.int64]) -> dict[str, float]:
        """What chunks of these numbers hold together: `tokens_read`, `bytes_read`, where words can be counted
        `words_read`, and `times_read`, how often the whole text would have to be read for it.
        """
        total = dict(zip(KINDS, self.counts[rows].sum(axis=0), strict=True))
        found = {f"{x}_read": float(n) for x, n in total.items() if x != "words" or self.spaced}
        return {**found, "times_read": len(rows) / len(self.counts)}


@dataclass(frozen=True, eq=False)
class Budget:
    """What steps have in equal amounts."""

    sizes: NDArray[np.int64]
    """Shape (chunks,): what each chunk of the text has of it."""
    step: float
    """What a step has of it, on average."""


def budget(kind: Match, mine: Amounts, reference: Amounts, tokens: int, names: tuple[str, str]) -> Budget:
    """Steps with as much as `tokens` tokens of the reference text hold on average, special ones included.

    `names` of the two languages are for messages. Raises DataError where words cannot be counted, or a step
    would have fewer than `LEAST_CHUNKS` chunks.
    """
    for one, name in zip((mine, reference), names, strict=True):
        if kind == "words" and not one.spaced:
            raise DataError(f"match words: text in {name} has no spaces between words; match bytes or tokens")
    sizes, known = mine.of(kind), reference.of(kind)
    step = tokens * float(known.sum()) / (len(known) * reference.length)
    mean = float(sizes.mean())
    if not mean:
        raise DataError(f"match {kind}: the text in {names[0]} has none; give other text")
    if step < (1 - 1e-9) * LEAST_CHUNKS * mean:  # two of the reference's own are just enough
        raise DataError(
            f"match {kind}: a step has to hold {step:,.0f} {kind}, as in {names[1]}, and one chunk of "
            f"{names[0]} holds {mean:,.0f}; raise mlm.batch_size or lower mlm.chunk, so that a step has at "
            f"least {LEAST_CHUNKS} chunks"
        )
    return Budget(sizes, step)


def by_token(lines: Sequence[str], encodings: Sequence[Any]) -> NDArray[np.int64]:
    """What each token of some lines holds, as `Amounts.counts` says, shape (tokens, 3)."""
    sizes = np.array([len(x) for x in lines], np.int64)
    base = np.concatenate([[0], np.cumsum(sizes)])
    points = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32)
    width = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
    kinds, which = np.unique(points, return_inverse=True)
    space = np.array([chr(x).isspace() for x in kinds], np.bool_)[which]
    before = np.ones(len(points), np.bool_)  # whether a space, or the line's beginning, is before
    before[1:] = space[:-1]
    before[base[:-1][sizes > 0]] = True
    first = ~space & before
    bytes_to, words_to = (np.concatenate([[0], np.cumsum(x, dtype=np.int64)]) for x in (width, first))

    added = np.concatenate([np.asarray(x.special_tokens_mask, np.bool_) for x in encodings])
    tokens = np.array([len(x.ids) for x in encodings], np.int64)
    line = np.repeat(np.arange(len(lines)), tokens)
    end = np.array([stop for x in encodings for _, stop in x.offsets], np.int64)
    end = np.where(added, 0, end) + base[line]
    last = np.full(len(lines), -1)  # the last token of each line that is text
    last[line[~added]] = np.flatnonzero(~added)
    end[last[last >= 0]] = base[1:][last >= 0]
    end = np.maximum.accumulate(end)
    start = np.maximum(np.concatenate([[0], end[:-1]]), base[line])
    return np.stack([~added, words_to[end] - words_to[start], bytes_to[end] - bytes_to[start]], axis=1)


def by_chunk(lines: Sequence[str], encodings: Sequence[Any], chunks: int, length: int) -> Amounts:
    """What each of the first `chunks` chunks of `length` tokens holds, of lines whose tokens are cut so."""
    counts = by_token(lines, encodings)[: chunks * length]
    return Amounts(counts.reshape(chunks, length, 3).sum(axis=1), length, amounts.is_spaced(lines))
