"""What labelled data give, checked before anything trains: labels of the task, and as many as there are
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xlbench.errors import DataError, XlbenchError, said_of

if TYPE_CHECKING:
    from xlbench.contracts import Example, Resolved, Split, Task


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
        raise DataError(f"{where}: {said_of(error)}; the plugin is at fault") from error
    owner = resolved.adapter_task(task) if split == "train" else resolved.tasks[task]
    wanted = resolved.kind(owner).examples
    for number, example in enumerate(found, 1):
        if wrong := _fault(example, owner, wanted):
            raise DataError(f"{where}, example {number}: {wrong}")
    return found


def _fault(example: Example, task: Task, wanted: type[Example]) -> str:
    """What is wrong with an example; empty where nothing is."""
    if not isinstance(example, wanted):
        return f"a {type(example).__name__} where a {wanted.__name__} is due"
    return example.fault(task)
