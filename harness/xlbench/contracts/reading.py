"""What data may say of itself besides its examples; each is optional."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from xlbench.contracts.data import Split


@runtime_checkable
class Explained(Protocol):
    """Data that says what was done in reading it, for `xlbench plan` to show."""

    def notes(self, language: str, split: Split) -> Sequence[str]:
        """What was repaired, converted, left out or read as another label, a part of a sentence each with its
        count; empty where nothing was. Raises DataError as `examples` does.
        """

    def remarks(self) -> Sequence[str]:
        """Of the data as a whole, one line each: which of several sets is read, what is passed over."""


@runtime_checkable
class Identified(Protocol):
    """Data that has names for its examples, the same for translations of each other."""

    def ids(self, language: str, split: Split) -> Sequence[str] | None:
        """A name for each of `examples`, or None. Raises DataError as `examples` does."""


@runtime_checkable
class Narrowed(Protocol):
    """Data that may be told which languages the study is about."""

    def only(self, wanted: Collection[str]) -> Self:
        """The same data with these languages alone, as far as it has them."""


@runtime_checkable
class Choosable(Protocol):
    """Data that may have several sets of a language."""

    def choose(self, choices: Mapping[str, str]) -> Self:
        """The same data with these sets, named by language (ISO 639-3). Raises DataError for a name that
        fits no set, or several.
        """

    def elsewhere(self, language: str, split: Split) -> str:
        """The name of another set of a language that has a split, where the one that is read lacks it;
        otherwise empty.
        """


@runtime_checkable
class HasDomain(Protocol):
    """Labelled data or text that says where its sentences come from."""

    def domain(self, language: str) -> str | None:
        """Such as "news" or "verses", several with commas between ("news, wiki"); None where that is not
        known. Of labelled data, that of the test data. No part of any identity. Raises DataError.
        """


def domain_of(one: object, language: str) -> str | None:
    """What data or text says of a language; None for what does not say it."""
    return one.domain(language) if isinstance(one, HasDomain) else None


@runtime_checkable
class RandomOrder(Protocol):
    """Data whose examples stand in random order, the same in all languages where they are parallel: its first
    ones are a fair draw, and a limit takes those.
    """

    random_order: bool


def is_in_random_order(data: object) -> bool:
    """Whether data says so of itself."""
    return isinstance(data, RandomOrder) and data.random_order
