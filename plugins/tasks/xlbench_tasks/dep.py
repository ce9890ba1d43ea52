"""Dependency parsing: basic Universal Dependencies over given words, with the 37 universal relations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Parsed, Task, TaskData
from xlbench.metrics import attachment
from xlbench.readers import read_folders, tree_fault, tree_files
from xlbench_tasks import pos

if TYPE_CHECKING:
    from pathlib import Path

RELATIONS = (
    *("acl", "advcl", "advmod", "amod", "appos", "aux", "case", "cc", "ccomp", "clf", "compound", "conj"),
    *("cop", "csubj", "dep", "det", "discourse", "dislocated", "expl", "fixed", "flat", "goeswith", "iobj"),
    *("list", "mark", "nmod", "nsubj", "nummod", "obj", "obl", "orphan", "parataxis", "punct", "reparandum"),
    *("root", "vocative", "xcomp"),
)
"""universaldependencies.org/u/dep"""
RELATION_MAP = {relation: relation for relation in RELATIONS}


def folder(paths: Sequence[Path]) -> TaskData:
    """CoNLL-U sets, or treebanks of an unpacked Universal Dependencies release."""
    return read_folders(paths, tree_files("dep", RELATION_MAP, pos.TREEBANKS))


def decode(
    words: Sequence[str],
    heads: Sequence[str | None],
    relations: Sequence[str | None],
    text: str | None = None,
) -> Parsed:
    """A sentence of the hub; rows without a head are multiword tokens and empty nodes, which are no words."""
    kept = [
        (word, int(str(head)), RELATION_MAP[str(relation).partition(":")[0]])
        for word, head, relation in zip(words, heads, relations, strict=True)
        if str(head).isdecimal()
    ]
    numbers = [head for _, head, _ in kept]
    if max(numbers, default=0) > len(kept):
        raise ValueError(f"head {max(numbers)} in a sentence of {len(kept)} words")
    if wrong := tree_fault(numbers):
        raise ValueError(f"word {wrong[0] + 1}: {wrong[1]}")
    written = pos.on_text(words, [str(head).isdecimal() for head in heads], text)
    forms, names = tuple(word for word, _, _ in kept), tuple(name for _, _, name in kept)
    return Parsed(forms, tuple(numbers), names, *written)


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `dep`."""
    yield Task(
        name="dep",
        version=1,
        summary="dependency parsing over syntactic words: LAS, and UAS beside it",
        kind="parsing",
        labels=RELATIONS,
        metric=attachment(),
        training=AdapterTraining(learning_rate=1e-3, batch_size=12, epochs=5),
        max_length=256,
        default_data="ud",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """Universal Dependencies on the hub, the treebanks of `pos`."""
    yield pos.on_hub("dep", ("tokens", "head", "deprel"), decode)
