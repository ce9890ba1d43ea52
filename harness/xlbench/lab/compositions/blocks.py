"""Language adapters put together under a task adapter, with `adapters`' composition blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from xlbench.errors import JobError, ModelError
from xlbench.lab.batches import Stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import Fusion, Mix, Task
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.kinds.kind import Trained


PLACED = ("mh_adapter", "output_adapter", "leave_out", "original_ln_before", "original_ln_after",
          "residual_before_ln", "adapter_residual_before_ln")  # fmt: skip
"""Settings that say where an adapter sits and what it is given. The library takes those of one adapter for
all that are mixed."""


def check(encoder: Encoder, names: Sequence[str], languages: Sequence[str]) -> None:
    """Raise ModelError unless all adapters sit in the same places: no mix of others means what it says."""
    configs = [encoder.model.adapters_config.get(name) for name in names]
    for setting in PLACED:
        values = [config.get(setting, None) for config in configs]
        if any(value != values[0] for value in values):
            unlike = ", ".join(f"{x or 'random'}: {v}" for x, v in zip(languages, values, strict=True))
            raise ModelError(
                f"language adapters unlike in {setting} ({unlike}) cannot be mixed; give ones that are alike"
            )


def add_fusion(encoder: Encoder, names: Sequence[str], seed: int) -> None:
    """Fusion layers over the adapters, "dynamic", at their initial weights.

    Queries and keys are normal of deviation 0.02, values the identity but for 1e-6 off the diagonal.
    """
    torch.manual_seed(seed)
    encoder.model.add_adapter_fusion(_fuse(names), "dynamic")
    encoder.model.to(encoder.device).eval()


def delete_fusion(encoder: Encoder, names: Sequence[str]) -> None:
    """Forget the fusion layers over the adapters."""
    encoder.model.delete_adapter_fusion(_fuse(names))


def use(encoder: Encoder, names: Sequence[str], mix: Mix, task: str) -> None:
    """Run with the adapters mixed, under the task adapter and its head."""
    from adapters.composition import Average, Stack

    beneath: Any
    if mix == "single":
        (beneath,) = names
    elif mix == "average":
        # The library divides by the number of adapters once more than its weights do: with ones it is a mean.
        beneath = Average(*names, weights=[1.0] * len(names), normalize_weights=False)
    else:
        beneath = _fuse(names)
    encoder.model.set_active_adapters(Stack(beneath, task))
    encoder.model.active_head = task


@contextmanager
def invertible(encoder: Encoder, names: Sequence[str], wanted: bool) -> Iterator[None]:
    """With `wanted` false, the invertible parts of the adapters are out of the way."""
    layers = encoder.body.invertible_adapters
    if wanted:
        yield
        return
    aside = {name: layers.pop(name) for name in set(names) if name in layers}
    try:
        yield
    finally:
        layers.update(aside)


@contextmanager
def reordered(encoder: Encoder, names: Sequence[str], mix: Mix) -> Iterator[None]:
    """Meanwhile fusion layers compute the same with fewer products; see `fused`."""
    layers = []
    if mix in ("untrained", "tuned"):
        ending = f"adapter_fusion_layer.{_fuse(names).name}"
        layers = [module for name, module in encoder.model.named_modules() if name.endswith(ending)]
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


def tune(
    encoder: Encoder,
    names: Sequence[str],
    task: Task,
    kind: Trained,
    sets: list[Encoded],
    how: Fusion,
    seed: int,
    progress: Callable[[float], None],
) -> None:
    """Train the fusion layers over the adapters for the task; nothing else moves.

    AdamW, linear decay to 0, gradients clipped at norm 1. Trained value matrices are drawn to the identity by
    the squared distance to it (Pfeiffer et al. 2021, arXiv 2005.00247). Raises JobError where the loss is not
    finite.
    """
    use(encoder, names, "tuned", task.name)
    for parameter in encoder.model.parameters():
        parameter.requires_grad_(False)
    parameters, values = _parameters(encoder, names, trained=how.value == "trained")
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.0, fused=True)
    stream = Stream.of(sets)
    targets = kind.targets(task, sets)
    rng = np.random.default_rng([seed, 3])
    batches = _endless(stream, how.batch_size, rng)
    torch.manual_seed(seed)
    encoder.model.train()
    try:
        for step in range(how.steps):
            for group in optimizer.param_groups:
                group["lr"] = how.learning_rate * (1 - step / how.steps)
            batch = stream.batch(next(batches), encoder.pad, encoder.device)
            if not len(batch.slots):
                continue
            loss = kind.loss(encoder, task, batch, targets)
            drawn = loss
            if values:
                drawn = loss + how.regularization * sum(_distance(x) for x in values)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(drawn)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            if not math.isfinite(value := loss.item()):
                raise JobError(
                    f"loss of the fusion for {task.name} became {value} at step {step + 1}; lower its "
                    f"learning rate ({how.learning_rate:g})"
                )
            progress((step + 1) / how.steps)
    finally:
        encoder.model.eval()
        for parameter in parameters:
            parameter.grad = None
            parameter.requires_grad_(False)


def _fuse(names: Sequence[str]) -> Any:
    from adapters.composition import Fuse

    return Fuse(*names)


def _parameters(
    encoder: Encoder, names: Sequence[str], *, trained: bool
) -> tuple[list[Parameter], list[Parameter]]:
    """Those to train of the fusion layers over the adapters, and the value matrices among them."""
    layers = f"adapter_fusion_layer.{_fuse(names).name}."
    mixing: list[Parameter] = []
    values: list[Parameter] = []
    for name, parameter in encoder.model.named_parameters():
        if layers in name:
            (values if name.endswith("value.weight") else mixing).append(parameter)
    return ([*mixing, *values], values) if trained else (mixing, [])


def _distance(value: Tensor) -> Tensor:
    return (torch.eye(len(value), device=value.device) - value).pow(2).sum()


def _endless(stream: Stream, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Shuffled batches, epoch after epoch."""
    while True:
        for members in stream.shuffled(size, rng):
            yield members.tolist()
