"""Training of a task adapter and its head on the frozen pretrained encoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.errors import JobError
from xlbench.lab.batches import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import AdapterTraining, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder


def numbered(task: Task, sets: list[Encoded]) -> NDArray[np.int64]:
    """Number of the gold label of every word of the sets, in the order of their stream."""
    number = {label: i for i, label in enumerate(task.labels)}
    return np.array([number[x] for s in sets for labels in s.gold for x in labels], np.int64)


def loss_of(encoder: Encoder, task: Task, batch: Batch, gold: NDArray[np.int64]) -> Tensor:
    """Mean cross entropy in nats over the labelled places of a batch, under the active adapters and head."""
    logits = encoder.task_logits(batch)
    if task.kind == "tagging":
        logits = logits[batch.rows, batch.columns]
    return cross_entropy(logits, torch.from_numpy(gold[batch.slots]).to(encoder.device))


def train(
    encoder: Encoder,
    task: Task,
    sets: list[Encoded],
    how: AdapterTraining,
    progress: Callable[[float], None],
) -> float:
    """Train a fresh adapter named like the task; returns the mean loss of the last epoch, in nats.

    AdamW, linear decay to 0 without warmup, gradients clipped at norm 1, the last epoch's weights kept
    (arXiv 2403.20088, released code). Raises JobError where the loss is not finite.
    """
    torch.manual_seed(how.seed)
    encoder.add_task_adapter(task.name, task.kind, task.labels, how.reduction_factor)
    parameters = encoder.train_task_adapter(task.name)
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.0, fused=True)
    stream = Stream.of(sets)
    gold = numbered(task, sets)
    rng = np.random.default_rng([how.seed, 2])
    epochs = [stream.shuffled(how.batch_size, rng) for _ in range(how.epochs)]
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
                loss = loss_of(encoder, task, batch, gold)
                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    raise JobError(
                        f"loss of the {task.name} adapter became {losses[-1]} at step {step}; lower "
                        f"adapter.{task.name}.learning_rate ({how.learning_rate:g})"
                    )
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
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
