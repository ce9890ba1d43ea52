"""What a study costs beside the arithmetic, at the size of arXiv 2403.20088, with the arithmetic left out.

38 transfer languages, 4 numbers of steps, 10 seeds, and tasks of 125, 114, 114, 99 and 10 targets: 1,520
conditions by 462 task-target pairs. Timed are planning, storing (a sample of the jobs, each with all its
targets), planning again with every job stored, and reading back.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import made
from xlbench import plugins
from xlbench.contracts import Dropped, Evaluation, Example, Job, Json, Language, Resolved, Split
from xlbench.results import Store
from xlbench.studies import plan

TARGETS = {"a": 125, "b": 114, "c": 114, "d": 99, "e": 10}
TRANSFER, STEPS, SEEDS = 38, (1, 10, 100, 1000), 10
EXAMPLES = 200
CODES = [f"q{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrstuvwxyz"]


@dataclasses.dataclass
class NoExamples:
    """Data and text that nobody reads."""

    task: str
    name: str = "none"
    source: str = "none"

    def languages(self, split: Split | None = None) -> Collection[str]:
        """All."""
        return CODES

    def fingerprint(self, language: str, split: Split | None = None) -> str:
        """A stand-in."""
        return f"{self.task}-{language}-{split}".rjust(32, "0")

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """Any, so many of them."""
        return [None] * EXAMPLES  # type: ignore[list-item]

    def dropped(self, language: str, limit: int) -> Dropped:
        """None."""
        return Dropped()

    def near_duplicates(self, language: str, limit: int) -> int:
        """None."""
        return 0

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """None."""
        return ()


def resolved(registry: plugins.Registry, part: int) -> Resolved:
    """A study of the paper's size, or one of so many parts of its transfer languages."""
    pos = registry.tasks["pos"]
    study = dataclasses.replace(
        made.study("tiny", ("pos",)), tasks=tuple(TARGETS), transfer=tuple(CODES[: TRANSFER // part]),
        targets=tuple(CODES[: max(TARGETS.values())]), train_languages=tuple(CODES[:40]), steps=STEPS,
        seeds=tuple(range(SEEDS)), data={},
    )  # fmt: skip
    tiny = made.resolved(made.study("tiny", ("pos",)), registry)
    tasks = {name: dataclasses.replace(pos, name=name) for name in TARGETS}
    return dataclasses.replace(
        tiny, study=study, tasks=tasks, data={x: NoExamples(x) for x in TARGETS},
        training=dict.fromkeys(TARGETS, pos.training), corpus=NoExamples("text"),  # type: ignore[arg-type]
        languages={x: Language(x, x, "none", "none", "Latn") for x in CODES},
        targets={x: tuple(CODES[:count]) for x, count in TARGETS.items()},
    )  # fmt: skip


def measure(folder: Path, *, part: int = 1, store_every: int = 20) -> dict[str, Any]:
    """Seconds, and milliseconds a cell."""
    registry = plugins.load()
    asked = resolved(registry, part)
    store = Store(folder / "results")
    store.prepare()
    start = time.perf_counter()
    planned = plan.make(asked, registry, store)
    planning = time.perf_counter() - start
    cells = sum(len(job.cells) for job in planned.jobs)

    rng = np.random.default_rng(0)
    metrics = {name: task.metric for name, task in asked.tasks.items()}
    provenance: dict[str, Json] = {
        "device": "none",
        "versions": {},
        "plugins": {},
        "seconds": {"evaluate": 1.0},
    }
    stored = planned.jobs[::store_every]
    made_up = [(job, _evaluations(job, rng)) for job in stored]
    start = time.perf_counter()
    for job, evaluations in made_up:
        store.write(job, evaluations, provenance, metrics)
    storing = time.perf_counter() - start
    written = sum(len(job.cells) for job in stored)

    files = [file for some in store.index().values() for file in some]
    start = time.perf_counter()
    records = store.read(files)
    reading = time.perf_counter() - start
    assert len(records) == written

    # Planning reads the ends of all files and checks them, so that every job has one of its own.
    for job in planned.jobs:
        if not (store.jobs / f"{job.identity}.parquet").exists():
            store.write(job, _evaluations(job, rng), provenance, metrics)
    start = time.perf_counter()
    again = plan.make(resolved(registry, part), registry, store)
    resuming = time.perf_counter() - start
    assert not again.todo
    overhead = planning / cells + storing / written + reading / written
    return {
        "conditions": TRANSFER // part * len(STEPS) * SEEDS, "pairs": sum(TARGETS.values()), "cells": cells,
        "examples_a_cell": EXAMPLES, "jobs": len(planned.jobs), "jobs_stored": len(stored),
        "planning_seconds": round(planning, 2), "resuming_seconds": round(resuming, 2),
        "planning_ms_a_cell": round(1000 * planning / cells, 4),
        "storing_ms_a_cell": round(1000 * storing / written, 4),
        "reading_ms_a_cell": round(1000 * reading / written, 4),
        "overhead_ms_a_cell": round(1000 * overhead, 4),
    }  # fmt: skip


def _evaluations(job: Job, rng: np.random.Generator) -> list[Evaluation]:
    # Right ones and all of them, as accuracy counts.
    counts = np.sort(rng.integers(1, 20, (len(job.cells), EXAMPLES, 2)), axis=-1).astype(np.int32)
    return [Evaluation(cell, x) for cell, x in zip(job.cells, counts, strict=True)]
