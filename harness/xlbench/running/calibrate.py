"""A short calibration: how fast this machine is with this model, from a few real steps."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.contracts import Cell, mixture
from xlbench.models import checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbench.contracts import Cost, Resolved

STEPS = 2
EXAMPLES = 64


def calibrate(
    resolved: Resolved,
    cost: Cost,
    *,
    device: str = "auto",
    threads: int | None = None,
    notify: Callable[[str], None] = lambda what: None,
) -> dict[str, float]:
    """Time two steps of fine-tuning (where there is any in `cost`), one epoch on 64 examples and the
    evaluation of 64. Returns units of work a second, by the unit's name. `notify` is told of each phase.

    Nothing of it is kept. The first step of a kind warms up and is not counted.
    """
    from xlbench.lab import Lab

    task, study = next(iter((*resolved.adapted_tasks, *resolved.tasks))), resolved.study
    languages = resolved.train_languages(task)[:1]
    training = {x: replace(how, epochs=1, limit=EXAMPLES) for x, how in resolved.training.items()}
    small = replace(
        resolved,
        study=replace(study, limit=EXAMPLES, train_languages=languages),
        training=training,
        limits={},
    )
    target = resolved.targets[task][0]
    cell = Cell(task, target, resolved.data[task].fingerprint(target, "test"), EXAMPLES)
    path = checkpoints.download(checkpoints.locate(resolved.model))
    notify("loading the model")
    with tempfile.TemporaryDirectory(prefix="xlbench-") as folder:
        lab = Lab(small, str(path), Path(folder), device=device, threads=threads)
        train = 0.0
        notify(f"training a task adapter of {task}")
        for language in languages:
            lab.encoded(task, language, "train")
            train = _timed(lambda: lab.task_adapter(task))
        notify("evaluating")
        lab.evaluate([cell])
        evaluate = _timed(lambda: lab.evaluate([cell]))
        finetune = 0.0
        text = next((x for x in mixture.each(study.transfer) if x in resolved.corpus.languages()), None)
        if text is not None and cost.finetune_tokens:
            notify("fine-tuning")
            lab.finetune(text, steps=1, seed=0)
            finetune = _timed(lambda: lab.finetune(text, steps=STEPS, seed=0))
    tokens = STEPS * resolved.mlm.batch_size * resolved.mlm.chunk
    examples = sum(small.size(task, x, "train") for x in languages)
    found = {"evaluate_examples": small.passes([cell]) / evaluate}
    if finetune:
        found["finetune_tokens"] = tokens / finetune
    if train:
        found["train_examples"] = examples / train
    return found


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
