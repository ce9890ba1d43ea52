"""The weighted mean of the adapters' weights: a further adapter, as large as one of them.

Each weight of the further adapter is the mean of the same weights of all: of a bottleneck those of both
projections, of an invertible part all of its own, of low-rank adapters the matrices A and B each. So it is
not the mean of what the adapters do: a product of means is no mean of products. The library's own
`average_adapter` does the same, and forgets the invertible part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from xlbench.errors import ModelError
from xlbench.lab.compositions.composition import Together


class Merged(Together):
    """An adapter made of the others' weights."""

    def beneath(self) -> str:
        """See `Together`."""
        return "merged-" + "+".join(self.names)

    def add(self) -> Sequence[str]:
        """See `Together`. Raises ModelError where the adapters' settings differ."""
        name, encoder = self.beneath(), self.encoder
        configs = [encoder.model.adapters_config.get(x) for x in self.names]
        for setting, value in configs[0].items():
            if unlike := [x for x in configs if x.get(setting, None) != value]:
                other = unlike[0].get(setting, None)
                raise ModelError(
                    f"language adapters unlike in {setting} ({value} and {other}) cannot be merged; give "
                    "ones that are alike"
                )
        encoder.add_adapter(name, configs[0])
        weights = self.under.weights or (1.0,) * len(self.names)
        parts = [{k.replace(x, name): p for k, p in encoder.weights_of(x)} for x in self.names]
        with torch.no_grad():
            for key, parameter in encoder.weights_of(name):
                parameter.zero_()
                for weight, part in zip(weights, parts, strict=True):
                    parameter.add_(part[key], alpha=weight / sum(weights))
        encoder.model.eval()
        return (name,)

    def remove(self) -> None:
        """See `Together`."""
        self.encoder.delete_adapter(self.beneath())
