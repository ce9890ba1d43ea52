"""Unlabelled text: Wikipedia. A folder of text needs no plugin (`--text FOLDER`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.errors import DataError
from xlbench_tasks import languages
from xlbench_tasks._hub import commit, reaching

if TYPE_CHECKING:
    from xlbench.contracts import Corpus

REPO = "wikimedia/wikipedia"
DUMP = "20231101"
INSTEAD = "--text FOLDER"


@dataclass(frozen=True)
class Wikipedia:
    """The articles' paragraphs in the order of the dump, streamed: only what is asked for is fetched."""

    editions: Mapping[str, str]
    """By ISO 639-3 code: the edition ("zh-yue")."""
    name: str = "wikipedia"
    source: str = f"Wikipedia, dump of {DUMP}, CC BY-SA; hub: {REPO}"
    _commits: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have an edition; needs no network."""
        return tuple(sorted(self.editions))

    def fingerprint(self, language: str) -> str:
        """Configuration and commit. Raises DataError if absent, or neither on the network nor cached."""
        return f"{self._config(language)}@{self._commit()}"

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` non-empty lines of the first articles, stripped. Raises DataError as above."""
        config = self._config(language)
        found: list[str] = []
        with reaching(REPO, INSTEAD):
            from datasets import load_dataset

            for article in load_dataset(REPO, config, split="train", revision=self._commit(), streaming=True):
                found += [line.strip() for line in article["text"].split("\n") if line.strip()]
                if len(found) >= limit:
                    break
        if not found and limit > 0:
            raise DataError(f"{REPO} ({config}): no text in it; use {INSTEAD}")
        return found[:limit]

    def _commit(self) -> str:
        if REPO not in self._commits:
            self._commits[REPO] = commit(REPO, INSTEAD)
        return self._commits[REPO]

    def _config(self, language: str) -> str:
        if language not in self.editions:
            raise DataError(f"{self.name} has no edition in {language}; use {INSTEAD}")
        return f"{DUMP}.{self.editions[language]}"


@hookimpl
def xlbench_corpora() -> Iterator[Corpus]:
    """Wikipedia on the hub."""
    yield Wikipedia(languages.wikipedias())
