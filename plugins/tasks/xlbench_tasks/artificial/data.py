"""The artificial languages as labelled data and as text."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from xlbench.contracts import Classified, Example, Line, Rated, Split, Tagged, Translated
from xlbench.errors import DataError
from xlbench_tasks.artificial.discourse import discourse
from xlbench_tasks.artificial.meanings import Meaning, draw_meaning
from xlbench_tasks.artificial.nli import Pair, pairs
from xlbench_tasks.artificial.speaker import speaker
from xlbench_tasks.artificial.sts import RatedPair, rated_pairs
from xlbench_tasks.artificial.tree import LEAVES

if TYPE_CHECKING:
    from xlbench_tasks.artificial.sentence import Sentence

VERSION = 1
"""Raised whenever the same seed gives other data; part of every fingerprint."""
SIZES: dict[Split, int] = {"train": 2000, "dev": 200, "test": 500}
"""Examples of a task in each language."""
LINES = 20_000
"""Lines of text in each language."""
SOURCE = "artificial languages made by xlbench from a seed; Apache-2.0"
DOMAIN = "artificial"

TaskName: TypeAlias = Literal["pos", "ner", "nli", "lm", "sts", "retrieval"]
UNTRAINED = frozenset({"lm", "retrieval"})
"""Tasks that have test data alone."""
POOL = "qaa"
"""The language that `retrieval` searches; it is no target itself."""
_T = TypeVar("_T")


class _Stream(Generic[_T]):
    """An endless iterator that keeps what it has given."""

    def __init__(self, source: Iterator[_T]) -> None:
        self._source = source
        self._kept: list[_T] = []

    def first(self, count: int) -> Sequence[_T]:
        self._kept += islice(self._source, max(0, count - len(self._kept)))
        return self._kept[:count]


def sentence_meanings(rng: random.Random, split: Split) -> Iterator[Meaning]:
    """Meanings of single sentences, without end, all of the split."""
    while True:
        yield draw_meaning(rng, split)


def _rng(*parts: object) -> random.Random:
    return random.Random("/".join(("xlbench artificial", *map(str, parts))))


@lru_cache(maxsize=64)
def _sentences(seed: int, task: str, split: Split, language: str) -> _Stream[Meaning]:
    return _Stream(sentence_meanings(_rng(seed, task, split, language), split))


@lru_cache(maxsize=64)
def _pairs(seed: int, split: Split, language: str) -> _Stream[Pair]:
    return _Stream(pairs(_rng(seed, "nli", split, language), split))


@lru_cache(maxsize=64)
def _rated(seed: int, split: Split, language: str) -> _Stream[RatedPair]:
    return _Stream(rated_pairs(_rng(seed, "sts", split, language), split))


@lru_cache(maxsize=64)
def _text(seed: int, purpose: str, language: str) -> _Stream[Meaning]:
    return _Stream(discourse(_rng(seed, purpose, language)))


def _check(language: str) -> None:
    if language not in LEAVES:
        raise DataError(
            f"{language!r} is not an artificial language; there are {', '.join(LEAVES)}: "
            f"choose among these or give other data"
        )


class ArtificialData:
    """Sentences of one task, labelled but for `lm` and `retrieval`, which have test data alone.

    Test and dev say the same in all languages, line by line; train says something else in each.
    No event of one split occurs in another, or in the text.
    """

    name = "artificial"
    parallel = True
    source = SOURCE
    random_order = True
    """Examples are drawn one after the other, so that the first ones are a draw."""

    def __init__(self, task: TaskName, seed: int = 0) -> None:
        self.task: str = task
        self.seed = seed

    def domain(self, language: str) -> str | None:
        """Made by the same rules as the text."""
        return DOMAIN

    def languages(self, split: Split) -> Collection[str]:
        """All artificial languages; of `retrieval` all but the one that is searched."""
        if self.task in UNTRAINED and split != "test":
            return ()
        return tuple(x for x in LEAVES if (self.task, x) != ("retrieval", POOL))

    def fingerprint(self, language: str, split: Split) -> str:
        """Version, seed and split; raises DataError for a language that is not artificial."""
        _check(language)
        into = f" into {POOL}" if self.task == "retrieval" else ""
        return f"artificial {VERSION}, seed {self.seed}, {self.task} {split}, {language}{into}"

    def sentences(self, language: str, split: Split, limit: int | None = None) -> list[Sentence]:
        """The sentences behind the examples of `pos` and `ner`, heads and relations included."""
        _check(language)
        stream = _sentences(self.seed, self.task, split, language if split == "train" else "all")
        say = speaker(language).say
        return [say(x) for x in stream.first(_count(SIZES[split], limit))]

    def pairs(self, language: str, split: Split, limit: int | None = None) -> Sequence[Pair]:
        """The meanings behind the examples of `nli`."""
        _check(language)
        stream = _pairs(self.seed, split, language if split == "train" else "all")
        return stream.first(_count(SIZES[split], limit))

    def rated(self, language: str, split: Split, limit: int | None = None) -> Sequence[RatedPair]:
        """The meanings behind the examples of `sts`."""
        _check(language)
        stream = _rated(self.seed, split, language if split == "train" else "all")
        return stream.first(_count(SIZES[split], limit))

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples, or all; the same on every machine. Raises DataError for a split that
        the task does not have.
        """
        _check(language)
        if language not in self.languages(split):
            which = f"language {language} has" if language == POOL and split == "test" else "languages have"
            raise DataError(f"the artificial {which} no {split} data for {self.task}")
        return list(_examples(self, language, split, limit))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArtificialData) and (self.task, self.seed) == (other.task, other.seed)

    def __hash__(self) -> int:
        return hash((self.task, self.seed))


