"""Natural language inference: whether a premise entails a hypothesis, contradicts it, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task, TaskData
from xlbench.metrics import accuracy
from xlbench_tasks._folders import read_folders
from xlbench_tasks._hub import HubData
from xlbench_tasks._tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("entailment", "neutral", "contradiction")
LABEL_MAP = {label: label for label in LABELS}
COLUMNS = ("premise", "hypothesis", "label")

CONFIGS = """
ara=ar bul=bg deu=de ell=el eng=en fra=fr hin=hi rus=ru spa=es swa=sw tha=th tur=tr urd=ur vie=vi zho=zh
"""
XNLI = dict(pair.split("=") for pair in CONFIGS.split())
"""Configurations by ISO 639-3 code."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Sets of tab-separated pairs with a header."""
    return read_folders(paths, "nli", ".tsv", read_pairs)


def read_pairs(path: Path, limit: int | None) -> list[Classified]:
    """The first `limit` pairs of a file with the header premise, hypothesis, label, in any order.

    Raises DataError, naming file, line and column.
    """
    return [
        Classified((row.text("premise"), row.text("hypothesis")), row.label("label", LABELS))
        for row in read_table(path, COLUMNS, limit)
    ]


def decode(premise: str, hypothesis: str, label: str) -> Classified:
    """A pair of the hub."""
    return Classified((premise, hypothesis), LABEL_MAP[label])


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `nli`."""
    yield Task(
        name="nli",
        version=1,
        summary="natural language inference: accuracy",
        kind="classification",
        labels=LABELS,
        metric=accuracy(),
        training=AdapterTraining(learning_rate=5e-5, batch_size=32, epochs=5),
        max_length=128,
        default_data="xnli",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """XNLI on the hub; its training data is MultiNLI, machine-translated but for English."""
    yield HubData(
        name="xnli",
        task="nli",
        repo="facebook/xnli",
        about="XNLI (Conneau et al. 2018)",
        configs=XNLI,
        columns=COLUMNS,
        decode=decode,
    )
