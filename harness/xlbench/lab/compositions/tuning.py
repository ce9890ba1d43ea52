"""Training of a composition's own weights for a task; nothing else moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from xlbench.lab.batches import Stream
from xlbench.lab.memory import learned
from xlbench.lab.task_adapters import labelled
from xlbench.lab.training import LABELLED_NORM, Training, linear

if TYPE_CHECKING:
    from torch.nn import Parameter

    from xlbench.contracts import Task
    from xlbench.lab.compositions.composition import Together
    from xlbench.lab.encode import Encoded
    from xlbench.lab.kinds.kind import Trained


def tune(
    together: Together,
    task: Task,
    kind: Trained,
    sets: list[Encoded],
    parameters: list[Parameter],
    added: Callable[[], Tensor | float],
    progress: Callable[[float], None],
) -> None:
    """Train the weights that `Together.trained` gives, with what it adds to the loss, by the settings of the
    composition (`Composition.fusion`).

    AdamW, linear decay to 0, gradients clipped at norm 1. Raises JobError where the loss is not finite.
    """
    encoder, how, seed = together.encoder, together.under.fusion, together.under.seed
    encoder.use_stack(together.beneath(), task.name)
    for parameter in encoder.model.parameters():
        parameter.requires_grad_(False)
    for parameter in parameters:
        parameter.requires_grad_(True)
    stream, targets = Stream.of(sets), kind.targets(task, sets)
    pad = encoder.pad

    def learn(members: list[int], halved: bool) -> Tensor | None:
        batch = stream.batch(members, pad, encoder.device)
        if not len(batch.slots):
            return None
        if not halved:
            loss = kind.loss(encoder, task, batch, targets)
            torch.autograd.backward(loss + added())
            return loss.detach()
        whole = kind.places(batch, targets)
        found = learned(encoder.device, labelled(encoder, task, kind, batch, targets, whole, halved))
        if isinstance(more := added(), Tensor):
            torch.autograd.backward(more)
        return found

    def after(step: int) -> bool:
        progress(step / how.steps)
        return True

    torch.manual_seed(seed)
    batches = _endless(stream, how.batch_size, np.random.default_rng([seed, 3]))
    Training(
        encoder, parameters, batches, learn, linear(how.learning_rate, how.steps),
        what=f"loss of the {together.under.mix} composition for {task.name}", setting="its learning rate",
        clip=LABELLED_NORM,
    ).run(how.steps, after)  # fmt: skip


def _endless(stream: Stream, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Shuffled batches, epoch after epoch."""
    while True:
        for members in stream.shuffled(size, rng):
            yield members.tolist()
