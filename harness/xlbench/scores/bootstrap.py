"""Resampling as matrices: how often a draw has each example, and which examples it swaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Json

_BLOCK = 500_000
"""Weights held at once: memory stays flat in draws and examples."""
_NUMBERS = 2_000_000
"""Sums of resampled counts held at once: memory stays flat in runs, of which there may be thousands."""


def generator(*what: Json) -> np.random.Generator:
    """Random numbers that depend on what is compared and on nothing else."""
    return np.random.default_rng(int(digest(list(what)), 16))


def weights(n: int, draws: int, rng: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Blocks of a (draws, n) matrix of how often each of `n` items is drawn; every row sums to `n`.

    Yields (rows, block), so that sums of resampled counts are `block @ counts`.
    """
    for rows in _blocks(n, draws):
        size = rows.stop - rows.start
        drawn = rng.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        yield rows, np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float32)


def swaps(n: int, draws: int, rng: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Blocks of a (draws, n) matrix of 0 and 1, even chances: which examples a draw swaps between arms."""
    for rows in _blocks(n, draws):
        yield rows, rng.integers(0, 2, size=(rows.stop - rows.start, n)).astype(np.float32)


def narrow(
    blocks: Iterable[tuple[slice, NDArray[np.float32]]], width: int
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """The same draws in smaller blocks, where `width` numbers a draw are made of them."""
    step = max(1, _NUMBERS // width)
    for rows, block in blocks:
        for start in range(0, len(block), step):
            part = block[start : start + step]
            yield slice(rows.start + start, rows.start + start + len(part)), part


def all_weights(n: int, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The matrix of `weights` in one piece, for few items (seeds)."""
    return np.concatenate([block for _, block in weights(n, draws, rng)]).astype(np.float64)


def _blocks(n: int, draws: int) -> Iterator[slice]:
    step = max(1, _BLOCK // n)
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))
