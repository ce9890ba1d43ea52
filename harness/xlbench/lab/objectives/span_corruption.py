"""Span corruption: spans of a text give way to sentinels, and the decoder says what stood there.

As released with Raffel et al. (2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", JMLR 21, section 3.3.4): of n tokens, round(15% of n) are cut out, in round(cut / 3) spans. The
lengths of the spans, and of what is between them, are drawn uniformly among those of the right sum; what is
kept comes first. Each span has a sentinel of its own in its place, in order; the target is each sentinel
with its span behind it, then the end.

    A B C D E F G      A <0> D E F <1> </s>      <0> B C <1> G </s>
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.errors import DataError, ModelError
from xlbench.lab.chunks import drawn
from xlbench.lab.objectives.objective import half_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget
    from xlbench.lab.objectives.objective import TextSettings

MEAN_SPAN = 3.0
"""Tokens of a span on average."""
SENTINEL = re.compile("▁?<extra_id_([0-9]+)>")
"""Sentinels as the tokenizers of T5 and of mT5 name them."""


@dataclass(frozen=True, eq=False)
class SpanBatch:
    """One step's input, padded behind."""

    ids: NDArray[np.int64]
    """What the encoder reads, shape (batch, length)."""
    attention: NDArray[np.int64]
    """The same shape, 0 on padding."""
    given: NDArray[np.int64]
    """What the decoder reads: its start, then the target but for the last token; shape (batch, target)."""
    gold: NDArray[np.int64]
    """The target, shape (batch, target)."""
    kept: NDArray[np.bool_]
    """The same shape, False on padding."""
    chunks: NDArray[np.int64]
    """Numbers of the chunks, shape (batch,)."""


class SpanCorruption:
    """See `xlbench.lab.objectives.objective.Pretrains`."""

    def batches(
        self,
        text: NDArray[np.int32],
        encoder: Encoder,
        settings: TextSettings,
        seed: int,
        budget: Budget | None = None,
    ) -> Iterator[SpanBatch]:
        """Chunks without the special tokens in them, `mask_probability` of the others corrupted.

        Raises ModelError where the tokenizer has no sentinels, DataError where there are fewer than spans.
        """
        rng = np.random.default_rng([seed, 0])
        tokenizer, config = encoder.tokenizer, encoder.model.config
        special, sentinels = np.asarray(tokenizer.all_special_ids), sentinels_of(tokenizer)
        start = config.decoder_start_token_id
        start = encoder.pad if start is None else start
        for rows in drawn(len(text), settings.batch_size, budget, rng):
            sources, targets = [], []
            for row in text[rows].astype(np.int64):
                source, target = corrupted(
                    row[~np.isin(row, special)], sentinels, settings.mask_probability, rng
                )
                sources.append([*source, tokenizer.eos_token_id])
                targets.append([*target, tokenizer.eos_token_id])
            ids, read = _padded(sources, encoder.pad)
            gold, kept = _padded(targets, encoder.pad)
            given, _ = _padded([[start, *x[:-1]] for x in targets], encoder.pad)
            yield SpanBatch(ids, read.astype(np.int64), given, gold, kept, rows)

    def loss(self, encoder: Encoder, batch: SpanBatch) -> Tensor:
        """Mean cross entropy in nats over the tokens of the targets, sentinels and ends included."""
        ids, attention, given, gold, kept = (
            torch.from_numpy(x).to(encoder.device)
            for x in (batch.ids, batch.attention, batch.given, batch.gold, batch.kept)
        )
        vectors = encoder.continued(ids, attention, given)[kept]
        return cross_entropy(encoder.vocabulary_logits(vectors), gold[kept])

    def places(self, batch: SpanBatch) -> int:
        """Tokens of the targets."""
        return int(batch.kept.sum())

    def halves(self, batch: SpanBatch) -> Sequence[tuple[SpanBatch, int]]:
        """See `xlbench.lab.objectives.objective.Halves`."""
        found = (
            SpanBatch(
                batch.ids[x],
                batch.attention[x],
                batch.given[x],
                batch.gold[x],
                batch.kept[x],
                batch.chunks[x],
            )
            for x in half_of(len(batch.ids))
        )
        return [(x, self.places(x)) for x in found]


def sentinels_of(tokenizer: Any) -> list[int]:
    """Numbers of the sentinels, in order. Raises ModelError where there are none."""
    found = {int(x[1]): i for token, i in tokenizer.get_vocab().items() if (x := SENTINEL.fullmatch(token))}
    numbers = [found[i] for i in range(len(found)) if i in found]
    if not numbers:
        raise ModelError(
            "the tokenizer has no sentinel tokens (<extra_id_0>, ...), without which no spans can be cut "
            "out; give the tokenizer that belongs to the model"
        )
    return numbers


def corrupted(
    tokens: NDArray[np.int64], sentinels: Sequence[int], density: float, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """A text with spans cut out, and the target. Raises DataError where there are fewer sentinels than spans.

    Of a single token all is cut out, of none nothing.
    """
    size = len(tokens)
    if size < 2:
        return [*sentinels[:size]], [*sentinels[:size], *tokens.tolist()]
    cut = min(max(round(size * density), 1), size - 1)
    spans = min(max(round(cut / MEAN_SPAN), 1), cut, size - cut)
    if spans > len(sentinels):
        raise DataError(
            f"{spans} spans are cut out of a chunk of {size} tokens, and the tokenizer has {len(sentinels)} "
            "sentinels; lower mlm.chunk and language_training.chunk"
        )
    source: list[int] = []
    target: list[int] = []
    place = 0
    # The released code draws the spans that are cut out first.
    gone = _lengths(cut, spans, rng)
    for sentinel, kept, lost in zip(sentinels, _lengths(size - cut, spans, rng), gone, strict=False):
        source += [*tokens[place : place + kept].tolist(), sentinel]
        target += [sentinel, *tokens[place + kept : place + kept + lost].tolist()]
        place += kept + lost
    return source, target


def _lengths(total: int, parts: int, rng: np.random.Generator) -> list[int]:
    """Lengths of parts, each at least 1, drawn uniformly among all of this sum."""
    ends = np.sort(rng.choice(total - 1, parts - 1, replace=False)) + 1
    return [int(x) for x in np.diff([0, *ends, total])]


def _padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows of one length, and where they are not padding."""
    width = max(len(x) for x in rows)
    kept = np.array([[i < len(x) for i in range(width)] for x in rows])
    return np.array([[*x, *[pad] * (width - len(x))] for x in rows], np.int64), kept
