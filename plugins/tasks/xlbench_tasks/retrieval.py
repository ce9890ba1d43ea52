"""Sentence retrieval: the translation of a sentence, found among those of all by the model's own vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Task, TaskData
from xlbench.metrics import precision_at_1
from xlbench.readers import Translations, read_folders, table_files

if TYPE_CHECKING:
    from pathlib import Path


FORM = Translations(
    texts={"sentence": ("sentence", "source", "text", "query")},
    label=("translation", "target", "reference", "english"),
)


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of sentences with their translations into one other language, columns by name: sentence,
    translation.
    """
    return read_folders(paths, table_files("retrieval", FORM))


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
