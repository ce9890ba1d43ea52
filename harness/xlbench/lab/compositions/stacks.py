"""What the library's layers make of adapters that lie over each other, where it is not what that means.

The library gives a low-rank adapter that lies over another what the other adds, instead of the layer's own
input: B' A' B A x in place of (B A + B' A') x, and what lies beneath is lost. It looks in every layer for
each adapter of a composition, also in layers that the adapter leaves out. And it refuses stacks in layers
whose query, key and value matrices are one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


def put_right(model: nn.Module) -> None:
    """Have all layers of an adapter model stack adapters as it is meant."""
    from adapters.methods.adapter_layer_base import ComposableAdapterLayerBase
    from adapters.methods.lora import LoRALinear, LoRAMergedLinear

    for module in model.modules():
        layer: Any = module
        if isinstance(module, LoRALinear):
            layer.compose_stack = partial(_stack, layer, _added)
        elif isinstance(module, ComposableAdapterLayerBase):
            layer.compose_stack = partial(_stack, layer, lambda _, state: state)
        elif isinstance(module, LoRAMergedLinear):
            layer.forward = partial(_merged, layer, layer.forward)


def _stack(layer: Any, before: Any, setup: Sequence[Any], state: Any, lvl: int = 0) -> Any:
    """Go through a stack's adapters that are in the layer, `before` each of them."""
    for child in setup:
        if _names(child).isdisjoint(layer.adapter_modules):
            continue
        state = before(layer, state)
        if isinstance(child, str):
            state = layer.compose_single(child, layer.pre_block(child, state), lvl=lvl + 1)
        else:
            layer.check_composition_valid(setup, child, lvl)
            state = layer._get_compose_func(type(child))(child, state, lvl=lvl + 1)
    return state


def _added(layer: Any, state: Any) -> Any:
    """The state in which what has been computed so far is part of the layer's output, for the next adapter to
    begin from the layer's input.
    """
    if state.hidden_states is None:
        return state
    last = layer.loras[state.last]
    if last.use_dora:
        raise ValueError("an adapter of DoRA cannot lie beneath another")
    output = last.com(state.layer_output, state.hidden_states, scaling=1.0)
    return state._replace(layer_output=output, hidden_states=None, last=None)


def _merged(layer: Any, forward: Any, x: Tensor) -> Tensor:
    """Output of a layer that makes queries, keys and values at once, shape (batch, length, 3 hidden)."""
    setup = None if layer.merged else layer.get_active_setup()
    if setup is None or (len(setup) == 1 and isinstance(setup[0], str)):
        return forward(x)  # type: ignore[no-any-return]
    weight = torch.t(layer.weight) if layer.fan_in_fan_out else layer.weight
    output = torch.nn.functional.linear(x, weight, bias=layer.bias)
    for child in setup:
        found = [layer.loras[name] for name in sorted(_names(child)) if name in layer.loras]
        if found:
            changes = [layer.pad(_change(lora, x), lora) * lora.scaling for lora in found]
            output = found[0].com(output, torch.stack(changes).mean(0), scaling=1.0)
    return output


def _change(lora: Any, x: Tensor) -> Tensor:
    """What an adapter adds to the layer's output, or what it multiplies it by, without its scaling."""
    if lora.use_gating:
        raise ValueError("an adapter with gates cannot be stacked in a layer of queries, keys and values")
    if lora.composition_mode == "scale":
        return lora.lora_B.view(1, 1, -1)  # type: ignore[no-any-return]
    inner = torch.nn.functional.linear(lora.lora_dropout(x), lora.lora_A).transpose(-2, -1)
    groups = sum(lora.enable_lora)
    return torch.nn.functional.conv1d(inner, lora.lora_B.unsqueeze(-1), groups=groups).transpose(-2, -1)


def _names(child: Any) -> set[str]:
    return {child} if isinstance(child, str) else child.flatten()
