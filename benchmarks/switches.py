"""What could be switched on beside float32 as it is: bfloat16, torch.compile, batches made ahead.

Evaluation and masked-LM finetuning of one model, in rounds, medians of ratios of neighbours in time. bfloat16
is the engine's own (`--precision bfloat16`), against the engine in float32. `torch.compile` is tried on the
bare loop, which it suits best: the same ready batches again and again. The share of finetuning that goes into
making batches is what making them ahead, on a second thread, could hide.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import made
from benchmarks.roof import LANGUAGE, TASK, bare_evaluation, bare_finetuning, seconds, small_study
from xlbench.lab import Lab, chunks
from xlbench.lab.adapters.configuration import configured
from xlbench.lab.objectives import masked
from xlbench.results import Store


def measure(
    folder: Path, shape: made.Shape, *, rounds: int, limit: int, steps: int, chunk: int, compiled: bool
) -> dict[str, Any]:
    """Ratios, labels that differ, and seconds to compile, as plain data."""
    asked = small_study(folder, shape, limit, steps, chunk)
    exact, reduced = (
        Lab(made.resolved(one), one.model, Store(folder / "results").adapters, device="cpu",
            threads=torch.get_num_threads())
        for one in (asked, replace(asked, precision="bfloat16"))
    )  # fmt: skip
    adapter = exact.task_adapter(TASK)
    assert adapter is not None
    config = configured(reduced.resolved.method, reduced.resolved.training[TASK])
    task = reduced.resolved.tasks[TASK]
    kind = reduced.inputs.kind(task)
    # The same weights for both.
    reduced.encoder.load_task_adapter(TASK, adapter, config, lambda model: kind.add_head(model, task))
    cells = exact.resolved.cells(TASK)
    found = {
        "evaluation": _faster(
            {"plain": lambda: exact.evaluate(cells), "other": lambda: reduced.evaluate(cells)}, rounds
        ),
        "finetuning": _faster(
            {"plain": lambda: _finetune(exact, steps), "other": lambda: _finetune(reduced, steps)}, rounds
        ),
    }
    for lab in (exact, reduced):
        lab.restore()
    labels = [
        [x for sentences in lab.predict(cells) for one in sentences for x in one] for lab in (exact, reduced)
    ]
    differing = sum(a != b for a, b in zip(*labels, strict=True))
    made_of: dict[str, Any] = {
        "model": f"{shape.layers}x{shape.hidden}",
        "bfloat16, times as fast": found,
        "bfloat16, labels that differ": f"{differing} of {len(labels[0])}",
        "share of a finetuning that makes batches": _making(exact, shape, steps),
    }
    return {**made_of, "torch.compile": _compiled(exact, shape, rounds, steps)} if compiled else made_of


def _finetune(lab: Lab, steps: int) -> None:
    lab.restore()
    lab.finetune(LANGUAGE, steps=steps, seed=0)


def _faster(sides: Mapping[str, Callable[[], object]], rounds: int) -> float:
    """How many times as fast the other side is, both once unmeasured."""
    for work in sides.values():
        work()
    ratios = []
    for _ in range(rounds):
        spent = {name: seconds(work) for name, work in sides.items()}
        ratios.append(spent["plain"] / spent["other"])
    return round(statistics.median(ratios), 2)


def _drawn(lab: Lab, shape: made.Shape) -> Iterator[masked.MaskedBatch]:
    mlm, tokenizer = lab.resolved.mlm, lab.encoder.tokenizer
    text = chunks.chunks(lab.resolved.corpus.lines(LANGUAGE, mlm.lines), tokenizer, mlm.chunk)
    return masked.masked_batches(text, tokenizer, shape.vocabulary, mlm, 0)


def _making(lab: Lab, shape: made.Shape, steps: int) -> float:
    drawn, many = _drawn(lab, shape), 20
    making = seconds(lambda: list(itertools.islice(drawn, many))) / many
    return round(making / (seconds(lambda: _finetune(lab, steps)) / steps), 4)


def _compiled(lab: Lab, shape: made.Shape, rounds: int, steps: int) -> dict[str, Any]:
    """The bare loop as it is, and with the model compiled for shapes that vary."""
    _, batches = lab.stream(lab.resolved.cells(TASK))
    encoder = lab.encoder
    evaluate = bare_evaluation(lab, batches)
    finetune = bare_finetuning(lab, list(itertools.islice(_drawn(lab, shape), steps)))
    model = torch.compile(encoder.model, dynamic=True)
    logits = torch.compile(encoder.masked_logits, dynamic=True)

    def evaluate_compiled() -> None:
        with patch.object(encoder, "model", model):
            evaluate()

    def finetune_compiled() -> None:
        with patch.object(encoder, "masked_logits", logits):
            finetune()

    found: dict[str, Any] = {}
    for name, plain, other in (
        ("evaluation", evaluate, evaluate_compiled),
        ("finetuning", finetune, finetune_compiled),
    ):
        lab.restore()
        start = time.perf_counter()
        other()
        found[f"{name}, seconds to compile"] = round(time.perf_counter() - start - seconds(plain), 1)
        found[f"{name}, times as fast"] = _faster({"plain": plain, "other": other}, rounds)
    return found
