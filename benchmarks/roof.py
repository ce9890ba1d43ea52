"""How far from the roof: the engine beside a bare loop over ready batches, and beside the machine itself.

Three figures, measured round by round in one run, medians quoted. The bare loop is the same model on the very
batches that the engine uses, built beforehand. The machine's rate is that of large float32 matrix products.
The share of a whole study is the time inside forward passes, backward passes and optimizer steps. Tokens are
pieces without padding; operations are those of the batches as they are, padding included.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.nn.functional import cross_entropy

from benchmarks import made
from xlbench import plugins
from xlbench.contracts import Resolved, Study
from xlbench.lab import Lab, chunks
from xlbench.lab.batches import Batch
from xlbench.lab.objectives import masked
from xlbench.results import Store
from xlbench.results.studies import study_id
from xlbench.running.work import Work
from xlbench.spec.study import as_json
from xlbench.studies import plan

TASK, LANGUAGE = "pos", "qaa"


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, with all that it queued on an accelerator."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def bare_evaluation(lab: Lab, batches: list[Batch]) -> Callable[[], None]:
    """Forward passes alone."""
    inputs = [{"input_ids": b.ids.long(), "attention_mask": b.attention} for b in batches]

    def work() -> None:
        lab.encoder.use_task_adapter(TASK)
        with torch.inference_mode(), lab.encoder._arithmetic():
            for each in inputs:
                lab.encoder.model(**each)

    return work


def bare_finetuning(lab: Lab, inputs: list[masked.MaskedBatch]) -> Callable[[], None]:
    """Forward passes, backward passes and optimizer steps."""
    encoder, rate = lab.encoder, lab.resolved.mlm.learning_rate
    ready = [[torch.from_numpy(x).to(encoder.device) for x in (b.ids, b.where, b.gold)] for b in inputs]

    def work() -> None:
        parameters = encoder.trainable_base()
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0, fused=True)
        encoder.body.train()
        for ids, where, gold in ready:
            loss = cross_entropy(encoder.masked_logits(ids, torch.ones_like(ids), where), gold)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
        encoder.body.eval()

    return work


def forward(shape: made.Shape, rows: int, length: int) -> float:
    """Operations of an encoder's forward pass: matrices of the layers, and attention. A task adapter and its
    head, below 3% of them, are left out.
    """
    each = 24 * shape.hidden**2 + 4 * length * shape.hidden
    return float(shape.layers * rows * length * each)


def finetuning(shape: made.Shape, rows: int, length: int, masked: int) -> float:
    """Of a masked-LM step: the head at masked positions besides, and twice as much backwards."""
    head = 2 * masked * shape.hidden * (shape.hidden + shape.vocabulary)
    return 3 * (forward(shape, rows, length) + head)


def machine_rate(a: torch.Tensor) -> float:
    """Operations a second in the product of a large square matrix with itself."""
    with torch.inference_mode():
        a @ a
        return 3 * 2 * len(a) ** 3 / seconds(lambda: [a @ a for _ in range(3)])


def small_study(folder: Path, shape: made.Shape, limit: int, steps: int, chunk: int) -> Study:
    """One task, one finetuning, four targets of `limit` sentences, with all files that it needs."""
    model = made.checkpoint(folder / "model", shape)
    files = made.files(folder / "data", (TASK,), limit)
    return made.study(
        model, (TASK,), files, transfer=(LANGUAGE,), targets=made.LANGUAGES[:4], limit=limit, steps=(steps,),
        seeds=(0,), mlm={"chunk": chunk}, adapter={"epochs": 1, "limit": 60},
    )  # fmt: skip


def measure(
    folder: Path, shape: made.Shape, *, rounds: int, limit: int, steps: int, chunk: int
) -> dict[str, Any]:
    """Ratios of evaluation and finetuning, and the share of a study, as plain data."""
    asked = small_study(folder, shape, limit, steps, chunk)
    registry = plugins.load()
    resolved = made.resolved(asked, registry)
    results = folder / "results"
    threads = torch.get_num_threads()
    lab = Lab(resolved, asked.model, Store(results).adapters, device="cpu", threads=threads)
    lab.task_adapter(TASK)
    cells = resolved.cells(TASK)
    _, batches = lab.stream(cells)
    text = chunks.chunks(resolved.corpus.lines(LANGUAGE, resolved.mlm.lines), lab.encoder.tokenizer, chunk)
    drawn = masked.masked_batches(text, lab.encoder.tokenizer, shape.vocabulary, resolved.mlm, 0)
    inputs = list(itertools.islice(drawn, steps))
    pieces = {
        "evaluation": sum(int(b.attention.sum()) for b in batches),
        "finetuning": sum(b.ids.size for b in inputs),
    }
    operations = {
        "evaluation": sum(forward(shape, *b.ids.shape) for b in batches),
        "finetuning": sum(finetuning(shape, len(b.ids), b.ids.shape[1], len(b.where)) for b in inputs),
    }
    sides: dict[str, dict[str, Callable[[], object]]] = {
        "evaluation": {"engine": lambda: lab.evaluate(cells), "bare": bare_evaluation(lab, batches)},
        "finetuning": {
            "engine": lambda: lab.finetune(LANGUAGE, steps=steps, seed=0),
            "bare": bare_finetuning(lab, inputs),
        },
    }
    times: dict[tuple[str, str], list[float]] = {}
    rates, matrix = list[float](), torch.from_numpy(made.square())
    for pair in sides.values():  # what is tokenized and kept once is no part of a round
        lab.restore()
        for work in pair.values():
            work()
    for _ in range(rounds):
        rates.append(machine_rate(matrix))
        for name, pair in sides.items():
            for side, work in pair.items():
                lab.restore()
                times.setdefault((name, side), []).append(seconds(work))
        rates.append(machine_rate(matrix))
    lab.encoder.restore()
    machine = statistics.median(rates)
    table: dict[str, Any] = {
        "model": f"{shape.layers}x{shape.hidden}",
        "machine_gflops": round(machine / 1e9, 1),
    }
    for name in sides:
        # Neighbours in time are compared, round by round: what else the machine does falls on both.
        ratio = statistics.median(
            b / e for b, e in zip(times[name, "bare"], times[name, "engine"], strict=True)
        )
        median = {side: statistics.median(times[name, side]) for side in ("engine", "bare")}
        table[name] = {
            "engine_tokens_per_second": round(pieces[name] / median["engine"]),
            "bare_tokens_per_second": round(pieces[name] / median["bare"]),
            "of_bare_loop": round(ratio, 3),
            "gflops": round(operations[name] / median["engine"] / 1e9, 1),
            "of_machine": round(operations[name] / median["engine"] / machine, 3),
            "bare_of_machine": round(operations[name] / median["bare"] / machine, 3),
        }
    table["padding"] = round(1 - pieces["evaluation"] / sum(b.ids.numel() for b in batches), 3)
    table["study"] = whole_study(registry, resolved, results)
    return table


def whole_study(registry: plugins.Registry, resolved: Resolved, results: Path) -> dict[str, float]:
    """A study planned, run and stored in this process; the seconds of its jobs that are arithmetic."""
    store = Store(results)
    store.prepare()
    name = study_id(plan.make(resolved, registry, store).jobs)
    work = Work(as_json(resolved.study), str(results), name, device="cpu", known=(registry, resolved),
                threads=torch.get_num_threads())  # fmt: skip
    work.prepare()
    start = time.perf_counter()
    with arithmetic() as spent:
        for outcome in work(plan.make(resolved, registry, store).todo, lambda event: None):
            if outcome.error is not None:
                raise RuntimeError(outcome.error)
    total = time.perf_counter() - start
    return {
        "seconds": round(total, 2), "arithmetic_seconds": round(sum(spent), 2),
        "share": round(sum(spent) / total, 3),
    }  # fmt: skip


@contextmanager
def arithmetic() -> Iterator[list[float]]:
    """Seconds of each forward pass, backward pass and optimizer step meanwhile."""
    from xlbench.lab.encoder import Encoder

    spent: list[float] = []

    def timed(function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                spent.append(time.perf_counter() - start)

        return call

    with (
        patch.object(Encoder, "outputs", timed(Encoder.outputs)),
        patch.object(Encoder, "hidden", timed(Encoder.hidden)),
        patch.object(Encoder, "masked_logits", timed(Encoder.masked_logits)),
        patch.object(torch.autograd, "backward", timed(torch.autograd.backward)),
        patch.object(torch.optim.AdamW, "step", timed(torch.optim.AdamW.step)),
    ):
        yield spent
