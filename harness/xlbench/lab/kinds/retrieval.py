"""Translations found by the model's own vectors: no head, no adapter, nothing is trained.

A text's vector is the mean of the last hidden states at its tokens, special tokens left out. A query is
answered with the text of the pool whose vector has the highest cosine with its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlbench.lab.encode import Encoded, encode_texts
from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xlbench.contracts import Task, Translated
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder

QUERIES = 1024
"""That are compared with the pool at a time."""


class Retrieval:
    """Of each text the most similar one among the translations of all."""

    def encode(self, examples: Sequence[Translated], how: Tokenization) -> Encoded:
        """All texts, then all translations: an input each. A text without a token is read at all places."""
        texts = encode_texts([[x.text] for x in examples] + [[x.translation] for x in examples], how)
        places = [
            own if len(own) else np.arange(len(ids), dtype=np.int32)
            for own, ids in zip(texts.own, texts.ids, strict=True)
        ]
        return Encoded(texts.ids, None, places, [(x.translation,) for x in examples], texts.truncated)

    def answers(self, encoder: Encoder, task: Task, batch: Batch) -> Sequence[NDArray[Any]]:
        """The vector of each text, of length 1, shape (hidden,)."""
        hidden = encoder.hidden(batch)
        sums = torch.zeros(len(hidden), hidden.shape[-1], device=hidden.device)
        sums = sums.index_add(0, batch.rows, hidden[batch.rows, batch.columns])
        check_finite(task, sums)
        # The cosine of sums is that of means.
        return list(torch.nn.functional.normalize(sums, dim=-1).cpu().numpy())

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """The translation of highest cosine; equal texts of the pool are one answer."""
        pool: list[Predicted] = encoded.gold
        queries, others = np.stack(answers[: len(pool)]), np.stack(answers[len(pool) :])
        found: list[Predicted] = []
        for start in range(0, len(queries), QUERIES):
            cosines = queries[start : start + QUERIES] @ others.T
            found += [pool[i] for i in cosines.argmax(axis=1)]
        return found

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Always the first of the pool."""
        return test.gold[:1] * len(test.gold)
