"""What the Lab asks of a pretraining objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

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
