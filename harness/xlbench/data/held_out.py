"""Lines of a text that a model is tested on: the data of tasks without labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.contracts import Line, commit_of, domain_of
from xlbench.errors import DataError

if TYPE_CHECKING:
    from xlbench.contracts import Corpus, Example, Split

EVERY = 20
"""One line in so many is held out: lines 20, 40, 60, ..."""
MOST = 500
"""Lines held out of a language's text at most."""


@dataclass(frozen=True)
class HeldOut:
    """A TaskData: every 20th line of a corpus as test data.

    A study leaves these lines, like all that it tests on, out of the text that it fine-tunes on
    (`xlbench.data.clean_text`), whichever corpus that is.
    """

    corpus: Corpus
    task: str
    name: str = "held-out"

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return f"every {EVERY}th line, at most {MOST}, of: {self.corpus.source}"

    @property
    def commit(self) -> str | None:
        """The revision of the corpus, where it has revisions."""
        return commit_of(self.corpus)

    def domain(self, language: str) -> str | None:
        """That of the corpus."""
        return domain_of(self.corpus, language)

    def languages(self, split: Split) -> Collection[str]:
        """Those of the corpus; of test data alone."""
        return tuple(self.corpus.languages()) if split == "test" else ()

    def fingerprint(self, language: str, split: Split) -> str:
        """Of the corpus, and which lines are taken. Raises DataError."""
        self._check(language, split)
        return f"every {EVERY}th line of {self.corpus.fingerprint(language)}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` held-out lines, or all. Raises DataError where the text has none."""
        self._check(language, split)
        count = MOST if limit is None else min(limit, MOST)
        lines = self.corpus.lines(language, EVERY * count)
        found = [Line(x) for x in lines[EVERY - 1 :: EVERY]]
        if count and not found:
            raise DataError(
                f"{self.corpus.name}: {len(lines)} lines of {language} are too few to hold one in {EVERY} "
                f"out; give more text, or other data for {self.task}"
            )
        return found

    def _check(self, language: str, split: Split) -> None:
        if language not in self.languages(split):
            raise DataError(
                f"no {split} data of {language} for {self.task} in {self.corpus.name}; leave it out, or give "
                "other data"
            )
