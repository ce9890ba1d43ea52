"""The uniform mean of the adapters' outputs, in every layer."""

from __future__ import annotations

from typing import Any

from xlbench.lab.compositions.composition import Together


class Average(Together):
    """The library's block for means, with equal weights."""

    def beneath(self) -> Any:
        """See `Together`."""
        from adapters.composition import Average as Mean

        # The library divides by the number of adapters once more than its weights do: with ones it is a mean.
        return Mean(*self.names, weights=[1.0] * len(self.names), normalize_weights=False)
