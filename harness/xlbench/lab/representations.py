"""Vectors of texts, layer by layer, on the weights as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from xlbench.errors import JobError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.lab.batches import Batch
    from xlbench.lab.encoder import Encoder


def of(
    encoder: Encoder, batches: Sequence[Batch], count: int, layer: int, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """A vector for each of `count` inputs, shape (count, hidden), without any adapter. `layer`: 0 is the
    embeddings, -1 the last layer. Raises JobError for one that the model does not have.
    """
    encoder.use_no_adapter()
    special = torch.tensor(encoder.tokenizer.all_special_ids, device=encoder.device)
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * count

    def means_of(batch: Batch) -> NDArray[np.float32]:
        layers = encoder.by_layer(batch)
        if not -len(layers) <= layer < len(layers):
            most = len(layers) - 1
            raise JobError(f"no layer {layer}; the model has {most}, and layer 0 is the embeddings")
        means = pooled(layers[layer], batch.attention.bool(), ~torch.isin(batch.ids, special))
        return np.asarray(means.cpu().numpy())

    with torch.inference_mode():
        for share, batch, means in encoder.halving.evaluated(batches, means_of):
            for member, vector in zip(batch.members, means, strict=True):
                found[member] = vector
            progress(share)
    return np.stack(found)


def pooled(vectors: Tensor, there: Tensor, text: Tensor) -> Tensor:
    """Mean over the tokens of each text, shape (batch, hidden), of vectors of shape (batch, length, hidden).

    `there` is false for padding, `text` for special tokens; what has no others is the mean of those.
    """
    wanted = there & text
    wanted = torch.where(wanted.any(1, keepdim=True), wanted, there).unsqueeze(-1)
    return (vectors * wanted).sum(1) / wanted.sum(1)
