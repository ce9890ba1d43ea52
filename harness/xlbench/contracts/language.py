"""Languages, as the plugins describe them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlbench.contracts import allowed


@dataclass(frozen=True, slots=True)
class Language:
    """One language. Artificial ones use ISO 639-3's range for local use, `qaa` to `qtz`."""

    code: allowed.LanguageCode
    """ISO 639-3, three lower-case letters."""
    name: str
    """English name."""
    family: str
    """Top-level family, WALS-style: "Indo-European"."""
    genus: str
    """Genus, WALS-style: "Germanic"."""
    script: allowed.ScriptCode
    """ISO 15924 code of the usual script: "Latn"."""

    @property
    def label(self) -> str:
        """What pages call it: "Finnish (fin)"."""
        return f"{self.name} ({self.code})"


@dataclass(frozen=True, slots=True)
class Distance:
    """A known, symmetric distance between languages, such as a tree distance or word-order distance."""

    name: str
    """What is measured: "lexical"."""
    summary: str
    """One line: how it is computed, and its unit."""
    table: Mapping[tuple[allowed.LanguageCode, allowed.LanguageCode], allowed.AnyNumber] = field(repr=False)
    """Both orders of every pair of ISO 639-3 codes; 0 on the diagonal."""
