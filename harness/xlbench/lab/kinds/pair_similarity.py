"""A number for two texts, by regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.nn.functional import mse_loss

from xlbench.lab.encode import Encoded, encode_texts
from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Rated, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder


class PairSimilarity:
    """The rating of two texts that are read together, on the scale of the gold ratings."""

    def encode(self, examples: Sequence[Rated], how: Tokenization) -> Encoded:
        """Two texts are an input."""
        texts = encode_texts([x.texts for x in examples], how)
        gold = [(float(x.rating),) for x in examples]
        return Encoded(texts.ids, texts.types, texts.read, gold, texts.truncated)

    def add_head(self, model: Any, task: Task) -> None:
        """Two layers, as of a classification, with one output."""
        model.add_classification_head(task.name, num_labels=1)

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[Any]:
        """The ratings, shape (inputs,)."""
        return np.array([x for one in sets for (x,) in one.gold], np.float32)

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any]) -> Tensor:
        """Mean squared error."""
        gold = torch.from_numpy(targets[batch.slots]).to(encoder.device)
        return mse_loss(self._ratings(encoder, batch), gold)

    def places(self, batch: Batch, targets: NDArray[Any]) -> int:
        """Pairs."""
        return len(batch.slots)

    def answers(self, encoder: Encoder, task: Task, batch: Batch) -> Sequence[NDArray[Any]]:
        """The rating of each pair, shape (1,)."""
        ratings = self._ratings(encoder, batch)
        check_finite(task, ratings)
        return batch.split(ratings.double().cpu().numpy())

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """Ratings."""
        return [(float(x),) for (x,) in answers]

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Always the mean rating of the training pairs."""
        ratings = [x for one in train for (x,) in one.gold]
        return [(float(np.mean(ratings)) if ratings else 0.0,)] * len(test.gold)

    def _ratings(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Shape (inputs,)."""
        return cast("Tensor", encoder.outputs(batch).logits[:, 0])
