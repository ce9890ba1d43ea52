"""Training of a task adapter and its head on the frozen encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from xlbench.errors import JobError
from xlbench.lab.batches import Stream
from xlbench.lab.compositions import blocks as compositions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import AdapterTraining, Task
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.kinds.kind import Trained


def train(
    encoder: Encoder,
    task: Task,
    kind: Trained,
    sets: list[Encoded],
    how: AdapterTraining,
    progress: Callable[[float], None],
    add: Callable[[str], None],
    beneath: Sequence[str] = (),
) -> float:
    """Train a fresh adapter named like the task, or with a warm start the one in memory; returns the mean
    loss of the last epoch, or of all steps after a warm start, in nats. `add`: puts a fresh one into
    the model.

    `beneath`: names of the language adapters, frozen, under each of `sets` (MAD-X; Pfeiffer et al. 2020,
    arXiv 2005.00052). The batches are those of a training without: each goes through the model in parts, one
    per language, and their gradients are added up.

    AdamW, linear decay to 0 without warmup, gradients clipped at norm 1, the last epoch's weights kept
    (arXiv 2403.20088, released code). Raises JobError where the loss is not finite; the adapter is gone then.
    """
    torch.manual_seed(how.seed)
    if how.warm_start_steps is None:
        add(task.name)
        kind.add_head(encoder.model, task)
        encoder.model.to(encoder.device)
    parameters = encoder.train_task_adapter(task.name)
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.0, fused=True)
    stream = Stream.of(sets)
    targets = kind.targets(task, sets)
    epochs = _epochs(stream, how)
    ends = np.cumsum([len(x) for x in sets])
    steps = sum(len(e) for e in epochs)
    step, mean, pad = 0, math.nan, encoder.pad
    encoder.model.train()
    try:
        for batches in epochs:
            losses = []
            for members in batches:
                for group in optimizer.param_groups:
                    group["lr"] = how.learning_rate * (1 - step / steps)
                step += 1
                parts = [
                    (under, batch)
                    for under, some in (_by_set(members, ends, beneath) if beneath else [("", members)])
                    if len((batch := stream.batch(some.tolist(), pad, encoder.device)).slots)
                ]
                if not parts:
                    continue
                optimizer.zero_grad(set_to_none=True)
                whole = sum(kind.places(batch, targets) for _, batch in parts)
                loss = torch.zeros((), device=encoder.device)
                for under, batch in parts:
                    if under:
                        compositions.use(encoder, [under], "single", task.name)
                    share = kind.loss(encoder, task, batch, targets) * (kind.places(batch, targets) / whole)
                    torch.autograd.backward(share)
                    loss += share.detach()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                losses.append(loss.item())  # waits for an accelerator, so after all that is queued there
                if not math.isfinite(losses[-1]):
                    raise JobError(
                        f"loss of the {task.name} adapter became {losses[-1]} at step {step}; lower "
                        f"adapter.{task.name}.learning_rate ({how.learning_rate:g})"
                    )
                progress(step / steps)
            mean = float(np.mean(losses))
    except BaseException:
        encoder.delete_task_adapter(task.name)
        raise
    finally:
        if beneath:
            encoder.use_no_adapter()
        encoder.model.eval()
        for parameter in encoder.model.parameters():
            parameter.requires_grad_(False)
    return mean


def _by_set(
    members: NDArray[np.int64], ends: NDArray[np.int64], beneath: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The inputs of a batch by the set that each is of, with what lies beneath it."""
    owners = np.searchsorted(ends, members, side="right")
    for owner in np.unique(owners):
        yield beneath[owner], members[owners == owner]


def _epochs(stream: Stream, how: AdapterTraining) -> list[list[NDArray[np.int64]]]:
    """Batches by epoch; after a warm start, its steps as one."""
    if how.warm_start_steps is None:
        rng = np.random.default_rng([how.seed, 2])
        return [stream.shuffled(how.batch_size, rng) for _ in range(how.epochs)]
    rng = np.random.default_rng([how.seed, 4])
    further: list[NDArray[np.int64]] = []
    while len(further) < how.warm_start_steps:
        further += stream.shuffled(how.batch_size, rng)
    return [further[: how.warm_start_steps]]
