"""The kinds of task, one a file: how examples become pieces, which head, loss and predictions they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlbench.lab.kinds.kind import Kind, Trained
from xlbench.lab.kinds.labelling import Classification, Tagging
from xlbench.lab.kinds.language_model import LanguageModel
from xlbench.lab.kinds.parsing import Parsing
from xlbench.lab.kinds.span import Span

if TYPE_CHECKING:
    from xlbench.contracts import Task, TaskKind

KINDS: Mapping[TaskKind, Kind] = {
    "tagging": Tagging(),
    "classification": Classification(),
    "parsing": Parsing(),
    "span": Span(),
    "language-model": LanguageModel(),
}


def kind_of(task: Task) -> Kind:
    """The kind of a task."""
    return KINDS[task.kind]


def trained_kind_of(task: Task) -> Trained:
    """The kind of a task that has an adapter. Raises TypeError for a kind that has none."""
    kind = kind_of(task)
    if not isinstance(kind, Trained):
        raise TypeError(f"tasks of the kind {task.kind} have no adapter to train")
    return kind


__all__ = ["Kind", "Trained", "kind_of", "trained_kind_of"]
