"""Language adapters that are quickly trained, and what a Lab makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xlbench.contracts import Composition, LanguageAdapter, LanguageTraining
from xlbench.lab import Lab

QUICK = LanguageTraining(
    learning_rate=5e-3,
    reduction_factor=4,
    epochs=4,
    chunk=16,
    batch_size=8,
    lines=200,
    held_out=0.2,
    checks=6,
)
INVERTIBLE = replace(QUICK, config="seq_bn_inv")
Build = Callable[..., Lab]


def adapter(
    language: str = "qaa", seed: int = 0, how: LanguageTraining = QUICK, kind: Any = "trained"
) -> Any:
    return LanguageAdapter(kind, language, how, seed)


def folder_of(lab: Lab, one: LanguageAdapter) -> Path:
    (found,) = Path(lab.attached.folder).glob(f"{one.language}-{name_of(lab, one).split('-')[1]}")
    return found


def name_of(lab: Lab, one: LanguageAdapter) -> str:
    return lab.attached.load(one)


def state(lab: Lab, part: str = "") -> dict[str, torch.Tensor]:
    return {k: p.detach().clone() for k, p in lab.encoder.model.named_parameters() if part in k}


def logits(lab: Lab, under: Composition, task: str = "tags") -> list[np.ndarray]:
    """Of every batch of the task's test data."""
    lab.task_adapter(task)
    lab.restore()
    lab.predict(lab.resolved.cells(task), under)
    _, batches = lab.stream(lab.resolved.cells(task))
    names = lab.attached._compose(under, task).together.names
    from xlbench.lab.compositions import composition

    with composition.invertible(lab.encoder, names, under.invertible), torch.inference_mode():
        return [lab.encoder.outputs(b).logits.numpy().copy() for b in batches]


def equal(one: list[np.ndarray], other: list[np.ndarray], within: float = 1e-5) -> bool:
    return all(np.allclose(a, b, atol=within, rtol=0) for a, b in zip(one, other, strict=True))
