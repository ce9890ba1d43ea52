"""Natural language inference: whether a premise entails a hypothesis, contradicts it, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task, TaskData
from xlbench.metrics import accuracy
from xlbench.readers import HubData, LabelledTexts, read_folders, table_files

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("entailment", "neutral", "contradiction")
LABEL_MAP = {label: label for label in LABELS}
WRITTEN = {
    **LABEL_MAP,
    **{x.upper(): x for x in LABELS},
    **{x.capitalize(): x for x in LABELS},
    "contradictory": "contradiction",  # XNLI's translated training data
    **{str(number): x for number, x in enumerate(LABELS)},
}
"""Labels by what files write for them; numbers are those of the sets on the hub."""
FORM = LabelledTexts(
    texts={
        "premise": ("premise", "sentence1", "sentence_a", "sentence_1", "text1", "text_a"),
        "hypothesis": ("hypothesis", "hypo", "sentence2", "sentence_b", "sentence_2", "text2", "text_b"),
    },
    label=("gold_label", "label", "entailment_label", "entailment_judgment"),
    labels=WRITTEN,
    none=frozenset({"-", "-1"}),  # SNLI and its kin: no label that most annotators gave
)
COLUMNS = ("premise", "hypothesis", "label")

CONFIGS = """
ara=ar bul=bg deu=de ell=el eng=en fra=fr hin=hi rus=ru spa=es swa=sw tha=th tur=tr urd=ur vie=vi zho=zh
"""
XNLI = dict(pair.split("=") for pair in CONFIGS.split())
"""Configurations by ISO 639-3 code."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of pairs, with columns by name."""
    return read_folders(paths, table_files("nli", FORM))


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
        parallel=True,
        task="nli",
        repo="facebook/xnli",
        about="XNLI (Conneau et al. 2018)",
        configs=XNLI,
        columns=COLUMNS,
        decode=decode,
    )
