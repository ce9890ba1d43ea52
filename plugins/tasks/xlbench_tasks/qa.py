"""Extractive question answering: the answer is a span of the paragraph that comes with the question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Answered, Task, TaskData
from xlbench.metrics import answer_f1
from xlbench.readers import HubData, answered, read_folders, squad_files

NAMES = """
ara=arabic ben=bengali eng=english fin=finnish ind=indonesian kor=korean rus=russian swa=swahili tel=telugu
"""
TYDIQA = dict(pair.split("=") for pair in NAMES.split())
"""What the ids of a language's questions begin with."""
CONFIGS = "ara=ar deu=de ell=el eng=en hin=hi ron=ro rus=ru spa=es tha=th tur=tr vie=vi zho=zh"
XQUAD = {code: f"xquad.{end}" for code, end in (pair.split("=") for pair in CONFIGS.split())}
"""Configurations by ISO 639-3 code."""


def decode(_: str, question: str, context: str, answers: Mapping[str, Sequence[Any]]) -> Answered:
    """A question of the hub."""
    return answered(question, context, answers["text"], answers["answer_start"])


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `qa`, and `qa-xquad`, which has no training data and takes its adapter."""
    questions = Task(
        name="qa",
        version=1,
        summary="extractive question answering: F1 of answers, and exact match beside it",
        kind="span",
        labels=(),
        metric=answer_f1(),
        training=AdapterTraining(learning_rate=1e-3, batch_size=16, epochs=3),
        max_length=384,
        default_data="tydiqa",
        folder=partial(read_folders, reader=squad_files("qa")),
    )
    yield questions
    yield replace(
        questions,
        name="qa-xquad",
        summary="XQuAD, with the adapter of qa: F1 of answers, and exact match beside it",
        default_data="xquad",
        folder=partial(read_folders, reader=squad_files("qa-xquad")),
        adapter=questions.name,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """TyDi QA's gold passages, whose validation split is the test set here as it is elsewhere, and XQuAD."""
    columns = ("id", "question", "context", "answers")
    yield HubData(
        name="tydiqa",
        origin="wikipedia",
        task="qa",
        repo="google-research-datasets/tydiqa",
        about="TyDi QA, gold passage task (Clark et al. 2020), Apache-2.0; tested on its validation split",
        configs=dict.fromkeys(TYDIQA, "secondary_task"),
        columns=columns,
        decode=decode,
        without={"dev": TYDIQA},
        names={"train": "train", "test": "validation"},
        prefixes={code: f"{name}-" for code, name in TYDIQA.items()},
    )
    yield HubData(
        name="xquad",
        origin="wikipedia",
        parallel=True,
        task="qa-xquad",
        repo="google/xquad",
        about="XQuAD (Artetxe et al. 2020), CC BY-SA 4.0",
        configs=XQUAD,
        columns=columns,
        decode=decode,
        without={"train": XQUAD, "dev": XQUAD},
        names={"test": "validation"},
    )
