"""Training of a task adapter and its head on the frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlbench.lab.batches import Stream
from xlbench.lab.memory import exhausted, learned
from xlbench.lab.training import LABELLED_NORM, Training, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import AdapterTraining, Task
    from xlbench.lab.batches import Batch
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
    stream, targets = Stream.of(sets), kind.targets(task, sets)
    epochs = _epochs(stream, how)
    steps = sum(map(len, epochs))
    ends, pad = np.cumsum([len(x) for x in sets]), encoder.pad

    def learn(members: NDArray[np.int64], halved: bool) -> Tensor | None:
        parts = [
            (under, batch)
            for under, some in (_by_set(members, ends, beneath) if beneath else [("", members)])
            if len((batch := stream.batch(some.tolist(), pad, encoder.device)).slots)
        ]
        whole = sum(kind.places(batch, targets) for _, batch in parts)
        loss = torch.zeros((), device=encoder.device)
        for under, batch in parts:
            if under:
                encoder.use_stack(under, task.name)
            loss += learned(encoder.device, labelled(encoder, task, kind, batch, targets, whole, halved))
        return loss if parts else None

    def after(step: int) -> bool:
        progress(step / steps)
        return True

    training = Training(
        encoder, parameters, chain.from_iterable(epochs), learn, linear(how.learning_rate, max(1, steps)),
        what=f"loss of the {task.name} adapter", setting=f"adapter.{task.name}.learning_rate",
        clip=LABELLED_NORM,
    )  # fmt: skip
    try:
        training.run(steps, after)
    except BaseException:
        encoder.delete_task_adapter(task.name)
        raise
    finally:
        if beneath:
            encoder.use_no_adapter()
    last = training.losses[len(training.losses) - len(epochs[-1]) :]
    return float(np.mean([x for x in last if x is not None]))


def labelled(
    encoder: Encoder, task: Task, kind: Trained, batch: Batch, targets: NDArray[Any], whole: int, halved: bool
) -> list[tuple[int, float, Callable[[], Tensor]]]:
    """A batch, in halves or not, as `memory.learned` takes it: its losses weigh as their share of the `whole`
    step's places. Raises JobError where there is but one input to halve.
    """

    def loss(one: Batch) -> Tensor:
        return kind.loss(encoder, task, one, targets) * (kind.places(one, targets) / whole)

    parts = batch.halves() if halved else (batch,)
    if halved:
        kept = [x for x in parts if len(x.slots)]
        if len(parts) == 1 or (
            len(kept) == 1 and kind.places(kept[0], targets) != kind.places(batch, targets)
        ):
            raise exhausted("training")
    return [(len(x.members), float(len(x.slots) > 0), partial(loss, x)) for x in parts]


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
