"""Labelled examples: what the built-in kinds of task read, and the base class of those that others bring."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from xlbench.errors import DataError

if TYPE_CHECKING:
    from xlbench.contracts.task import Task

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Where each word of a sentence stands in the sentence's own text: start and end, in characters from 0.

In the order of the words, and apart from each other. The words of a contraction that have no characters of
their own (Italian "delle" for "di" and "le") have those of the whole contraction each.
"""
SENTENCE_END = re.compile(r"(?<=[.!?。！？।؟۔])\s*")
SHOWN = 12
"""Labels that a message names."""


class Example:
    """One labelled example: what the core has to know of it, whatever its kind of task.

    A kind of task brings a class of its own, usually a frozen dataclass, with `sentences` and whatever else
    does not hold as it is here.
    """

    __slots__ = ()

    def sentences(self) -> tuple[str, ...]:
        """The texts of the example, as they were written."""
        raise NotImplementedError

    def own_sentences(self) -> tuple[str, ...]:
        """Those of its texts that are in the language that it is an example of: what tells how that is
        written, and how finely it is tokenized.
        """
        return self.sentences()

    def tested(self) -> Iterable[str]:
        """Texts that no line may equal that the model is fine-tuned on, where this is a test example."""
        return self.sentences()

    def stratum(self) -> str:
        """A limited sample has its share of the examples of each stratum: of labels, such as "NOUN"."""
        return ""

    def fault(self, task: Task) -> str:
        """What makes it no example of the task, a part of one line; empty where nothing does."""
        return ""


class Worded(Example):
    """An example whose words are given, and found again among the tokens of its text."""

    __slots__ = ()
    words: tuple[str, ...]
    text: str | None
    spans: Spans | None

    def sentences(self) -> tuple[str, ...]:
        """Its text; without one, its words joined by one space."""
        return (" ".join(self.words) if self.text is None else self.text,)

    def tested(self) -> Iterable[str]:
        """Its words joined as well, which differ where the text has contractions: "delle" is "di le"."""
        return self.sentences() if self.text is None else (self.text, " ".join(self.words))


@dataclass(frozen=True, slots=True)
class Tagged(Worded):
    """A sentence with one label per word; `words` and `tags` have the same length, at least 1."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    text: str | None = None
    """The sentence as it was written, where that is known; otherwise its words are joined by one space."""
    spans: Spans | None = None
    """Where the words stand in `text`, which is given together with this or not at all."""

    def __post_init__(self) -> None:
        _check_spans(self.words, self.text, self.spans)

    def fault(self, task: Task) -> str:
        """A label that is not the task's, or not one per word."""
        return _not_each(self.words, self.tags) or unknown_label(self.tags, task)


@dataclass(frozen=True, slots=True)
class Classified(Example):
    """One or two texts with one label."""

    texts: tuple[str, ...]
    label: str

    def sentences(self) -> tuple[str, ...]:
        """One or two."""
        return self.texts

    def stratum(self) -> str:
        """Its label."""
        return self.label

    def fault(self, task: Task) -> str:
        """A label that is not the task's."""
        return unknown_label((self.label,), task)


@dataclass(frozen=True, slots=True)
class Parsed(Worded):
    """A sentence with its dependency tree, one arc per word; all three have the same length, at least 1."""

    words: tuple[str, ...]
    heads: tuple[int, ...]
    """Number of each word's head, from 1; 0 for the one word that hangs from the root."""
    relations: tuple[str, ...]
    """What each word is to its head."""
    text: str | None = None
    """As in `Tagged`."""
    spans: Spans | None = None
    """As in `Tagged`."""

    def __post_init__(self) -> None:
        _check_spans(self.words, self.text, self.spans)

    def fault(self, task: Task) -> str:
        """A relation that is not the task's, a head that is no other word, or not one arc per word."""
        if wrong := _not_each(self.words, self.relations):
            return wrong
        if len(self.heads) != len(self.words):
            return f"{len(self.words)} words with {len(self.heads)} heads"
        for word, head in enumerate(self.heads, 1):
            if head == word or not 0 <= head <= len(self.words):
                return (
                    f"word {word} of {len(self.words)} has the head {head}; a head is the number of another "
                    "word, or 0"
                )
        return unknown_label(self.relations, task)


