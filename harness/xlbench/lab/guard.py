"""What a probe finds is what the Lab left, whatever another probe did meanwhile.

Nothing is believed: weights are compared by digest, everything else is put back.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from xlbench.lab.encoder import Encoder

Setting: TypeAlias = "tuple[Callable[[], Any], Callable[[Any], object]]"
PLAIN = (bool, int, float, str, type(None))
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
WIDTH = 1024


def weights_digest(tensors: Iterable[Tensor]) -> str:
    """64 hexadecimal digits that change with any bit of the weights.

    Of each tensor, taken as 64-bit integers in rows of 1024, the sums of rows and of columns (modulo 2^64)
    are hashed instead of the bytes: several times faster, and done where the tensor is.
    """
    total = hashlib.sha256()
    for tensor in tensors:
        flat = tensor.detach().contiguous().view(-1)
        total.update(f"{tuple(tensor.shape)} {tensor.dtype}\0".encode())
        if flat.element_size() != 4:
            total.update(flat.cpu().view(torch.uint8).numpy().tobytes())
            continue
        words = flat.view(torch.int32)
        if words.numel() % 2 == 0 and words.storage_offset() % 2 == 0:
            words = words.view(torch.int64)
        whole = words.numel() // WIDTH * WIDTH
        table = words[:whole].view(-1, WIDTH)
        for part in (table.sum(0, dtype=torch.int64), table.sum(1, dtype=torch.int64), words[whole:]):
            total.update(part.cpu().numpy().tobytes())
    return total.hexdigest()


def adapter_digest(encoder: Encoder, name: str) -> str:
    """Of the weights of an adapter, fusion and head of a name, as they are in memory."""
    parameters = encoder.model.named_parameters()
    return weights_digest(x for key, x in parameters if f".{name}." in f".{key}")


class Guard:
    """Remembers a freshly loaded encoder and torch's settings, and puts them back."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._settings = [(read, change, read()) for read, change in _settings(encoder.device)]
        modules = {id(x): x for one in (encoder.model, encoder.masked_lm) for x in one.modules()}
        self._modules = [_Module(x) for x in modules.values()]
        own = [x for one in (encoder.model, encoder.masked_lm) for x in one.parameters()]
        self._kinds = [(x, x.shape, x.dtype, x.device) for x in own]
        self._config = {k: v for k, v in vars(encoder.model.config).items() if isinstance(v, PLAIN)}

    def put_back(self) -> None:
        """Modules, their modes, hooks and buffers, and all settings, as they were after loading. Of weights
        only that they are the encoder's own: their values are not touched.
        """
        for read, change, value in self._settings:
            if read() != value:
                change(value)
        torch.set_flush_denormal(False)  # which cannot be asked
        for module in self._modules:
            module.put_back()
        for one, shape, dtype, device in self._kinds:
            if (one.shape, one.dtype, one.device) != (shape, dtype, device):
                one.data = torch.empty(shape, dtype=dtype, device=device)
        vars(self._encoder.model.config).update(self._config)
        for parameter in self._encoder.own:
            parameter.requires_grad_(False)
        for parameter in self._encoder.model.parameters():
            parameter.grad = None

    def for_evaluation(self, *, tuned: bool) -> None:
        """Freeze the encoder, and leave adapters and heads as they are right after loading or tuning.

        Which kernel multiplies depends on whether a weight is trainable, even where no gradient is kept, and
        rounding depends on the kernel: left to what ran before, numbers would depend on it.
        """
        own = {id(x) for x in self._encoder.own}
        for parameter in self._encoder.model.parameters():
            parameter.requires_grad_(not tuned and id(parameter) not in own)

    def seed(self, number: int) -> None:
        """Set every random state that a probe may draw from."""
        torch.manual_seed(number)
        random.seed(number)
        np.random.seed(number % 2**32)  # noqa: NPY002 - the global state is what is set


class _Module:
    """One module as it was. What was added to it since, such as adapters, stays."""

    def __init__(self, module: nn.Module) -> None:
        own = vars(module)
        self._module = module
        self._children = dict(module._modules)
        self._parameters = dict(module._parameters)
        self._buffers = {k: (x, None if x is None else x.clone()) for k, x in module._buffers.items()}
        self._hooks = {name: dict(own.get(name, {})) for name in HOOKS}
        self._plain = {k: v for k, v in own.items() if isinstance(v, PLAIN)}
        self._forward = own.get("forward")

    def put_back(self) -> None:
        module, own = self._module, vars(self._module)
        module._modules.update(self._children)
        module._parameters.update(self._parameters)
        for name, (buffer, value) in self._buffers.items():
            module._buffers[name] = buffer
            if buffer is not None and value is not None:
                buffer.data = value.clone()
        for name, hooks in self._hooks.items():
            own[name].clear()
            own[name].update(hooks)
        own.update(self._plain)
        if self._forward is not None:
            own["forward"] = self._forward
        else:
            own.pop("forward", None)


def _settings(device: torch.device) -> list[Setting]:
    """What torch computes by, and how to set it."""
    kind = device.type
    found: list[Setting] = [
        (torch.get_default_dtype, torch.set_default_dtype),
        # Set to nothing, not to the processor: a default device slows every call.
        (torch.get_default_device, lambda x: torch.set_default_device(None)),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.is_grad_enabled, lambda x: torch.autograd.set_grad_enabled(x)),
        (torch.is_anomaly_enabled, lambda x: torch.autograd.set_detect_anomaly(x)),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (_deterministic, lambda x: torch.use_deterministic_algorithms(x[0], warn_only=x[1])),
        (lambda: torch.is_autocast_enabled(kind), lambda x: torch.set_autocast_enabled(kind, x)),
        (lambda: torch.get_autocast_dtype(kind), lambda x: torch.set_autocast_dtype(kind, x)),
        (np.geterr, lambda x: np.seterr(**x)),
    ]
    for owner, names in (
        (torch.backends.cudnn, ("benchmark", "deterministic", "allow_tf32", "enabled")),
        (torch.backends.cuda.matmul, ("allow_tf32", "allow_bf16_reduced_precision_reduction")),
    ):
        found += [(partial(getattr, owner, name), partial(setattr, owner, name)) for name in names]
    for name in ("flash", "mem_efficient", "math", "cudnn"):
        read = getattr(torch.backends.cuda, f"{name}_sdp_enabled", None)
        change = getattr(torch.backends.cuda, f"enable_{name}_sdp", None)
        if read is not None and change is not None:
            found.append((read, change))
    return found


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
