"""Tokens a second of the engine, of a bare loop over ready batches, and the rate of matrix products; memory.

Evaluation, masked-LM fine-tuning and the training of a task adapter, in float32, TF32 (float32 whose factors
are rounded to 10 bits of mantissa) and bfloat16. The matrix rate is that of a square product in the same
precision. Tokens are without padding; operations are those of the batches as they are, padding included. The
engine's side is all that a study pays: batches drawn, optimizer made, labels counted.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from benchmarks import made, roof
from benchmarks.gpu.material import TASK, Material, Size
from xlbench.contracts import Precision
from xlbench.lab import Lab, task_adapters
from xlbench.lab.adapters import configuration
from xlbench.lab.batches import Batch, Stream
from xlbench.lab.objectives import masked
from xlbench.results import Store

Work: TypeAlias = "Callable[[], object]"
ARITHMETIC: Mapping[str, tuple[Precision, str]] = {
    "float32": ("float32", "highest"), "TF32": ("float32", "high"), "bfloat16": ("bfloat16", "highest"),
}  # fmt: skip
"""The engine's precision, and torch's of float32 products."""
BUDGETS = (8_192, 32_768, 131_072)


@dataclass(frozen=True)
class Activity:
    """One thing that the engine does."""

    tokens: int
    operations: float
    engine: Work
    bare: Work


@dataclass(frozen=True)
class Costs:
    """What a study of any size is made of."""

    start: float
    """Seconds of a finetuning beside its steps."""
    step: float
    """Seconds."""
    sentence: float
    """Seconds to evaluate one and count its labels."""


def square(device: torch.device, name: str, size: int) -> torch.Tensor:
    """A matrix to multiply with itself."""
    kind = torch.bfloat16 if name == "bfloat16" else torch.float32
    return torch.from_numpy(made.square(size)).to(device, kind)


@contextmanager
def arithmetic(name: str) -> Iterator[Precision]:
    """Float32 products in a precision meanwhile; gives the engine's."""
    precision, products = ARITHMETIC[name]
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(products)
    try:
        yield precision
    finally:
        torch.set_float32_matmul_precision(before)


def measure(
    folder: Path, material: Material, device: str, name: str, size: Size
) -> tuple[dict[str, Any], Costs]:
    """One model in one arithmetic: figures as plain data, and the costs to extrapolate from."""
    with arithmetic(name) as precision:
        asked = material.study(size, precision=precision)
        lab = Lab(made.resolved(asked), asked.model, Store(folder / name).adapters, device=device)
        return _measured(lab, material, size, square(lab.device, name, size.matrix))


def _measured(lab: Lab, material: Material, size: Size, matrix: torch.Tensor) -> tuple[dict[str, Any], Costs]:
    steps, rounds = size.steps, size.rounds
    rates = [roof.machine_rate(matrix) for _ in range(3)]
    rate = statistics.median(rates)
    del matrix
    table: dict[str, Any] = {"matrix product, TFLOP/s": round(rate / 1e12, 2)}
    table["weights, MiB"] = round(sum(p.nbytes for p in lab.encoder._own) / 1024**2)
    training = adapter_training(lab, material)
    table["task adapter"] = _row(lab, training, rounds, rate)
    lab.task_adapter(TASK)
    evaluation = evaluating(lab, material)
    table["evaluation"] = _row(lab, evaluation, rounds, rate)
    table["finetuning"] = _row(lab, finetuning(lab, material, steps), rounds, rate)
    sentences = sum(len(lab.encoded(TASK, x, "test")) for x in material.targets)
    one = _median(lab, lambda: lab.finetune(material.language, steps=1, seed=0), rounds)
    many = _median(lab, lambda: lab.finetune(material.language, steps=1 + steps, seed=0), rounds)
    step = (many - one) / steps
    cells = lab.resolved.cells(TASK)
    costs = Costs(max(0.0, one - step), step, _median(lab, lambda: lab.evaluate(cells), rounds) / sentences)
    return table, costs


def _row(lab: Lab, activity: Activity, rounds: int, rate: float) -> dict[str, Any]:
    """Engine and bare loop in turn, once unmeasured, medians."""
    times: dict[str, list[float]] = {"engine": [], "bare": []}
    peaks = dict[str, float]()
    for number in range(rounds + 1):
        for side, work in (("engine", activity.engine), ("bare", activity.bare)):
            lab.restore()
            if side == "bare":
                lab.encoder.restore()
            with peak(lab.device) as found:
                spent = roof.seconds(work)
            if number:
                times[side].append(spent)
                peaks[side] = found[0]
    lab.encoder.restore()
    median = {side: statistics.median(some) for side, some in times.items()}
    row: dict[str, Any] = {
        "engine, tokens/s": round(activity.tokens / median["engine"]),
        "bare loop, tokens/s": round(activity.tokens / median["bare"]),
        "engine, of the bare loop": round(median["bare"] / median["engine"], 3),
        "engine, of the matrix rate": round(activity.operations / median["engine"] / rate, 3),
        "bare loop, of the matrix rate": round(activity.operations / median["bare"] / rate, 3),
    }
    if any(peaks.values()):
        row["engine, peak MiB"], row["bare loop, peak MiB"] = (round(peaks[x]) for x in ("engine", "bare"))
    return row


