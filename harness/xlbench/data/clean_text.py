"""Unlabelled text as a study uses it: no line twice, and none that is in a test set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xlbench.contracts import (
    Corpus,
    Dropped,
    TaskData,
    commit_of,
    domain_of,
    limited,
)
from xlbench.data.near_duplicates import NearDuplicates, words
from xlbench.errors import DataError


def key(text: str) -> str:
    """What is compared: letters, marks and digits, case folded, in Unicode's composed form (NFC).

    Spaces, punctuation and symbols make no difference, so that a tokenized sentence is its own text. What has
    nothing else is compared as it is, but for spaces.
    """
    return "".join(words(text)) or "".join(text.split())


@dataclass(frozen=True)
class CleanText:
    """A Text: any corpus, less repeated lines and lines that a test set has, whichever its language.

    The first `limit` lines are read and cleaned; what is dropped is not replaced by further lines, so text in
    which nothing is dropped is just the corpus'. Lines that are a test sentence but for one word are counted,
    and kept.
    """

    corpus: Corpus
    tests: Mapping[str, tuple[TaskData, Collection[str]]]
    """By task: its data, and the target languages whose test sets count."""
    limits: Mapping[str, int | None] = field(default_factory=dict)
    """By task: test examples of a target that count; None and no entry are all."""
    without: frozenset[str] = frozenset()
    """Languages whose text is not to be had."""
    _keys: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _read: dict[tuple[str, int], tuple[list[str], Dropped]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _near: dict[tuple[str, int], int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _finders: list[NearDuplicates] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The corpus' name."""
        return self.corpus.name

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return self.corpus.source

    @property
    def commit(self) -> str | None:
        """The revision of the corpus, where it has revisions."""
        return commit_of(self.corpus)

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have text."""
        return tuple(x for x in self.corpus.languages() if x not in self.without)

    def fingerprint(self, language: str) -> str:
        """Of the corpus: what is dropped is told by `dropped`."""
        return self.corpus.fingerprint(language)

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` lines of the corpus that are kept. Raises DataError where none is."""
        return self._clean(language, limit)[0]

    def dropped(self, language: str, limit: int) -> Dropped:
        """What of the first `limit` lines of the corpus is not kept. Raises DataError as `lines` does."""
        return self._clean(language, limit)[1]

    def near_duplicates(self, language: str, limit: int) -> int:
        """How many of `lines` are a test sentence but for one word. Raises DataError as `lines` does."""
        if (language, limit) not in self._near:
            if not self._finders:
                self._finders.append(NearDuplicates(self._test_sentences()))
            found = self._finders[0].among(self.lines(language, limit))
            self._near[language, limit] = len(found)
        return self._near[language, limit]

    def _clean(self, language: str, limit: int) -> tuple[list[str], Dropped]:
        if (language, limit) not in self._read:
            kept: list[str] = []
            repeated: list[int] = []
            tested: list[int] = []
            seen: set[str] = set()
            lines = self.corpus.lines(language, limit)
            if not isinstance(lines, Sequence) or not all(isinstance(x, str) for x in lines):
                raise DataError(f"{self.name}: lines in {language} must be texts; the plugin is at fault")
            tests = self._test_keys()
            for number, line in enumerate(lines):
                if line in seen:
                    repeated.append(number)
                    continue
                seen.add(line)
                if key(line) in tests:
                    tested.append(number)
                else:
                    kept.append(line)
            if lines and not kept:
                raise DataError(
                    f"no text for {language} in {self.name}: every line of it is in a test set of the study; "
                    "give other text"
                )
            self._read[language, limit] = kept, Dropped(tuple(repeated), tuple(tested))
        return self._read[language, limit]

    def _test_keys(self) -> set[str]:
        if not self._keys:
            self._keys.update(map(key, self._test_sentences()))
            self._keys.discard("")
        return self._keys

    def _test_sentences(self) -> Iterator[str]:
        for task, (data, languages) in self.tests.items():
            for language in languages:
                for example in limited(data, language, "test", self.limits.get(task)):
                    yield from example.tested()


@dataclass(frozen=True)
class TrainingSentences:
    """A Corpus: the sentences of a task's training data, never those of its dev or test sets."""

    task: str
    data: TaskData
    name: str

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return f"training sentences of {self.task}: {self.data.source}"

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have training data."""
        return self.data.languages("train")

    def domain(self, language: str) -> str | None:
        """That of the data."""
        return domain_of(self.data, language)

    def fingerprint(self, language: str) -> str:
        """That of the training data."""
        return f"training sentences of {self.task}: {self.data.fingerprint(language, 'train')}"

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The sentences of the first examples as they were written, stripped; at most `limit`. Raises
        DataError.
        """
        examples = self.data.examples(language, "train", limit)
        found = [x.strip() for example in examples for x in example.own_sentences()]
        return [x for x in found if x][:limit]
