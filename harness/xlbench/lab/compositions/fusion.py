"""Adapter fusion: attention over the adapters' outputs, in every layer (Pfeiffer et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch

from xlbench.lab.compositions.composition import Together

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter


class Fusion(Together):
    """Fusion layers over the adapters, "dynamic": at their initial weights, or trained.

    At first queries and keys are normal of deviation 0.02, values the identity but for 1e-6 off the diagonal.
    """

    def beneath(self) -> Any:
        """See `Together`."""
        from adapters.composition import Fuse

        return Fuse(*self.names)

    def add(self) -> Sequence[str]:
        """See `Together`."""
        torch.manual_seed(self.under.seed)
        block = self.beneath()
        self.encoder.model.add_adapter_fusion(block, "dynamic")
        self.encoder.model.to(self.encoder.device).eval()
        return (block.name,)

    def remove(self) -> None:
        """See `Together`."""
        self.encoder.model.delete_adapter_fusion(self.beneath())

    def trained(self) -> tuple[list[Parameter], Callable[[], Tensor | float]]:
        """See `Together`. Trained value matrices are drawn to the identity by the squared distance to it
        (Pfeiffer et al. 2021, arXiv 2005.00247).
        """
        layers = f"adapter_fusion_layer.{self.beneath().name}."
        mixing: list[Parameter] = []
        values: list[Parameter] = []
        for name, parameter in self.encoder.model.named_parameters():
            if layers in name:
                (values if name.endswith("value.weight") else mixing).append(parameter)
        how = self.under.fusion
        if how.value != "trained":
            return mixing, lambda: 0.0
        return [*mixing, *values], lambda: how.regularization * sum(map(_distance, values))

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Meanwhile fusion layers compute the same with fewer products; see `fused`."""
        ending = f"adapter_fusion_layer.{self.beneath().name}"
        layers = [module for name, module in self.encoder.model.named_modules() if name.endswith(ending)]
        for layer in layers:
            layer.forward = partial(fused, layer)
        try:
            yield
        finally:
            for layer in layers:
                del layer.forward


def fused(
    layer: Any, query: Tensor, key: Tensor, value: Tensor, residual: Tensor, output_attentions: bool = False
) -> Tensor:
    """Output of a "dynamic" fusion layer, shape (batch, length, hidden), dropout aside.

    `query` and `residual` have that shape; `key` and `value`, the adapters' outputs u, have (batch, length,
    adapters, hidden). The key matrix is applied to the query and the value matrix to the mixture, once each
    instead of to every u: (Q x)(K u) is (K' Q x) u, where the key's bias, the same for all, drops out of the
    softmax; and the mean of V u is V of the mean of u.
    """
    wanted = layer.query(query) @ layer.key.weight
    weights = torch.softmax((wanted.unsqueeze(2) * key).sum(-1) / layer.T, dim=-1)
    mixed = (weights.unsqueeze(-1) * value).sum(2)
    return cast("Tensor", layer.value(mixed) + residual)


def _distance(value: Tensor) -> Tensor:
    return (torch.eye(len(value), device=value.device) - value).pow(2).sum()
