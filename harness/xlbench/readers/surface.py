"""Where the words of a treebank's sentence stand in the sentence as it was written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
Written: TypeAlias = tuple[str, Spans]
"""A text, and start and end of each word in it."""


@dataclass(frozen=True, slots=True)
class Token:
    """What stands between two spaces or other tokens: a word, or a contraction of several."""

    form: str
    words: tuple[str, ...]
    """Its syntactic words, at least one; of a contraction they need not be parts of its form."""
    space_after: bool = True

    def spans(self, start: int) -> Iterator[tuple[int, int]]:
        """Where the words stand if the token begins at `start`: at their parts of its form where they make it
        up, but for accents and case ("dámelo": "da", "me", "lo"); otherwise all at the whole form.
        """
        if len(self.words) == 1:
            yield start, start + len(self.form)
        elif _letters("".join(self.words)) == _letters(self.form):
            for word in self.words:
                yield start, start + len(word)
                start += len(word)
        else:
            for _ in self.words:
                yield start, start + len(self.form)


def joined(tokens: Sequence[Token]) -> Written:
    """The text of tokens by what they say about the space after them."""
    text, gap, spans = "", "", list[tuple[int, int]]()
    for token in tokens:
        text += gap
        spans += token.spans(len(text))
        text += token.form
        gap = " " * token.space_after
    return text, tuple(spans)


def found(tokens: Sequence[Token], text: str) -> Spans | None:
    """Where the words stand in a text; None where it is not just these tokens, with any space between."""
    spans = list[tuple[int, int]]()
    at = 0
    for token in tokens:
        start = _past_space(text, at)
        if (end := _match(token.form, text, start)) is None:
            return None
        spans += token.spans(start) if end - start == len(token.form) else [(start, end)] * len(token.words)
        at = end
    return tuple(spans) if _past_space(text, at) == len(text) else None


def begun(tokens: Sequence[Token], text: str) -> bool:
    """Whether a text begins with tokens and has more than them."""
    at = 0
    for token in tokens:
        end = _match(token.form, text, _past_space(text, at))
        if end is None:
            return False
        at = end
    return _past_space(text, at) < len(text)


def words_in_text(forms: Sequence[str], words: Sequence[bool], text: str) -> Spans | None:
    """Where words stand in a text of which the rows of a treebank are known, but not which belong together.

    `words` says of each row whether it is a word: another is a contraction of some of the words after it, or
    an empty node, which is not written. None where the rows cannot be the text.
    """
    total = len(forms)

    def options(row: int, at: int) -> Iterator[tuple[int, int, Token | None]]:
        start = _past_space(text, at)
        end = _match(forms[row], text, start)
        if words[row]:
            if end is not None:
                yield row + 1, end, Token(forms[row], (forms[row],))
            return
        if end is not None:
            size = 1
            while row + size < total and words[row + size]:
                yield row + size + 1, end, Token(forms[row], tuple(forms[row + 1 : row + size + 1]))
                size += 1
        yield row + 1, at, None  # an empty node

    # Depth first, without recursion, and no place twice.
    chosen: list[Token | None] = []
    paths = [options(0, 0)]
    seen = set[tuple[int, int]]()
    while paths:
        for row, at, token in paths[-1]:
            if row == total and _past_space(text, at) == len(text):
                return found([x for x in (*chosen, token) if x], text)
            if row < total and (row, at) not in seen:
                seen.add((row, at))
                chosen.append(token)
                paths.append(options(row, at))
                break
        else:
            paths.pop()
            if chosen:
                chosen.pop()
    return None


def _letters(text: str) -> list[str]:
    """Of each character what it is but for accents and case."""
    return [unicodedata.normalize("NFD", x)[0].casefold() for x in text]


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _match(form: str, text: str, start: int) -> int | None:
    """The end of a form in a text, where it begins at `start`; any space is any other."""
    if text.startswith(form, start):
        return start + len(form)
    at = start
    for number, part in enumerate(form.split()):
        if number:
            at = _past_space(text, at)
        if not text.startswith(part, at):
            return None
        at += len(part)
    return at if at > start else None
