"""Text of several languages as one, each with its share of the chunks, hence of the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xlbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def mix(texts: Sequence[NDArray[np.int32]], shares: Sequence[float], seed: int) -> list[NDArray[np.int64]]:
    """The first chunks of each text, as many as its share is of the largest whole that no text is too short
    for, to the nearest chunk. Raises DataError where that is no chunk at all.
    """
    whole = min(len(text) / share for text, share in zip(texts, shares, strict=True))
    counts = [min(len(t), round(whole * x)) for t, x in zip(texts, shares, strict=True)]
    if 0 in counts:
        raise DataError(
            f"a share of {shares[counts.index(0)]:g} of {whole:.0f} chunks is none; give more text, a larger "
            "share or a lower mlm.chunk"
        )
    return [np.arange(count) for count in counts]
