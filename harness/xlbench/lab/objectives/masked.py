"""Masked language modelling: 15% of the ordinary tokens are chosen, and predicted (Devlin et al. 2019).

Of the chosen ones 80% are masked, 10% replaced by a random token, 10% kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
class MaskedBatch:
    """One step's input."""

    ids: NDArray[np.int64]
    """Shape (batch, chunk), masked."""
    where: NDArray[np.int64]
    """Flat positions that carry loss."""
    gold: NDArray[np.int64]
    """The pieces that stood there."""
    chunks: NDArray[np.int64]
    """Numbers of the chunks, shape (batch,)."""


class Masked:
    """See `xlbench.lab.objectives.objective.Pretrains`."""

    def batches(
        self,
        text: NDArray[np.int32],
        encoder: Encoder,
        settings: TextSettings,
        seed: int,
        budget: Budget | None = None,
    ) -> Iterator[MaskedBatch]:
        """See `masked_batches`."""
        size = encoder.model.config.vocab_size
        return masked_batches(text, encoder.tokenizer, size, settings, seed, budget)

    def loss(self, encoder: Encoder, batch: MaskedBatch) -> Tensor:
        """See `loss_of`."""
        return loss_of(encoder, batch)

    def places(self, batch: MaskedBatch) -> int:
        """Tokens that carry loss."""
        return len(batch.where)

    def halves(self, batch: MaskedBatch) -> Sequence[tuple[MaskedBatch, int]]:
        """See `xlbench.lab.objectives.objective.Halves`."""
        found = []
        for part in half_of(len(batch.ids)):
            start, stop = (x * batch.ids.shape[1] for x in (part.start, part.stop))
            own = (batch.where >= start) & (batch.where < stop)
            where, gold = batch.where[own] - start, batch.gold[own]
            found.append((MaskedBatch(batch.ids[part], where, gold, batch.chunks[part]), len(where)))
        return found


def masked_batches(
    text: NDArray[np.int32],
    tokenizer: Any,
    vocabulary: int,
    settings: TextSettings,
    seed: int,
    budget: Budget | None = None,
) -> Iterator[MaskedBatch]:
    """The inputs of a run, without end. Chunks are drawn without replacement, again and again; `batch_size`
    in each, or as `budget` says.

    Each ordinary piece is chosen with `mask_probability`; where none was, one is.
    """
    rng = np.random.default_rng([seed, 0])
    special = np.asarray(tokenizer.all_special_ids)
    for rows in drawn(len(text), settings.batch_size, budget, rng):
        ids = text[rows].astype(np.int64)
        ordinary = ~np.isin(ids, special)
        chosen = (rng.random(ids.shape) < settings.mask_probability) & ordinary
        if not chosen.any():
            chosen.reshape(-1)[rng.choice(np.flatnonzero(ordinary))] = True
        where = np.flatnonzero(chosen)
        flat = ids.reshape(-1)
        gold = flat[where].copy()
        how = rng.random(len(where))
        random = rng.integers(0, vocabulary, len(where))
        flat[where] = np.where(how < 0.8, tokenizer.mask_token_id, np.where(how < 0.9, random, gold))
        yield MaskedBatch(ids, where, gold, rows)


def loss_of(encoder: Encoder, batch: MaskedBatch) -> Tensor:
    """Mean cross entropy in nats over the masked pieces, on the weights as they are."""
    ids = torch.from_numpy(batch.ids).to(encoder.device)
    where = torch.from_numpy(batch.where).to(encoder.device)
    logits = encoder.masked_logits(ids, torch.ones_like(ids), where)
    return cross_entropy(logits, torch.from_numpy(batch.gold).to(encoder.device))