@lru_cache(maxsize=128)
def _examples(data: ArtificialData, language: str, split: Split, limit: int | None) -> tuple[Example, ...]:
    """Kept, since a study reads them more than once."""
    if data.task == "nli":
        drawn = data.pairs(language, split, limit)
        say = speaker(language).say
        return tuple(
            Classified((say(Meaning(x.premise)).text, say(Meaning(x.hypothesis)).text), x.label)
            for x in drawn
        )
    if data.task == "sts":
        say = speaker(language).say
        return tuple(
            Rated((say(Meaning(x.first)).text, say(Meaning(x.second)).text), x.rating)
            for x in data.rated(language, split, limit)
        )
    if data.task == "retrieval":
        both = (data.sentences(x, split, limit) for x in (language, POOL))
        return tuple(Translated(x.text, y.text) for x, y in zip(*both, strict=True))
    if data.task == "lm":
        return tuple(Line(x.text) for x in data.sentences(language, split, limit))
    tags: Callable[[Sentence], tuple[str, ...]] = _upos if data.task == "pos" else _iob2
    return tuple(Tagged(x.words, tags(x)) for x in data.sentences(language, split, limit))


def _upos(sentence: Sentence) -> tuple[str, ...]:
    return sentence.upos


def _iob2(sentence: Sentence) -> tuple[str, ...]:
    return sentence.iob2


def _count(size: int, limit: int | None) -> int:
    return size if limit is None else min(size, limit)


class ArtificialText:
    """Running text, other in each language; its events are those of no dev or test set."""

    name = "artificial"
    source = SOURCE

    def __init__(self, seed: int = 0, purpose: str = "text") -> None:
        self.seed = seed
        self.purpose = purpose
        """Texts of different purposes are drawn apart: what a model was pretrained on is not given again."""

    def domain(self, language: str) -> str | None:
        """Made by the same rules as the tasks' data."""
        return DOMAIN

    def languages(self) -> Collection[str]:
        """All artificial languages."""
        return tuple(LEAVES)

    def fingerprint(self, language: str) -> str:
        """Version and seed; raises DataError for a language that is not artificial."""
        _check(language)
        return f"artificial {VERSION}, seed {self.seed}, {self.purpose}, {language}"

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` sentences, one a line; 20,000 at most."""
        return self.translated(language, language, limit)

    def translated(self, language: str, into: str, limit: int) -> list[str]:
        """What `lines` says in one language, said in another, line by line."""
        _check(language)
        _check(into)
        say = speaker(into).say
        return [say(x).text for x in _text(self.seed, self.purpose, language).first(min(limit, LINES))]
