"""Labelled and unlabelled text, as the plugins provide it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from xlbench.contracts import allowed
    from xlbench.contracts.examples import Example
    from xlbench.contracts.language import Language

Split: TypeAlias = Literal["train", "dev", "test"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Lines of a text that are not used, by number from 0."""

    repeated: tuple[int, ...] = ()
    """Equal to a line before."""
    tested: tuple[int, ...] = ()
    """In a test set of the study."""

    def __bool__(self) -> bool:
        return bool(self.repeated or self.tested)


@dataclass(frozen=True, slots=True)
class TextFacts:
    """How much text a language has, as a study uses it, and from where."""

    lines: int
    words: int | None = None
    """What stands between spaces; None in scripts that put none between words, and where it is not known."""
    bytes: int | None = None
    """In UTF-8; None where it is not known."""
    domain: str | None = None
    """Where it comes from (`HasDomain`); None where that is not known."""


@runtime_checkable
class TaskData(Protocol):
    """One set of labelled data for one task, in any number of languages.

    Labels that `examples` gives are labels of the task (`Task.labels`), already reconciled.
    """

    @property
    def name(self) -> allowed.Name:
        """How a study names it: "wikiann"; for a folder, its path."""

    @property
    def task(self) -> allowed.Name:
        """The task it serves: "ner"."""

    @property
    def source(self) -> str:
        """For provenance, one line: where it comes from, and its licence where known."""

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes of the languages that have this split."""

    def fingerprint(self, language: str, split: Split) -> str:
        """A short text that changes whenever `examples` would: a digest of the file, a hub revision,
        or version and seed of a generator. Never a path or a date. Raises DataError if absent.
        """

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples in file order, or all. Raises DataError, naming file and line."""


@runtime_checkable
class Corpus(Protocol):
    """Unlabelled text in any number of languages, for fine-tuning and language adapters."""

    @property
    def name(self) -> allowed.Name:
        """How a study names it: "wikipedia"; for a folder, its path."""

    @property
    def source(self) -> str:
        """For provenance, one line: where it comes from, and its licence where known."""

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have text."""

    def fingerprint(self, language: str) -> str:
        """Like TaskData.fingerprint."""

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` non-empty lines, stripped; fewer where there are no more.
        Raises DataError where there is no line at all.
        """


@runtime_checkable
class Revised(Protocol):
    """Data or text that has revisions besides, as on a hub: a study pins one as `NAME@REVISION`."""

    @property
    def commit(self) -> str | None:
        """The revision that is read, as exact as can be, for provenance; None before it is looked up."""

    def at(self, revision: str) -> Self:
        """The same at a branch, tag or commit; nothing is looked up yet."""


@runtime_checkable
class Parallel(Protocol):
    """Labelled data whose test rows are translations of each other: row i says the same in all languages."""

    parallel: bool


def is_parallel(data: object) -> bool:
    """Whether data says so of its test rows."""
    return isinstance(data, Parallel) and data.parallel


def commit_of(one: object) -> str | None:
    """The revision of data or text that has revisions; None for other, and before anybody looks."""
    return one.commit if isinstance(one, Revised) else None


@runtime_checkable
class CorpusFamily(Protocol):
    """A Corpus of which there are several: a study names one as `NAME:ARGUMENT`."""

    @property
    def form(self) -> str:
        """How they are named, for messages: "hub:OWNER/NAME:COLUMN:CONFIG"."""

    def member(self, argument: str, languages: Mapping[str, Language]) -> Corpus:
        """The one of this argument; `languages` are the registered ones. Raises DataError for an argument
        that makes no sense. Looks nothing up yet.
        """


@runtime_checkable
class Text(Corpus, Protocol):
    """A corpus as a study uses it: `lines` gives neither a line twice nor one that is in a test set."""

    @property
    def commit(self) -> str | None:
        """The revision of the corpus, where it has revisions (`Revised`)."""

    def dropped(self, language: str, limit: int) -> Dropped:
        """What of the first `limit` lines of the corpus `lines` leaves out. Raises DataError as it does."""

    def near_duplicates(self, language: str, limit: int) -> int:
        """How many of `lines` are a test sentence but for one word. Raises DataError as it does."""
