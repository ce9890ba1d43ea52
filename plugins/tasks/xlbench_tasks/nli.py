"""Natural language inference: whether a premise entails a hypothesis, contradicts it, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task, TaskData
from xlbench.errors import DataError
from xlbench.metrics import accuracy
from xlbench_tasks._folders import read_folders
from xlbench_tasks._hub import HubData
from xlbench_tasks._lines import read_lines

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
    return read_folders(paths, "nli", ".tsv", partial(read_pairs, labels=LABEL_MAP))


def read_pairs(path: Path, limit: int | None, labels: Mapping[str, str]) -> list[Classified]:
    """The first `limit` pairs of a file with the header premise, hypothesis, label, in any order.

    Fields are separated by tabs and never quoted. Raises DataError, naming file and line.
    """
    header, *lines = read_lines(path)
    names = header.split("\t")
    if sorted(names) != sorted(COLUMNS):
        raise DataError(f"{path}:1: header {header!r}; it has to be {' TAB '.join(COLUMNS)}")
    first, second, third = map(names.index, COLUMNS)
    found: list[Classified] = []
    for number, line in enumerate(lines[:limit], 2):
        fields = line.split("\t")
        if len(fields) != len(COLUMNS):
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where {len(COLUMNS)} are due; repair the line"
            )
        if not fields[first].strip() or not fields[second].strip():
            raise DataError(f"{path}:{number}: an empty premise or hypothesis; repair the line")
        if fields[third] not in labels:
            raise DataError(
                f"{path}:{number}: unknown label {fields[third]!r}; it has to be one of {', '.join(LABELS)}"
            )
        found.append(Classified((fields[first], fields[second]), labels[fields[third]]))
    if not lines:
        raise DataError(f"{path}: a header and nothing else; fetch it again, or remove it")
    return found


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
