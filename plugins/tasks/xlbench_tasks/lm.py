"""Language modelling: how well the model predicts text that it was not trained on. No labels, no adapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Task, TaskData
from xlbench.data import languages
from xlbench.data.held_out import HeldOut
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError
from xlbench.metrics import log_likelihood

if TYPE_CHECKING:
    from pathlib import Path


def folder(paths: Sequence[Path]) -> TaskData:
    """Lines of a folder of `<code>.txt`: those that `HeldOut` takes. Raises DataError for several folders."""
    if len(paths) != 1:
        raise DataError(f"lm takes one folder of text, not {len(paths)}: {', '.join(map(str, paths))}")
    return HeldOut(read_folder(paths[0], languages.codes()), "lm")


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `lm`."""
    yield Task(
        name="lm",
        version=1,
        summary="language modelling of held-out text: log-likelihood in bits per character",
        kind="language-model",
        labels=(),
        metric=log_likelihood(),
        training=None,
        max_length=256,
        default_data="held-out",
        folder=folder,
        passes=5,
    )
