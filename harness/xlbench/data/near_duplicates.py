"""What text is compared by, and sentences that are equal but for one word.

Words are runs of letters, marks and digits, case folded, in Unicode's composed form (NFC). In scripts that
put no space between words each letter is one.

Two sentences are equal but for one word if one is the other with a word replaced, added or taken away. They
are found by hashes of each with one word left out or marked (Mor & Fraenkel 1982), in which lines are looked
up instead of being compared with every sentence.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

SHARED_WORDS = 3
SHARED_LETTERS = 8
"""Sentences that have fewer words or letters in common are not taken for near-duplicates."""
UNSPACED = (
    *((0x0E00, 0x0EFF), (0x0F00, 0x109F), (0x1780, 0x17FF)),  # Thai and Lao, Tibetan and Burmese, Khmer
    *((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),  # kana, Han
)
"""Characters of scripts that put no space between words."""
BASE, INVERSE, LENGTH, MARKED = (
    0x9E3779B97F4A7C15,
    pow(0x9E3779B97F4A7C15, -1, 1 << 64),
    0xBF58476D1CE4E5B9,
    0x94D049BB133111EB,
)
"""Of hashes modulo 2^64: an odd base and its inverse, what a word more adds, and what stands for any word."""


class _Words(dict[int, str]):
    """What becomes of each character, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character)[0] not in "LMN":
            character = " "
        elif any(first <= code <= last for first, last in UNSPACED):
            character = f" {character} "
        self[code] = character
        return character


_WORDS = _Words()


def words(text: str) -> list[str]:
    """The words of a text. Spaces, punctuation and symbols make no difference but where they part words."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return folded.translate(_WORDS).split()


@dataclass(frozen=True, eq=False)
class _Hashes:
    """Of sentences, all as 64-bit numbers; with a word left out, or marked, only where enough is left."""

    whole: NDArray[np.uint64]
    """One per sentence."""
    without: NDArray[np.uint64]
    """One per word, of its sentence without it."""
    marked: NDArray[np.uint64]
    """One per word, of its sentence with a mark in its place."""
    owner: NDArray[np.int64]
    """Number of the sentence of each word."""


class NearDuplicates:
    """Finds the lines that are equal to one of some sentences but for one word."""

    def __init__(self, sentences: Iterable[str]) -> None:
        import numpy as np

        self._hash_of: dict[str, int] = {}
        known = self._hashes(list(sentences))
        self._whole, self._without, self._marked = map(np.unique, (known.whole, known.without, known.marked))

    def among(self, lines: Sequence[str]) -> list[int]:
        """Numbers of the lines that are, from 0, in order; lines that are equal to a sentence count too."""
        import numpy as np

        mine = self._hashes(lines)
        near = _are_in(mine.whole, self._without)
        near[mine.owner[_are_in(mine.without, self._whole)]] = True
        near[mine.owner[_are_in(mine.marked, self._marked)]] = True
        return [int(x) for x in np.flatnonzero(near)]

    def _hashes(self, sentences: Sequence[str]) -> _Hashes:
        """With words x_0 to x_(n-1) of a sentence and base B, whole is the sum of x_i B^i, plus n times
        `LENGTH`.
        """
        import numpy as np

        split = [words(x) for x in sentences]
        sizes = np.array([len(x) for x in split], np.int64)
        owner = np.repeat(np.arange(len(split)), sizes)
        flat = [word for one in split for word in one]
        x = np.array([self._hash(word) for word in flat], np.uint64)
        letters = np.array([len(word) for word in flat], np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(len(flat)) - starts[owner]
        powers = np.full(int(sizes.max(initial=0)) + 1, BASE, np.uint64)
        powers[0] = 1
        powers = np.multiply.accumulate(powers)
        terms = x * powers[place]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        total = sums[starts[1:]] - sums[starts[:-1]]
        n = sizes.astype(np.uint64) * np.uint64(LENGTH)
        before = sums[:-1] - sums[starts[owner]]  # of the words before each
        after = total[owner] - before - terms
        without = before + after * np.uint64(INVERSE) + n[owner] - np.uint64(LENGTH)
        marked = total[owner] + (np.uint64(MARKED) - x) * powers[place] + n[owner]
        of_sentence = np.bincount(owner, letters, minlength=len(split)).astype(np.int64)
        enough = (sizes[owner] > SHARED_WORDS) & (of_sentence[owner] - letters >= SHARED_LETTERS)
        return _Hashes(total + n, without[enough], marked[enough], owner[enough])

    def _hash(self, word: str) -> int:
        if word not in self._hash_of:
            digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
            self._hash_of[word] = int.from_bytes(digest, "little")
        return self._hash_of[word]


def _are_in(some: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of some numbers are among sorted ones."""
    import numpy as np

    if not len(known):
        return np.zeros(len(some), np.bool_)
    places = np.minimum(np.searchsorted(known, some), len(known) - 1)
    return np.equal(known[places], some)
