"""Training of a task adapter and its head on the frozen encoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from xlbench.errors import JobError
from xlbench.lab.batches import Stream
from xlbench.lab.kinds import trained_kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import AdapterTraining, Task
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder


def train(
    encoder: Encoder,
    task: Task,
    sets: list[Encoded],
    how: AdapterTraining,
    progress: Callable[[float], None],
) -> float:
    """Train a fresh adapter named like the task, or with a warm start the one in memory; returns the mean
    loss of the last epoch, or of all steps after a warm start, in nats.

    AdamW, linear decay to 0 without warmup, gradients clipped at norm 1, the last epoch's weights kept
    (arXiv 2403.20088, released code). Raises JobError where the loss is not finite; the adapter is gone then.
    """
    torch.manual_seed(how.seed)
    kind = trained_kind_of(task)
    if how.warm_start_steps is None:
        encoder.add_task_adapter(task.name, how.reduction_factor)
        kind.add_head(encoder.model, task)
        encoder.model.to(encoder.device)
    parameters = encoder.train_task_adapter(task.name)
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.0, fused=True)
    stream = Stream.of(sets)
    targets = kind.targets(task, sets)
    epochs = _epochs(stream, how)
    steps = sum(len(e) for e in epochs)
    step, mean = 0, math.nan
    encoder.model.train()
    try:
        for batches in epochs:
            losses = []
            for members in batches:
                for group in optimizer.param_groups:
                    group["lr"] = how.learning_rate * (1 - step / steps)
                batch = stream.batch(members.tolist(), encoder.tokenizer.pad_token_id, encoder.device)
                step += 1
                if not len(batch.slots):
                    continue
                loss = kind.loss(encoder, task, batch, targets)
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
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
        encoder.model.eval()
        for parameter in encoder.model.parameters():
            parameter.requires_grad_(False)
    return mean


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
