"""The kinds of task, one a file: how examples become pieces, which head, loss and predictions they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlbench.lab.kinds.kind import Kind
from xlbench.lab.kinds.labelling import Classification, Tagging
from xlbench.lab.kinds.parsing import Parsing
from xlbench.lab.kinds.span import Span

if TYPE_CHECKING:
    from xlbench.contracts import Task, TaskKind

KINDS: Mapping[TaskKind, Kind] = {
    "tagging": Tagging(),
    "classification": Classification(),
    "parsing": Parsing(),
    "span": Span(),
}


def kind_of(task: Task) -> Kind:
    """The kind of a task."""
    return KINDS[task.kind]


__all__ = ["Kind", "kind_of"]