def _median(lab: Lab, work: Work, rounds: int) -> float:
    """Seconds, from the pretrained weights."""
    spent = []
    for _ in range(rounds):
        lab.restore()
        spent.append(roof.seconds(work))
    return statistics.median(spent)


@contextmanager
def peak(device: torch.device) -> Iterator[list[float]]:
    """MiB of the device's memory at most, all tensors together; 0 where the device does not say."""
    found: list[float] = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    yield found
    found.append(torch.cuda.max_memory_allocated(device) / 1024**2 if device.type == "cuda" else 0.0)


def evaluating(lab: Lab, material: Material) -> Activity:
    """All targets, with the engine's batches."""
    cells = lab.resolved.cells(TASK)
    _, batches = lab.stream(cells)
    return Activity(
        sum(int(b.attention.sum()) for b in batches),
        sum(roof.forward(material.shape, *b.ids.shape) for b in batches),
        lambda: lab.evaluate(cells),
        roof.bare_evaluation(lab, batches),
    )


def finetuning(lab: Lab, material: Material, steps: int) -> Activity:
    """So many steps of all weights."""
    encoder, mlm, shape = lab.encoder, lab.resolved.mlm, material.shape
    text = lab.texts.chunks(material.language, mlm.lines, mlm.chunk)
    drawn = masked.masked_batches(text, encoder.tokenizer, shape.vocabulary, mlm, 0)
    inputs = list(itertools.islice(drawn, steps))
    return Activity(
        sum(b.ids.size for b in inputs),
        sum(roof.finetuning(shape, len(b.ids), b.ids.shape[1], len(b.where)) for b in inputs),
        lambda: lab.finetune(material.language, steps=steps, seed=0),
        roof.bare_finetuning(lab, inputs),
    )


def adapter_training(lab: Lab, material: Material) -> Activity:
    """One training of a task adapter; the body is frozen, so that backwards costs what forwards does."""
    task, how = lab.resolved.tasks[TASK], lab.resolved.training[TASK]
    sets = [lab.encoded(TASK, material.train, "train")]
    stream, targets = Stream.of(sets), lab.inputs.kind(task).targets(task, sets)
    rng = np.random.default_rng([how.seed, 2])
    pad = lab.encoder.tokenizer.pad_token_id
    drawn = [m for _ in range(how.epochs) for m in stream.shuffled(how.batch_size, rng)]
    batches = [stream.batch(m.tolist(), pad, lab.device) for m in drawn]

    def engine() -> None:
        kind = lab.inputs.kind(task)
        task_adapters.train(lab.encoder, task, kind, sets, how, lambda fraction: None, adding(lab))
        lab.encoder.delete_task_adapter(task.name)

    return Activity(
        sum(int(b.attention.sum()) for b in batches),
        2 * sum(roof.forward(material.shape, *b.ids.shape) for b in batches),
        engine,
        lambda: bare_adapter(lab, batches, targets),
    )


def adding(lab: Lab) -> Callable[[str], None]:
    """What puts a fresh task adapter into the model."""
    return partial(configuration.add, lab.encoder, lab.resolved.method, lab.resolved.training[TASK])


def bare_adapter(lab: Lab, batches: list[Batch], targets: Any) -> None:
    """Forward passes, backward passes, clipping and optimizer steps on ready batches."""
    task, how, encoder = lab.resolved.tasks[TASK], lab.resolved.training[TASK], lab.encoder
    kind = lab.inputs.kind(task)
    adding(lab)(task.name)
    kind.add_head(encoder.model, task)
    encoder.model.to(encoder.device)
    parameters = encoder.train_task_adapter(task.name)
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.0, fused=True)
    encoder.model.train()
    for batch in batches:
        loss = kind.loss(encoder, task, batch, targets)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    encoder.model.eval()
    encoder.delete_task_adapter(task.name)


def budgets(folder: Path, material: Material, device: str, size: Size) -> dict[str, Any]:
    """Evaluation with batches of so many pieces at most, in float32."""
    found = {}
    for budget in BUDGETS:
        asked = material.study(size)
        lab = Lab(made.resolved(asked), asked.model, Store(folder / "float32").adapters, device=device,
                  batch_tokens=budget)  # fmt: skip
        lab.task_adapter(TASK)
        activity = evaluating(lab, material)
        activity.engine()
        with peak(lab.device) as most:
            spent = _median(lab, activity.engine, size.rounds)
        found[f"batches of {budget:,} tokens"] = (
            f"{activity.tokens / spent:,.0f} tokens/s, peak {most[0]:,.0f} MiB"
        )
    return found
