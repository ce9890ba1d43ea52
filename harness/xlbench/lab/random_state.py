"""The random state of torch: of the processor, and of the device where it has its own."""

from __future__ import annotations

import torch
from torch import Tensor


def get_random_state(device: torch.device) -> tuple[Tensor, ...]:
    """Copies of what `set_random_state` puts back."""
    if device.type == "cpu":
        return (torch.get_rng_state(),)
    return torch.get_rng_state(), getattr(torch, device.type).get_rng_state(*_number(device))


def set_random_state(device: torch.device, state: tuple[Tensor, ...]) -> None:
    """Put a state back."""
    torch.set_rng_state(state[0])
    if device.type != "cpu":
        getattr(torch, device.type).set_rng_state(state[1], *_number(device))


def _number(device: torch.device) -> tuple[torch.device, ...]:
    """What names the device to its own functions; there is but one of Apple's."""
    return () if device.type == "mps" else (device,)
