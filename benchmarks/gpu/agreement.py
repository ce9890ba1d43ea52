"""One study's labels and scores on two devices.

The task adapter is trained once, on the CPU, and read by all. States of the model are the pretrained weights
and those after masked-LM fine-tuning. Dropout is drawn by a device's own generator, so the same seed is
another draw on another device; rounding alone is seen where the checkpoint has no dropout. How far dropout
moves the scores is put beside how far another seed moves them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import made
from benchmarks.gpu.material import TASK, Material, Size
from xlbench.contracts import Study
from xlbench.lab import Lab
from xlbench.lab.adapters.configuration import configured
from xlbench.metrics import score_of
from xlbench.results import Store


class State(NamedTuple):
    """Finetuned for so many steps with a seed; 0 steps are the pretrained weights."""

    steps: int
    seed: int


class Found(NamedTuple):
    """What a model in one state says."""

    labels: list[Any]
    """Of every word of every target, in order."""
    scores: np.ndarray
    """Of every target, in points, shape (targets,)."""


def measure(folder: Path, material: Material, device: str, size: Size) -> dict[str, Any]:
    """Shares of labels that differ, and differences of scores, as plain data."""
    exact = material.without_dropout(folder / "without dropout")
    asked, steps = exact.study(size), size.steps
    before, after = State(0, 0), State(steps, 0)
    processor = Lab(made.resolved(asked), asked.model, Store(folder / "results").adapters, device="cpu")
    adapter = processor.task_adapter(TASK)
    assert adapter is not None
    sides = {
        "cpu": dict(found(processor, (before, after), material.language)),
        device: _on(asked, adapter, device, (before, after), material),
        "bfloat16": _on(replace(asked, precision="bfloat16"), adapter, device, (before, after), material),
    }
    del processor
    seeds = (after, State(steps, 1))
    drawn = {
        side: _on(material.study(size), adapter, side, seeds, material)
        for side in dict.fromkeys(("cpu", device))
    }
    return {
        "targets": len(exact.targets), "words": len(sides["cpu"][before].labels),
        "mean score on the CPU, points": round(float(sides["cpu"][before].scores.mean()), 2),
        f"{device} against the CPU, float32": _both(sides["cpu"], sides[device], steps),
        f"{device}: bfloat16 against float32": _both(sides[device], sides["bfloat16"], steps),
        f"with dropout, {steps} steps": {
            f"{device} against the CPU, same seed": compared(drawn["cpu"][after], drawn[device][after]),
            "CPU, another seed": compared(drawn["cpu"][after], drawn["cpu"][seeds[1]]),
        },
    }  # fmt: skip


def _both(one: Mapping[State, Found], other: Mapping[State, Found], steps: int) -> dict[str, Any]:
    return {
        "pretrained": compared(one[State(0, 0)], other[State(0, 0)]),
        f"{steps} steps without dropout": compared(one[State(steps, 0)], other[State(steps, 0)]),
    }


def compared(one: Found, other: Found) -> str:
    """Labels that differ, and the mean and largest difference of a target's score."""
    differing = sum(a != b for a, b in zip(one.labels, other.labels, strict=True))
    gaps = np.abs(one.scores - other.scores)
    return (
        f"{differing} of {len(one.labels):,} labels differ ({differing / len(one.labels):.4%}); "
        f"scores differ by {gaps.mean():.3f} points in the mean, {gaps.max():.2f} at most"
    )


def _on(
    asked: Study, adapter: Path, device: str, states: Sequence[State], material: Material
) -> dict[State, Found]:
    """What a model with this adapter says on a device."""
    lab = Lab(made.resolved(asked), asked.model, adapter.parent, device=device)
    config = configured(lab.resolved.method, lab.resolved.training[TASK])
    task = lab.resolved.tasks[TASK]
    kind = lab.inputs.kind(task)
    lab.encoder.load_task_adapter(TASK, adapter, config, lambda model: kind.add_head(model, task))
    return dict(found(lab, states, material.language))


def found(lab: Lab, states: Sequence[State], language: str) -> Iterator[tuple[State, Found]]:
    """What the model says in each of these states, finetuned on a language."""
    cells = lab.resolved.cells(TASK)
    metric = lab.resolved.tasks[TASK].metric
    for state in states:
        lab.restore()
        if state.steps:
            lab.finetune(language, steps=state.steps, seed=state.seed)
        predicted = lab.predict(cells)
        scores = []
        for cell, some in zip(cells, predicted, strict=True):
            gold = lab.encoded(TASK, cell.target, "test").gold
            counts = [metric.count(g, p) for g, p in zip(gold, some, strict=True)]
            scores.append(score_of(metric.score, np.array(counts, np.float64)))
        labels = [x for some in predicted for one in some for x in one]
        yield state, Found(labels, np.array(scores))
    lab.restore()
