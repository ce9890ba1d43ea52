"""Sentence retrieval: the translation of a sentence, found among those of all by the model's own vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Task, TaskData, Translated
from xlbench.metrics import precision_at_1
from xlbench_tasks._folders import Reader, read_folders
from xlbench_tasks._tables import TABLES, Columns, members, read_table

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Translations(Columns[Translated]):
    """A table of sentences and their translations."""

    def is_label(self, text: str) -> bool:
        """Any text."""
        return bool(text)

    def example(self, texts: Sequence[str], label: str) -> Translated:
        """The sentence and its translation."""
        return Translated(texts[0], label)

    def wrong(self, label: str) -> str:
        """See `Columns`."""
        return "an empty translation; repair the line"


FORM = Translations(
    texts={"sentence": ("sentence", "source", "text", "query")},
    label=("translation", "target", "reference", "english"),
)


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of sentences with their translations into one other language, columns by name: sentence,
    translation.
    """
    read = partial(read_table, form=FORM)
    return read_folders(paths, Reader("retrieval", TABLES, read, members=members, marks=True))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `retrieval`."""
    yield Task(
        name="retrieval",
        version=1,
        summary="sentence retrieval by cosine among the translations of all: precision at 1",
        kind="retrieval",
        labels=(),
        metric=precision_at_1(),
        training=None,
        max_length=128,
        default_data="artificial",
        folder=folder,
        passes=2,
    )
