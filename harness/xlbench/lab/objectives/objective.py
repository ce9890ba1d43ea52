"""What the Lab asks of a pretraining objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, runtime_checkable

from xlbench.errors import JobError
from xlbench.lab.memory import exhausted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import FinetuningSettings, LanguageTraining
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget

    TextSettings: TypeAlias = FinetuningSettings | LanguageTraining
    """How a text is trained on."""


class TextBatch(Protocol):
    """One step's input."""

    @property
    def chunks(self) -> NDArray[np.int64]:
        """Numbers of the chunks of the text that it is made of, shape (batch,)."""


B = TypeVar("B", bound=TextBatch)


class Pretrains(Protocol[B]):
    """An objective at work. Has no state."""

    def batches(
        self,
        text: NDArray[np.int32],
        encoder: Encoder,
        settings: TextSettings,
        seed: int,
        budget: Budget | None = None,
    ) -> Iterator[B]:
        """The inputs of a run over text, chunks of tokens of shape (chunks, length), without end.

        Everything is drawn from the seed. Which chunks a step has is what `xlbench.lab.chunks.drawn` says,
        with `numpy.random.default_rng([seed, 0])`.
        """

    def loss(self, encoder: Encoder, batch: B) -> Tensor:
        """Mean loss in nats over the places of a batch, on the weights and adapters as they are."""

    def places(self, batch: B) -> int:
        """How many places the mean of `loss` is over."""


@runtime_checkable
class Halves(Protocol[B]):
    """An objective whose batches can be halved where memory runs out."""

    def halves(self, batch: B) -> Sequence[tuple[B, int]]:
        """The first and the second half of the chunks, as wide as the whole, each with its places, which may
        be 0. What `loss` draws has a row for each chunk, in order, along its first dimension.
        """


def halves(objective: Pretrains[B], batch: B) -> list[tuple[int, float, B]]:
    """Both halves of a batch: chunks, share of the places of the whole, and the half. Raises JobError where
    the objective cannot halve it, or it has but one chunk.
    """
    if not isinstance(objective, Halves):
        raise JobError(
            "memory ran out in a batch of an objective that has no method `halves`; use more memory"
        )
    if len(batch.chunks) < 2:
        raise exhausted("training")
    whole = objective.places(batch)
    return [(len(one.chunks), places / whole, one) for one, places in objective.halves(batch)]


def half_of(count: int) -> tuple[slice, slice]:
    """The first and the second half of `count` chunks."""
    half = (count + 1) // 2
    return slice(0, half), slice(half, count)
