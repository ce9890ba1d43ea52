"""Semantic textual similarity: how alike two sentences are in meaning, as a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Task, TaskData
from xlbench.metrics import spearman
from xlbench.readers import RatedPairs, read_folders, table_files

if TYPE_CHECKING:
    from pathlib import Path


FORM = RatedPairs(
    texts={
        "sentence1": ("sentence1", "sentence_1", "sentence_a", "text1", "text_a"),
        "sentence2": ("sentence2", "sentence_2", "sentence_b", "text2", "text_b"),
    },
    label=("score", "similarity_score", "similarity", "relatedness_score", "rating", "label"),
    none=frozenset({""}),
)


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of pairs, with columns by name: score, sentence1, sentence2."""
    return read_folders(paths, table_files("sts", FORM))


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
