"""Named entity recognition with the labels of MasakhaNER 2.0: persons, places, organisations, dates; IOB2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Tagged, Task, TaskData
from xlbench.hub import CONVERTED
from xlbench.metrics import span_f1
from xlbench.readers import HubData, conll_files, iob2, read_folders
from xlbench_tasks.pos import TREEBANKS

if TYPE_CHECKING:
    from pathlib import Path

TYPES = ("PER", "LOC", "ORG", "DATE")
LABELS = ("O", *(f"{place}-{kind}" for kind in TYPES for place in "BI"))
LABEL_MAP = {label: label for label in LABELS}
CONFIGS = "bam bbj ewe fon hau ibo kin lug luo mos nya pcm sna swa tsn twi wol xho yor zul"
"""The 20 configurations, which are ISO 639-3 codes."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Sets of words and tags in columns with these labels, as for `ner`."""
    return read_folders(paths, conll_files("ner-masakhane", LABEL_MAP, TREEBANKS))


def decode(words: Sequence[str], tags: Sequence[str]) -> Tagged:
    """A sentence of the hub."""
    return Tagged(tuple(words), tuple(LABEL_MAP[tag] for tag in tags))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `ner-masakhane`."""
    yield Task(
        name="ner-masakhane",
        version=1,
        summary="named entity recognition in African languages (PER, LOC, ORG, DATE): span F1",
        kind="tagging",
        labels=LABELS,
        metric=span_f1(),
        training=AdapterTraining(learning_rate=5e-4, batch_size=36, epochs=5),
        max_length=256,
        default_data="masakhaner2",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """MasakhaNER 2.0 on the hub; there is no English, so a training language has to be named."""
    yield HubData(
        name="masakhaner2",
        origin="news",
        task="ner-masakhane",
        repo="masakhane/masakhaner2",
        about="MasakhaNER 2.0 (Adelani et al. 2022), for non-commercial use",
        configs={code: code for code in CONFIGS.split()},
        columns=("tokens", "ner_tags"),
        decode=decode,
        version="-iob2",
        repair=iob2,
        repaired="sentences with a stray I- read as B-",
        revision=CONVERTED,
    )
