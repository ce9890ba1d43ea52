"""What the tables of a task hold: texts in named columns, and one column more that is predicted of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from xlbench.contracts import Classified, Rated, Translated

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TableForm(ABC, Generic[T]):
    """The columns that a table needs, and the example that a row becomes.

    `LabelledTexts`, `RatedPairs` and `Translations` are forms for the built-in kinds of task; for examples of
    a kind of your own, derive from this class and define `is_label`, `example` and `wrong`.
    """

    texts: Mapping[str, Sequence[str]]
    """By text of an example, in order: names of its column in lower case, the preferred one first."""
    label: Sequence[str]
    """Names of the other column in lower case, the preferred one first."""
    none: frozenset[str] = frozenset()
    """What stands for no label: such rows are left out, and counted."""

    @abstractmethod
    def is_label(self, text: str) -> bool:
        """Whether a text, without the space around it, can be a label."""

    @abstractmethod
    def example(self, texts: Sequence[str], label: str) -> T:
        """The example of a row whose label can be one; `texts` has one text per entry of `self.texts`."""

    @abstractmethod
    def wrong(self, label: str) -> str:
        """What is wrong with a label that cannot be one; it stands after file, line and column."""

    def said(self, labels: Sequence[str]) -> list[str]:
        """Notes for `xlbench plan` on the labels of a file as they are written."""
        return []


@dataclass(frozen=True, kw_only=True)
class LabelledTexts(TableForm[Classified]):
    """Tables of one or two texts with a label, for the kind `classification`."""

    labels: Mapping[str, str]
    """Labels of the task by what files write for them."""

    def is_label(self, text: str) -> bool:
        """See `TableForm`."""
        return text in self.labels

    def example(self, texts: Sequence[str], label: str) -> Classified:
        """See `TableForm`."""
        return Classified(tuple(texts), self.labels[label])

    def wrong(self, label: str) -> str:
        """See `TableForm`."""
        known = ", ".join(dict.fromkeys(self.labels.values()))
        return f"unknown label {label!r}; it has to be one of {known}"

    def said(self, labels: Sequence[str]) -> list[str]:
        """Numbers in the place of labels."""
        if not (coded := sum(x.isdecimal() for x in labels)):
            return []
        meant = ", ".join(f"{x} {self.labels[x]}" for x in sorted(self.labels) if x.isdecimal())
        return [f"{coded:,} labels are numbers, read as {meant}"]


@dataclass(frozen=True, kw_only=True)
class RatedPairs(TableForm[Rated]):
    """Tables of two texts with a finite number, for the kind `pair-similarity`."""

    def is_label(self, text: str) -> bool:
        """See `TableForm`."""
        try:
            return math.isfinite(float(text)) and "_" not in text
        except ValueError:
            return False

    def example(self, texts: Sequence[str], label: str) -> Rated:
        """See `TableForm`."""
        first, second = texts
        return Rated((first, second), float(label))

    def wrong(self, label: str) -> str:
        """See `TableForm`."""
        return f"{label!r} is not a number; repair the line"


@dataclass(frozen=True, kw_only=True)
class Translations(TableForm[Translated]):
    """Tables of a text with its translation, for the kind `retrieval`."""

    def is_label(self, text: str) -> bool:
        """See `TableForm`."""
        return bool(text)

    def example(self, texts: Sequence[str], label: str) -> Translated:
        """See `TableForm`."""
        return Translated(texts[0], label)

    def wrong(self, label: str) -> str:
        """See `TableForm`."""
        return "an empty translation; repair the line"
