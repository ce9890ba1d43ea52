"""Text as chunks of tokens, and which of them each step of a training has.

Follows the released code of arXiv 2403.20088: lines tokenized one by one with their special tokens, joined
and cut into chunks. Unlike it, everything is drawn from the run's seed, and no text is set aside for a
validation that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xlbench.errors import DataError
from xlbench.lab import matched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.lab.matched import Amounts, Budget


def chunks(lines: Sequence[str], tokenizer: Any, length: int) -> NDArray[np.int32]:
    """Text as chunks of `length` pieces, shape (chunks, length).

    The remainder is dropped; text shorter than one chunk is one shorter chunk. Raises DataError where
    no piece is left.
    """
    return measured_chunks(lines, tokenizer, length)[0]


def measured_chunks(lines: Sequence[str], tokenizer: Any, length: int) -> tuple[NDArray[np.int32], Amounts]:
    """As `chunks`, with what each chunk holds.

    Lines of a tokenizer that puts nothing around a text are ended by its end token, where it has one, as
    texts were in pretraining: else they would run into each other.
    """
    lines = list(lines)
    encoded = tokenizer(lines, return_attention_mask=False, return_token_type_ids=False, verbose=False)
    encodings: Sequence[Any] = encoded.encodings
    if not tokenizer.num_special_tokens_to_add() and tokenizer.eos_token_id is not None:
        encodings = [_ended(x, tokenizer.eos_token_id) for x in encodings]
    pieces = np.concatenate([np.asarray(x.ids, np.int32) for x in encodings])
    if not np.isin(pieces, tokenizer.all_special_ids, invert=True).any():
        raise DataError("text without a single piece that the tokenizer knows; give other text")
    length = min(length, len(pieces))
    found = pieces[: len(pieces) // length * length].reshape(-1, length)
    return found, matched.by_chunk(lines, encodings, len(found), length)


class _Ended(NamedTuple):
    """What is read of an encoding."""

    ids: list[int]
    special_tokens_mask: list[int]
    offsets: list[tuple[int, int]]


def _ended(one: Any, end: int) -> _Ended:
    """An encoding with the end token behind it."""
    return _Ended([*one.ids, end], [*one.special_tokens_mask, 1], [*one.offsets, (0, 0)])


def drawn(
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
