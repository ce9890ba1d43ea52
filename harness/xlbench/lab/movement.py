"""How far finetuning has moved a model: its weights, and the vectors of text that a task adapter reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.lab.batches import Batch
    from xlbench.lab.encoder import Encoder

SENTENCES = 16
"""Training examples, of all languages together, whose vectors are compared."""


class Movement:
    """Measures each state once; states are told by the digest of their weights."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._state = ""
        self._weights: float | None = None
        self._cka: dict[str, float] = {}
        self._before: dict[str, tuple[list[Batch], NDArray[np.float64]]] = {}
        """By sample: its inputs, and their vectors on the pretrained weights."""

    def weights(self, state: str) -> float:
        """Norm of the change of all weights over the norm of the pretrained ones."""
        self._enter(state)
        if self._weights is None:
            self._weights = self._encoder.distance_moved()
        return self._weights

    def cka(self, state: str, sample: str, batches: Callable[[], list[Batch]]) -> float:
        """Linear CKA of all tokens' last-layer vectors before and after. Leaves no adapter active."""
        self._enter(state)
        if sample not in self._cka:
            self._encoder.use_no_adapter()
            if sample not in self._before:
                some = batches()
                with self._encoder.pretrained():
                    self._before[sample] = some, self._vectors(some)
            some, before = self._before[sample]
            self._cka[sample] = linear_cka(before, self._vectors(some))
        return self._cka[sample]

    def _enter(self, state: str) -> None:
        if state != self._state:
            self._state, self._weights, self._cka = state, None, {}

    def _vectors(self, batches: list[Batch]) -> NDArray[np.float64]:
        """Of all tokens, padding apart, shape (tokens, hidden)."""
        with torch.inference_mode():
            each = self._encoder.halving.evaluated(
                batches, lambda x: self._encoder.hidden(x)[x.attention.bool()].cpu().numpy()
            )
            found = [vectors for _, _, vectors in each]
        return np.concatenate(found).astype(np.float64)


def linear_cka(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Linear CKA of two sets of vectors of the same tokens, shapes (tokens, any): 1 where they are the same
    but for a rotation and one scale (Kornblith et al. 2019, equation 4 with linear kernels); 0 where either
    does not vary.
    """
    x, y = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = float(np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    return float(np.linalg.norm(y.T @ x) ** 2) / scale if scale > 0 else 0.0


def spread_over(languages: int) -> list[int]:
    """How many of SENTENCES each language gets: as evenly as can be, and none beyond the first SENTENCES."""
    return [SENTENCES * (i + 1) // languages - SENTENCES * i // languages for i in range(languages)]
