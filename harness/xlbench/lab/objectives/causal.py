"""Causal language modelling: every token is predicted from those before it (Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.lab.chunks import drawn
from xlbench.lab.objectives.objective import half_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget
    from xlbench.lab.objectives.objective import TextSettings


@dataclass(frozen=True, eq=False)
class CausalBatch:
    """One step's input."""

    ids: NDArray[np.int64]
    """Shape (batch, chunk)."""
    attention: NDArray[np.int64]
    """Shape (batch, chunk), 0 on padding, which only follows text."""
    chunks: NDArray[np.int64]
    """Numbers of the chunks, shape (batch,)."""


class Causal:
    """See `xlbench.lab.objectives.objective.Pretrains`. Draws nothing but the chunks of each step."""

    def batches(
        self,
        text: NDArray[np.int32],
        encoder: Encoder,
        settings: TextSettings,
        seed: int,
        budget: Budget | None = None,
    ) -> Iterator[CausalBatch]:
        """Chunks as they are."""
        rng = np.random.default_rng([seed, 0])
        for rows in drawn(len(text), settings.batch_size, budget, rng):
            ids = text[rows].astype(np.int64)
            yield CausalBatch(ids, np.ones_like(ids), rows)

    def loss(self, encoder: Encoder, batch: CausalBatch) -> Tensor:
        """Mean cross entropy in nats over all tokens but the first of each chunk, special ones included."""
        ids, attention = (torch.from_numpy(x).to(encoder.device) for x in (batch.ids, batch.attention))
        kept = attention[:, 1:].bool()
        vectors = encoder.vectors(ids, attention)[:, :-1][kept]
        return cross_entropy(encoder.vocabulary_logits(vectors), ids[:, 1:][kept])

    def places(self, batch: CausalBatch) -> int:
        """Tokens that are predicted."""
        return int(batch.attention[:, 1:].sum())

    def halves(self, batch: CausalBatch) -> Sequence[tuple[CausalBatch, int]]:
        """See `xlbench.lab.objectives.objective.Halves`."""
        found = (
            CausalBatch(batch.ids[x], batch.attention[x], batch.chunks[x]) for x in half_of(len(batch.ids))
        )
        return [(x, self.places(x)) for x in found]
