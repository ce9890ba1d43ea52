"""Tokens in random order over the whole text: what is left of a text is which tokens it has, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def shuffle(text: NDArray[np.int32], special: Sequence[int], seed: int) -> NDArray[np.int32]:
    """The same pieces in random order over the whole text; special tokens stay where they are."""
    flat = text.copy().reshape(-1)
    ordinary = np.flatnonzero(~np.isin(flat, special))
    flat[ordinary] = flat[np.random.default_rng([seed, 1]).permutation(ordinary)]
    return flat.reshape(text.shape)
