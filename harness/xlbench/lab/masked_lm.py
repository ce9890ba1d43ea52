"""Masked-LM finetuning: chunks of text, masked batches, and the loop over them.

Follows the released code of arXiv 2403.20088: lines tokenized one by one with their special tokens,
joined and cut into chunks; 15% of the ordinary pieces masked (80% mask, 10% random, 10% kept; Devlin
et al. 2019); AdamW without weight decay; linear decay to 0 over the steps of the run; no warmup, no
clipping. Unlike it, everything is drawn from the run's seed, and no text is set aside for a validation
that nobody reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.errors import DataError, JobError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import LanguageTraining, MaskedLM, Variant
    from xlbench.lab.encoder import Encoder


@dataclass(frozen=True, eq=False)
class MaskedBatch:
    """One step's input."""

    ids: NDArray[np.int64]
    """Shape (batch, chunk), masked."""
    where: NDArray[np.int64]
    """Flat positions that carry loss."""
    gold: NDArray[np.int64]
    """The pieces that stood there."""


def chunks(lines: Sequence[str], tokenizer: Any, length: int) -> NDArray[np.int32]:
    """Text as chunks of `length` pieces, shape (chunks, length).

    The remainder is dropped; text shorter than one chunk is one shorter chunk. Raises DataError where
    no piece is left.
    """
    encoded = tokenizer(list(lines), return_attention_mask=False, return_token_type_ids=False, verbose=False)
    pieces = np.concatenate([np.asarray(x, np.int32) for x in encoded["input_ids"]])
    if not np.isin(pieces, tokenizer.all_special_ids, invert=True).any():
        raise DataError("text without a single piece that the tokenizer knows; give other text")
    if len(pieces) < length:
        return pieces[None, :]
    return pieces[: len(pieces) // length * length].reshape(-1, length)


def shuffle(text: NDArray[np.int32], special: Sequence[int], seed: int) -> NDArray[np.int32]:
    """The same pieces in random order over the whole text; special tokens stay where they are."""
    flat = text.copy().reshape(-1)
    ordinary = np.flatnonzero(~np.isin(flat, special))
    flat[ordinary] = flat[np.random.default_rng([seed, 1]).permutation(ordinary)]
    return flat.reshape(text.shape)


def masked_batches(
    text: NDArray[np.int32],
    tokenizer: Any,
    vocabulary: int,
    settings: MaskedLM | LanguageTraining,
    steps: int,
    seed: int,
) -> Iterator[MaskedBatch]:
    """The `steps` inputs of a run. Chunks are drawn without replacement, again and again.

    Each ordinary piece is chosen with `mask_probability`; where none was, one is.
    """
    rng = np.random.default_rng([seed, 0])
    special = np.asarray(tokenizer.all_special_ids)
    waiting = np.empty(0, np.int64)
    for _ in range(steps):
        while len(waiting) < settings.batch_size:
            waiting = np.concatenate([waiting, rng.permutation(len(text))])
        ids = text[waiting[: settings.batch_size]].astype(np.int64)
        waiting = waiting[settings.batch_size :]
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
        yield MaskedBatch(ids, where, gold)


def loss_of(encoder: Encoder, batch: MaskedBatch) -> Tensor:
    """Mean cross entropy in nats over the masked pieces, on the weights as they are."""
    ids = torch.from_numpy(batch.ids).to(encoder.device)
    where = torch.from_numpy(batch.where).to(encoder.device)
    logits = encoder.masked_logits(ids, torch.ones_like(ids), where)
    return cross_entropy(logits, torch.from_numpy(batch.gold).to(encoder.device))


def train(
    encoder: Encoder,
    parameters: Sequence[Parameter],
    batches: Iterable[MaskedBatch],
    learning_rate: float,
    steps: int,
    setting: str,
    after: Callable[[int], bool],
) -> float:
    """Steps of AdamW without weight decay, linear decay to 0; returns the last step's loss in nats.

    `after`, called with the number of steps done, says whether to go on. Raises JobError, which names the
    `setting` that is the learning rate, where the loss is not finite.
    """
    optimizer = torch.optim.AdamW(
        parameters, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True
    )
    value = math.nan
    encoder.train(True)
    try:
        for step, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * (1 - step / steps)
            loss = loss_of(encoder, batch)
            value = loss.item()
            if not math.isfinite(value):
                raise JobError(
                    f"masked-LM loss became {value} at step {step + 1} of {steps}; lower {setting} "
                    f"({learning_rate:g})"
                )
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            if not after(step + 1):
                break
    finally:
        encoder.train(False)
        for parameter in parameters:
            parameter.grad = None
            parameter.requires_grad_(False)
    return value


def finetune(
    encoder: Encoder,
    text: NDArray[np.int32],
    settings: MaskedLM,
    *,
    steps: int,
    seed: int,
    variant: Variant,
    progress: Callable[[float], None],
) -> float:
    """Finetune all of the encoder's own weights; returns the last step's loss in nats a masked piece.

    Raises JobError where the loss is not finite.
    """
    if variant == "shuffled":
        text = shuffle(text, encoder.tokenizer.all_special_ids, seed)
    vocabulary = encoder.model.config.vocab_size
    batches = masked_batches(text, encoder.tokenizer, vocabulary, settings, steps, seed)

    def after(step: int) -> bool:
        progress(step / steps)
        return True

    parameters = encoder.trainable_base()
    torch.manual_seed(seed)
    rate = settings.learning_rate
    return train(encoder, parameters, batches, rate, steps, "mlm.learning_rate", after)
