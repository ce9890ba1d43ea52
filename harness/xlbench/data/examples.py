"""What labelled data give, checked before anything trains: labels of the task, and as many as there are
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Answered, Classified, Parsed, Tagged
from xlbench.errors import DataError, XlbenchError

if TYPE_CHECKING:
    from xlbench.contracts import Example, Resolved, Split, Task

KINDS: dict[str, type[Example]] = {
    "tagging": Tagged, "classification": Classified, "parsing": Parsed, "span": Answered,
}  # fmt: skip
SHOWN = 12
"""Labels that a message names."""


def read(resolved: Resolved, task: str, language: str, split: Split) -> Sequence[Example]:
    """The examples that a study could use of a split, checked. Raises DataError, one line, that names data,
    language, split and the number of the example from 1.
    """
    data, _ = resolved.source(task, split)
    where = f"{data.name}: {task} in {language}, {split} data"
    try:
        found = resolved.usable(task, language, split)
    except (XlbenchError, OSError, MemoryError):
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise DataError(f"{where}: {type(error).__name__}: {text}; the plugin is at fault") from error
    owner = resolved.adapter_task(task) if split == "train" else resolved.tasks[task]
    known = frozenset(owner.labels)
    for number, example in enumerate(found, 1):
        if wrong := _fault(example, owner, known):
            raise DataError(f"{where}, example {number}: {wrong}")
    return found


def _fault(example: Example, task: Task, known: frozenset[str]) -> str:
    """What is wrong with an example; empty where nothing is."""
    wanted = KINDS.get(task.kind)
    if wanted is not None and not isinstance(example, wanted):
        return f"a {type(example).__name__} where a {wanted.__name__} is due"
    labels: Sequence[str] = ()
    if isinstance(example, Tagged | Parsed):
        labels = example.tags if isinstance(example, Tagged) else example.relations
        if not example.words or len(labels) != len(example.words):
            return f"{len(example.words)} words with {len(labels)} labels"
        if isinstance(example, Parsed) and len(example.heads) != len(example.words):
            return f"{len(example.words)} words with {len(example.heads)} heads"
    elif isinstance(example, Classified):
        labels = (example.label,)
    elif isinstance(example, Answered) and (
        not example.answers or len(example.answers) != len(example.starts)
    ):
        return f"{len(example.answers)} answers with {len(example.starts)} places"
    for label in labels:
        if label not in known:
            more = ", ..." if len(task.labels) > SHOWN else ""
            return (
                f"label {label!r} is not one of the task's ({', '.join(task.labels[:SHOWN])}{more}); "
                "rename it or remove the example"
            )
    return ""