@dataclass(frozen=True, slots=True)
class Answered(Example):
    """A question about a context that has the answer in it."""

    question: str
    context: str
    answers: tuple[str, ...]
    """What counts as right, at least one, each word for word in the context. Training takes the first."""
    starts: tuple[int, ...]
    """Where each answer starts in the context, in characters."""

    def sentences(self) -> tuple[str, ...]:
        """Question and context."""
        return self.question, self.context

    def tested(self) -> Iterable[str]:
        """The sentences of the context as well."""
        return (self.question, self.context, *SENTENCE_END.split(self.context))

    def stratum(self) -> str:
        """Its paragraph."""
        return self.context

    def fault(self, task: Task) -> str:
        """No answer, or one without its place."""
        if not self.answers or len(self.answers) != len(self.starts):
            return f"{len(self.answers)} answers with {len(self.starts)} places"
        return ""


@dataclass(frozen=True, slots=True)
class Rated(Example):
    """Two texts with a number, such as how alike they are."""

    texts: tuple[str, str]
    rating: float
    """On whatever scale; more is more."""

    def sentences(self) -> tuple[str, ...]:
        """Both."""
        return self.texts

    def fault(self, task: Task) -> str:
        """Not two texts, or no number."""
        if len(self.texts) != 2:
            return f"{len(self.texts)} texts where 2 are due"
        return "" if math.isfinite(self.rating) else f"the rating {self.rating}, which is no finite number"


@dataclass(frozen=True, slots=True)
class Translated(Example):
    """A text and its translation into a language that is the same in all examples of a set."""

    text: str
    translation: str

    def sentences(self) -> tuple[str, ...]:
        """Both."""
        return self.text, self.translation

    def own_sentences(self) -> tuple[str, ...]:
        """Without the translation."""
        return (self.text,)


@dataclass(frozen=True, slots=True)
class Line(Example):
    """A line of running text, without a label."""

    text: str

    def sentences(self) -> tuple[str, ...]:
        """The line."""
        return (self.text,)


def unknown_label(labels: Iterable[str], task: Task) -> str:
    """What is wrong with labels of which one is not the task's; empty where all are."""
    known = _set(tuple(task.labels))
    for label in labels:
        if label not in known:
            some = ", ".join([*map(str, task.labels[:SHOWN]), *["..."][: len(task.labels) > SHOWN]])
            return f"label {label!r} is not one of the task's ({some}); rename it or remove the example"
    return ""


@lru_cache(maxsize=8)
def _set(labels: tuple[str | None, ...]) -> frozenset[str | None]:
    return frozenset(labels)


def _not_each(words: Sequence[str], labels: Sequence[str]) -> str:
    if not words or len(labels) != len(words):
        return f"{len(words)} words with {len(labels)} labels"
    return ""


def _check_spans(words: Sequence[str], text: str | None, spans: Spans | None) -> None:
    """Raise DataError where a sentence's text and the places of its words do not go together."""
    if text is None and spans is None:
        return
    if text is None or spans is None:
        raise DataError(
            "a sentence has `text` without `spans`, or `spans` without `text`; give both or neither"
        )
    if len(spans) != len(words):
        raise DataError(f"a sentence of {len(words)} words has {len(spans)} spans; give one per word")
    before = (0, 0)
    for word, (start, end) in zip(words, spans, strict=True):
        if not (start < end <= len(text) and (before[1] <= start or (start, end) == before)):
            raise DataError(
                f"the word {word[:40]!r} has the characters {start} to {end} of a text of {len(text)}, after "
                f"a word that ends at {before[1]}; give the spans of words in their order, apart or equal"
            )
        before = start, end
