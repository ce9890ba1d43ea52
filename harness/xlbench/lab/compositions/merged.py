"""The weighted mean of the adapters' weights: a further adapter, as large as one of them.

Each weight of the further adapter is the mean of the same weights of all: of a bottleneck those of both
projections, of an invertible part all of its own, of low-rank adapters the matrices A and B each. So it is
not the mean of what the adapters do: a product of means is no mean of products.
"""

from __future__ import annotations

from collections.abc import Sequence

from xlbench.errors import ModelError, text_of
from xlbench.lab.compositions.composition import Together


class Merged(Together):
    """An adapter made of the others' weights."""

    def beneath(self) -> str:
        """See `Together`."""
        return "merged-" + "+".join(self.names)

    def add(self) -> Sequence[str]:
        """See `Together`. Raises ModelError where the adapters' weights differ in shape."""
        name, model = self.beneath(), self.encoder.model
        weights = list(self.under.weights or [1.0] * len(self.names))
        try:
            model.average_adapter(name, list(self.names), weights, "linear", normalize_weights=True)
        except Exception as error:  # half made, it would stand in the way of the next
            model.delete_adapter(name)
            raise ModelError(
                f"weights of the language adapters cannot be merged ({' '.join(text_of(error).split())}); "
                "give adapters of the same settings"
            ) from error
        model.to(self.encoder.device).eval()
        return (name,)

    def remove(self) -> None:
        """See `Together`."""
        self.encoder.delete_adapter(self.beneath())
