"""Words as tokens of the text that they stand in.

A tokenizer knows a word by the space before it, and the model was pretrained on running text. So a sentence
is tokenized as plain text, never word by word, and words are found again by the characters that each token
covers.

Two words that one token covers could only be given one label. The second gets a space in front, and the
sentence is tokenized again. Words of a contraction that have no characters of their own are written one after
the other.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from xlbench.contracts import Worded

NOWHERE = -1
"""The word of a token that belongs to none."""


@dataclass(frozen=True, eq=False)
class Line:
    """A sentence as the tokenizer gets it."""

    text: str
    places: list[tuple[int, int]]
    """Start and end of each word in the text, in characters; in order and apart."""

    def apart(self, words: Collection[int]) -> Line:
        """The same with a space before some words, by number, where there is none yet."""
        parts, places, done, more = [], [], 0, 0
        for number, (start, end) in enumerate(self.places):
            if number in words and start and not self.text[start - 1].isspace():
                parts.append(self.text[done:start])
                done, more = start, more + 1
            places.append((start + more, end + more))
        return Line(" ".join([*parts, self.text[done:]]), places)


@dataclass(frozen=True, eq=False)
class Tokens:
    """A sentence as tokens, with its words found again."""

    line: Line
    encoding: Any
    """As the tokenizer gives it, special tokens included."""
    words: list[int]
    """Number of the word that each token belongs to, or `NOWHERE`."""
    empty: list[bool]
    """Whether each token covers nothing but space."""
    shared: dict[int, int]
    """By word without a token of its own: position of the token that covers it and a word before it."""


def written(example: Worded) -> Line:
    """A sentence's own text, in which words that have the same characters are written one after the other;
    where it has none, its words joined by one space.
    """
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0

    def write(part: str) -> None:
        nonlocal length
        parts.append(part)
        length += len(part)

    if example.text is None or example.spans is None:
        for number, word in enumerate(example.words):
            write(" " if number else "")
            places.append((length, length + len(word)))
            write(word)
        return Line("".join(parts), places)
    done = 0
    for (start, end), group in groupby(zip(example.spans, example.words, strict=True), key=lambda x: x[0]):
        words = [word for _, word in group]
        write(example.text[done:start])
        for number, form in enumerate(words if len(words) > 1 else [example.text[start:end]]):
            write(" " if number else "")
            places.append((length, length + len(form)))
            write(form)
        done = end
    write(example.text[done:])
    return Line("".join(parts), places)


def tokenize(examples: Iterable[Worded], tokenizer: Any, **how: Any) -> list[Tokens]:
    """The tokens of sentences; `how` goes to the tokenizer."""
    lines = [written(x) for x in examples]
    found: dict[int, Tokens] = {}
    todo: Sequence[int] = range(len(lines))
    for attempt in range(3):
        if not todo:
            break
        batch = tokenizer([lines[i].text for i in todo], return_attention_mask=False, verbose=False, **how)
        found |= {i: _tokens(lines[i], x) for i, x in zip(todo, batch.encodings, strict=True)}
        todo = [i for i in todo if found[i].shared]
        for i in todo:
            every = range(len(lines[i].places))
            # Words that even then share a token, which reaches over spaces, are left to share it.
            lines[i] = lines[i].apart(every if attempt else found[i].shared)
    return [found[i] for i in range(len(lines))]


def _tokens(line: Line, encoding: Any) -> Tokens:
    text = line.text
    of = [NOWHERE] * len(text)  # the word of each character
    for number, (start, end) in enumerate(line.places):
        of[start:end] = [number] * (end - start)
    words: list[int] = []
    empty: list[bool] = []
    reached: dict[int, int] = {}
    for position, ((start, end), special) in enumerate(
        zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    ):
        part = text[start:end]
        bare = part.strip()
        empty.append(not bare)
        if special:
            words.append(NOWHERE)
        elif bare:
            first = start + len(part) - len(part.lstrip())
            last = first + len(bare) - 1
            whole = of[first] == of[last] != NOWHERE
            covered = [of[first]] if whole else [of[i] for i in range(first, last + 1)]
            covered = [word for word in covered if word != NOWHERE]
            words.append(covered[0] if covered else NOWHERE)
            for word in covered:
                reached.setdefault(word, position)
        else:
            words.append(_around(start, line, of))
    own = {*words}
    return Tokens(line, encoding, words, empty, {k: v for k, v in reached.items() if k not in own})


def _around(start: int, line: Line, of: Sequence[int]) -> int:
    """The word that space belongs to: that which it is in, or that which it is before."""
    if start < len(of) and of[start] != NOWHERE:
        return of[start]
    word = bisect_left(line.places, (start, start))
    if word == len(line.places) or line.text[start : line.places[word][0]].strip():
        return NOWHERE
    return word
