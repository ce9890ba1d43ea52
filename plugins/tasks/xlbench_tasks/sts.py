"""Semantic textual similarity: how alike two sentences are in meaning, as a number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Rated, Task, TaskData
from xlbench.metrics import spearman
from xlbench_tasks._folders import Reader, read_folders
from xlbench_tasks._tables import TABLES, Columns, members, read_table

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ratings(Columns[Rated]):
    """A table of rated pairs."""

    def is_label(self, text: str) -> bool:
        """A finite number."""
        try:
            return math.isfinite(float(text)) and "_" not in text
        except ValueError:
            return False

    def example(self, texts: Sequence[str], label: str) -> Rated:
        """Both texts and the number."""
        first, second = texts
        return Rated((first, second), float(label))

    def wrong(self, label: str) -> str:
        """See `Columns`."""
        return f"{label!r} is not a number; repair the line"


FORM = Ratings(
    texts={
        "sentence1": ("sentence1", "sentence_1", "sentence_a", "text1", "text_a"),
        "sentence2": ("sentence2", "sentence_2", "sentence_b", "text2", "text_b"),
    },
    label=("score", "similarity_score", "similarity", "relatedness_score", "rating", "label"),
    none=frozenset({""}),
)


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of pairs, with columns by name: score, sentence1, sentence2."""
    read = partial(read_table, form=FORM)
    return read_folders(paths, Reader("sts", TABLES, read, members=members, marks=True))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `sts`."""
    yield Task(
        name="sts",
        version=1,
        summary="semantic textual similarity of two sentences: Spearman correlation",
        kind="pair-similarity",
        labels=(),
        metric=spearman(),
        training=AdapterTraining(),
        max_length=128,
        default_data="artificial",
        folder=folder,
    )
