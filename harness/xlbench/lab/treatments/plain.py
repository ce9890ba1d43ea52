"""The text as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def plain(chunks: NDArray[np.int32], special: Sequence[int], seed: int) -> NDArray[np.int32]:
    """The chunks themselves."""
    return chunks
