"""Masked-LM finetuning: chunks of text, masked batches, and the loop over them.

Follows the released code of arXiv 2403.20088: lines tokenized one by one with their special tokens,
joined and cut into chunks; 15% of the ordinary pieces masked (80% mask, 10% random, 10% kept; Devlin
et al. 2019); AdamW without weight decay; linear decay to 0 over the steps of the run, or, unlike there, a
constant rate; no warmup, no clipping. Unlike it, everything is drawn from the run's seed, and no text is
set aside for a validation that nobody reads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.errors import DataError, JobError
from xlbench.lab import matched

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import LanguageTraining, MaskedLM, Variant
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Amounts, Budget


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


def chunks(lines: Sequence[str], tokenizer: Any, length: int) -> NDArray[np.int32]:
    """Text as chunks of `length` pieces, shape (chunks, length).

    The remainder is dropped; text shorter than one chunk is one shorter chunk. Raises DataError where
    no piece is left.
    """
    return measured_chunks(lines, tokenizer, length)[0]


def measured_chunks(lines: Sequence[str], tokenizer: Any, length: int) -> tuple[NDArray[np.int32], Amounts]:
    """As `chunks`, with what each chunk holds."""
    lines = list(lines)
    encoded = tokenizer(lines, return_attention_mask=False, return_token_type_ids=False, verbose=False)
    pieces = np.concatenate([np.asarray(x, np.int32) for x in encoded["input_ids"]])
    if not np.isin(pieces, tokenizer.all_special_ids, invert=True).any():
        raise DataError("text without a single piece that the tokenizer knows; give other text")
    length = min(length, len(pieces))
    found = pieces[: len(pieces) // length * length].reshape(-1, length)
    return found, matched.by_chunk(lines, encoded.encodings, len(found), length)


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
    seed: int,
    budget: Budget | None = None,
) -> Iterator[MaskedBatch]:
    """The inputs of a run, without end. Chunks are drawn without replacement, again and again; `batch_size`
    in each, or as `budget` says.

    Each ordinary piece is chosen with `mask_probability`; where none was, one is.
    """
    rng = np.random.default_rng([seed, 0])
    special = np.asarray(tokenizer.all_special_ids)
    for rows in _drawn(len(text), settings.batch_size, budget, rng):
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


def _drawn(
    number: int, batch_size: int, budget: Budget | None, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Which of `number` chunks each step has.

    With a budget, a step takes chunks as long as each brings what the run has read nearer to what its steps
    so far should have; so the whole run is off by less than a chunk.
    """
    waiting = np.empty(0, np.int64)
    due = 0.0
    while True:
        due += 0.0 if budget is None else budget.step
        count = 0
        while budget is not None or count < batch_size:
            if count == len(waiting):
                waiting = np.concatenate([waiting, rng.permutation(number)])
            if budget is not None:
                size = float(budget.sizes[waiting[count]])
                if count and size / 2 > due:
                    break
                due -= size
            count += 1
        rows, waiting = waiting[:count], waiting[count:]
        yield rows


def loss_of(encoder: Encoder, batch: MaskedBatch) -> Tensor:
    """Mean cross entropy in nats over the masked pieces, on the weights as they are."""
    ids = torch.from_numpy(batch.ids).to(encoder.device)
    where = torch.from_numpy(batch.where).to(encoder.device)
    logits = encoder.masked_logits(ids, torch.ones_like(ids), where)
    return cross_entropy(logits, torch.from_numpy(batch.gold).to(encoder.device))


def linear(learning_rate: float, steps: int) -> Callable[[int], float]:
    """Linear decay to 0 over `steps` steps, no warmup: the learning rate of each step, counted from 0."""
    return lambda step: learning_rate * (1 - step / steps)


class Training:
    """Steps of AdamW without weight decay over `batches`, which may be done in several parts.

    Between them the random state is put aside, so that parts make the very steps of one run. `rate` is the
    learning rate of each step; `setting` names it for whoever must lower it.
    """

    def __init__(
        self,
        encoder: Encoder,
        parameters: Sequence[Parameter],
        batches: Iterator[MaskedBatch],
        rate: Callable[[int], float],
        setting: str,
        seed: int,
    ) -> None:
        self.done = 0
        """Steps."""
        self.chunks: list[NDArray[np.int64]] = []
        """Numbers of the chunks of each step done."""
        self._encoder, self._parameters, self._batches = encoder, parameters, batches
        self._rate, self._setting = rate, setting
        self._optimizer = torch.optim.AdamW(
            parameters, lr=rate(0), betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True
        )
        torch.manual_seed(seed)
        self._random = _random_state(encoder.device)

    def run(self, steps: int, after: Callable[[int], bool]) -> float:
        """Go on until `steps` are done in all, or `after`, called with the number done, says no.

        Returns the last step's loss in nats; the parameters, which must be trainable, are frozen then.
        Raises JobError where the loss is not finite.
        """
        value = math.nan
        _set_random_state(self._encoder.device, self._random)
        self._encoder.train(True)
        try:
            for batch in itertools.islice(self._batches, steps - self.done):
                for group in self._optimizer.param_groups:
                    group["lr"] = self._rate(self.done)
                loss = loss_of(self._encoder, batch)
                self._optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                self._optimizer.step()
                value = loss.item()  # waits for an accelerator, so it comes after all that is queued there
                if not math.isfinite(value):
                    raise JobError(
                        f"masked-LM loss became {value} at step {self.done + 1} of {steps}; lower "
                        f"{self._setting} ({self._rate(0):g})"
                    )
                self.done += 1
                self.chunks.append(batch.chunks)
                if not after(self.done):
                    break
        finally:
            self._random = _random_state(self._encoder.device)
            self._encoder.train(False)
            for parameter in self._parameters:
                parameter.grad = None
                parameter.requires_grad_(False)
        return value


def _random_state(device: torch.device) -> tuple[Tensor, ...]:
    """Of the processor, and of the device where it has its own."""
    if device.type == "cpu":
        return (torch.get_rng_state(),)
    return torch.get_rng_state(), getattr(torch, device.type).get_rng_state(*_number(device))


def _set_random_state(device: torch.device, state: tuple[Tensor, ...]) -> None:
    torch.set_rng_state(state[0])
    if device.type != "cpu":
        getattr(torch, device.type).set_rng_state(state[1], *_number(device))


def _number(device: torch.device) -> tuple[torch.device, ...]:
    """What names the device to its own functions; there is but one of Apple's."""
    return () if device.type == "mps" else (device,)


def finetuning(
    encoder: Encoder,
    text: NDArray[np.int32],
    settings: MaskedLM,
    *,
    steps: int,
    seed: int,
    variant: Variant,
    budget: Budget | None = None,
) -> Training:
    """A run over all of the encoder's own weights, to be started from the pretrained ones.

    With linear decay it is one of `steps` steps; at a constant rate of as many as wanted, a part at a time.
    Shuffled text has the very chunks in each step that the text itself has.
    """
    if variant == "shuffled":
        text = shuffle(text, encoder.tokenizer.all_special_ids, seed)
    vocabulary = encoder.model.config.vocab_size
    batches = masked_batches(text, encoder.tokenizer, vocabulary, settings, seed, budget)
    rate = settings.learning_rate
    decay = linear(rate, steps) if settings.schedule == "linear" else lambda step: rate
    return Training(encoder, encoder.trainable_base(), batches, decay, "mlm.learning_rate", seed)
