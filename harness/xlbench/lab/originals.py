"""The pretrained weights, to be put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from xlbench.lab.guard import weights_digest

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter


class Originals:
    """What weights were when they were loaded. They are copied when something is about to change them: until
    then there is one copy in memory, for studies that never fine-tune.
    """

    def __init__(self, weights: Sequence[Parameter], read: Callable[[], Sequence[Tensor]]) -> None:
        """`read` reads the weights again, in the same order, where they were changed before they were
        copied.
        """
        self._weights, self._again = weights, read
        self._copies: list[Tensor] | None = None
        self.digest = weights_digest(weights)

    def keep(self) -> None:
        """Have a copy, since the weights are about to change."""
        if self._copies is None:
            self.put_back()
            self._copies = [x.detach().clone() for x in self._weights]

    def put_back(self) -> None:
        """Have the weights as they were."""
        values: Sequence[Tensor] | None = self._copies
        if values is None and weights_digest(self._weights) != self.digest:
            values = self._again()
        with torch.no_grad():
            for weight, value in zip(self._weights, values or (), strict=values is not None):
                weight.copy_(value)

    def read(self) -> Sequence[Tensor]:
        """What the weights were, whatever changed them since; they stay as they are."""
        if self._copies is None and weights_digest(self._weights) != self.digest:
            return self._again()
        return self.values

    @property
    def values(self) -> Sequence[Tensor]:
        """What the weights were."""
        return self._weights if self._copies is None else self._copies
