"""What the Lab asks of a kind of task: what `KindOfTask.load` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import torch

from xlbench.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Encoded, Tokenization
    from xlbench.lab.encoder import Encoder

Predicted: TypeAlias = "tuple[Any, ...]"
"""What is predicted of one example, as `contracts.KindOfTask` has it."""


class Kind(Protocol):
    """How tasks of one kind are read and predicted: what is asked of all kinds, and of each beside it either
    `Answers` or `Costed`. Has no state.
    """

    def encode(self, examples: Sequence[Any], how: Tokenization) -> Encoded:
        """Tokenize examples into inputs of at most `how.max_length` tokens, with the gold of each example."""

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """What is predicted of each example, given the answers of all inputs of a set."""

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """A prediction for each example of `test` that ignores its input: see `contracts.Lab.majority`."""


class Answers(Protocol):
    """The methods of a kind without task loss."""

    def answers(self, encoder: Encoder, task: Task, batch: Batch) -> Sequence[NDArray[Any]]:
        """What the model says of each input of a batch, in order. Raises JobError for scores not finite."""


@runtime_checkable
class Measures(Protocol):
    """A kind that says more of an evaluation than its counts."""

    def further(self, task: Task, encoded: Encoded, predicted: Sequence[Predicted]) -> Mapping[str, float]:
        """Further numbers, by name, as in `Evaluation.extra`."""


@runtime_checkable
class Costed(Protocol):
    """A trained kind that gives the task loss of what it is scored on, in the forward pass of its answers."""

    def answers_and_loss(
        self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any]
    ) -> tuple[Sequence[NDArray[Any]], NDArray[np.float64]]:
        """As `Answers.answers`, and of each input how many nats its right decisions cost, and how many these
        are, shape (inputs, 2): over a whole set their quotient is `Trained.loss`, without dropout. `targets`:
        what `Trained.targets` makes of the sets that are scored.
        """


@runtime_checkable
class Differentiable(Protocol):
    """A kind whose task loss has a gradient: any trained kind, and others that say so."""

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any]) -> Tensor:
        """Mean loss in nats over the places of a batch, under the active adapters and head. `targets`: what
        `Trained.targets` makes; of a kind that is not trained, nothing.
        """

    def places(self, batch: Batch, targets: NDArray[Any]) -> int:
        """How many places the mean of `loss` is over."""


class Trained(Kind, Differentiable, Protocol):
    """A kind whose tasks have an adapter and a head that are trained on labels."""

    def add_head(self, model: Any, task: Task) -> None:
        """Put a fresh head, named like the task, on an adapter model. Weights come from torch's seed."""

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[Any]:
        """What is to be learned from sets, in the order of their stream; `loss` gets it back."""


def check_finite(task: Task, scores: Tensor) -> None:
    """Raise JobError where a score is not a number."""
    if not torch.isfinite(scores).all():
        raise JobError(f"the {task.name} scores are not finite; the weights are broken")
