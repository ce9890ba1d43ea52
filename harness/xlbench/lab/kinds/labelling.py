"""What tagging and classification have in common: labels from a closed set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder


class Labelling:
    """A label at each place of an input."""

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Shape (places, labels)."""
        raise NotImplementedError

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[np.int64]:
        """Number of the gold label of every place."""
        number = {label: i for i, label in enumerate(task.labels)}
        return np.array([number[x] for s in sets for labels in s.gold for x in labels], np.int64)

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]) -> Tensor:
        """Mean cross entropy."""
        gold = torch.from_numpy(targets[batch.slots]).to(encoder.device)
        return cross_entropy(self.logits(encoder, batch), gold)

    def places(self, batch: Batch, targets: NDArray[np.int64]) -> int:
        """Words or examples that were not cut off."""
        return len(batch.slots)

    def answers_and_loss(
        self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]
    ) -> tuple[Sequence[NDArray[Any]], NDArray[np.float64]]:
        """Number of the label at each place that was not cut off; each of them is a decision."""
        logits = self.logits(encoder, batch)
        check_finite(task, logits)
        gold = torch.from_numpy(targets[batch.slots]).to(encoder.device)
        nats = cross_entropy(logits.float(), gold, reduction="none")
        return batch.split(logits.argmax(-1).cpu().numpy()), batch.summed(nats)

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """Labels; None for words that were cut off."""
        names = [*task.labels, None]  # -1 is the last
        found = []
        for places, answer in zip(encoded.places, answers, strict=True):
            numbers = np.full(len(places), -1)
            numbers[places >= 0] = answer
            found.append(tuple(names[i] for i in numbers))
        return found

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Always the most frequent label."""
        seen = Counter(x for s in train for labels in s.gold for x in labels)
        label = max(task.labels, key=lambda x: seen[x])
        return [(label,) * len(gold) for gold in test.gold]
