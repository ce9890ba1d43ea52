"""A sentence as a language says it, with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

_GLUED = frozenset({".", ",", "!"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words with their analysis; the first four have one entry a word."""

    words: tuple[str, ...]
    upos: tuple[str, ...]
    """Universal part-of-speech tags."""
    heads: tuple[int, ...]
    """Number of the word that each depends on, counted from 1; 0 is the root. Always one tree."""
    relations: tuple[str, ...]
    """Universal dependency relations."""
    entities: tuple[tuple[int, int, str], ...]
    """Spans: first word (from 0), the word after the last, and PER, LOC or ORG."""

    @property
    def text(self) -> str:
        """The words as running text, punctuation joined to the word before."""
        return " ".join(self.words).replace(" .", ".").replace(" ,", ",")

    @property
    def iob2(self) -> tuple[str, ...]:
        """Entities as one tag a word, B- at the first word of each."""
        tags = ["O"] * len(self.words)
        for start, end, kind in self.entities:
            tags[start] = f"B-{kind}"
            for index in range(start + 1, end):
                tags[index] = f"I-{kind}"
        return tuple(tags)
