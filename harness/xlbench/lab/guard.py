"""What a probe finds is what the Lab left, whatever another probe did meanwhile.

Nothing is believed: weights are compared by digest, everything else is put back.
"""

from __future__ import annotations

import hashlib
import os
import random
import warnings
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from xlbench.lab.encoder import Encoder

T = TypeVar("T")
Setting: TypeAlias = "tuple[Callable[[], Any], Callable[[Any], object]]"
PLAIN = (bool, int, float, str, type(None))
HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
"""How the names end under which torch keeps hooks, of a module and of all modules."""
FUNCTIONS = ("forward", "compose_stack")
"""Of a module's own, in place of those of its class."""
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


def _by_name(found: Iterable[tuple[str, T]], names: Iterable[str]) -> dict[str, list[T]]:
    """What belongs to adapters, fusions and heads, which stand by their names in the path to it."""
    of: dict[str, list[T]] = {name: [] for name in names}
    for path, one in found:
        for name in of.keys() & path.split("."):
            of[name].append(one)
    return of


class Guard:
    """Remembers a freshly loaded encoder and torch's settings, and puts them back."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._settings = [(read, change, read()) for read, change in _settings(encoder.device)]
        modules = {id(x): x for one in (encoder.model, encoder.masked_lm) for x in one.modules()}
        self._modules = [_Module(x) for x in modules.values()]
        own = [x for one in (encoder.model, encoder.masked_lm) for x in one.parameters()]
        self._kinds = [(x, x.shape, x.dtype, x.device) for x in own]
        self._everywhere = _hooks(vars(nn.modules.module))
        self._added: dict[str, list[_Module]] = {}
        self._config = {k: v for k, v in vars(encoder.model.config).items() if isinstance(v, PLAIN)}

    def put_back(self) -> None:
        """Modules, their modes, hooks and buffers, and all settings, as they were after loading. Of weights
        only that they are the encoder's own: their values are not touched.
        """
        for read, change, value in self._settings:
            if read() != value:
                change(value)
        torch.set_flush_denormal(False)  # which cannot be asked
        _set_hooks(vars(nn.modules.module), self._everywhere)
        for module in (*self._modules, *(x for some in self._added.values() for x in some)):
            module.put_back()
        for one, shape, dtype, device in self._kinds:
            if (one.shape, one.dtype, one.device) != (shape, dtype, device):
                one.data = torch.empty(shape, dtype=dtype, device=device)
        vars(self._encoder.model.config).update(self._config)
        for parameter in self._encoder.own:
            parameter.requires_grad_(False)
        for parameter in self._encoder.model.parameters():
            parameter.grad = None
        for parameter in (*self._encoder.own, *self._encoder.model.parameters()):
            for hooks in (parameter._backward_hooks, parameter._post_accumulate_grad_hooks):
                if hooks is not None:
                    hooks.clear()

    def remember(self, name: str) -> str:
        """Put the modules of an adapter, fusion or head back from now on; the digest of its weights."""
        modules, weights = self._named([name])
        self._added[name] = [_Module(x) for x in modules[name]]
        return weights_digest(weights[name])

    def unchanged(self, digests: Mapping[str, str]) -> set[str]:
        """Which of these adapters, fusions and heads consist of the modules that were remembered, with the
        weights of their digests. Call it once they are put back.
        """
        modules, weights = self._named(digests)
        return {
            name for name, digest in digests.items()
            if list(map(id, modules[name])) == [id(x.module) for x in self._added.get(name, ())]
            and weights_digest(weights[name]) == digest
        }  # fmt: skip

    def forget_all_but(self, names: Container[str]) -> None:
        """Let go of adapters, fusions and heads that are gone."""
        self._added = {name: found for name, found in self._added.items() if name in names}

    def _named(self, names: Collection[str]) -> tuple[dict[str, list[nn.Module]], dict[str, list[Tensor]]]:
        """Modules and weights by name, in one walk of each: all that are in memory are looked at a job."""
        model = self._encoder.model
        return _by_name(model.named_modules(), names), _by_name(model.named_parameters(), names)

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
        self.module = module
        self._children = dict(module._modules)
        self._parameters = dict(module._parameters)
        self._buffers = {k: (x, None if x is None else x.clone()) for k, x in module._buffers.items()}
        self._hooks = _hooks(own)
        self._plain = {k: v for k, v in own.items() if isinstance(v, PLAIN)}
        self._functions = {x: own[x] for x in FUNCTIONS if x in own}

    def put_back(self) -> None:
        module, own = self.module, vars(self.module)
        module._modules.update(self._children)
        module._parameters.update(self._parameters)
        for name, (buffer, value) in self._buffers.items():
            module._buffers[name] = buffer
            if buffer is not None and value is not None:
                buffer.data = value.clone()
        _set_hooks(own, self._hooks)
        own.update(self._plain)
        for name in FUNCTIONS:
            own.pop(name, None)
        own.update(self._functions)


def _hooks(own: Mapping[str, Any]) -> dict[str, dict[Any, Any]]:
    """Hooks by the names of the tables that have them, in a module or in torch's own."""
    return {name: dict(x) for name, x in own.items() if name.endswith(HOOKS) and isinstance(x, dict)}


def _set_hooks(own: Mapping[str, Any], hooks: Mapping[str, dict[Any, Any]]) -> None:
    for name, table in hooks.items():
        own[name].clear()
        own[name].update(table)


def _settings(device: torch.device) -> list[Setting]:
    """What torch computes by and the process warns of, and how to set it."""
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
        (lambda: list(warnings.filters), _warn_of),
        (lambda: dict(os.environ), _set_environment),
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


def _warn_of(filters: list[Any]) -> None:
    warnings.resetwarnings()
    warnings.filters[:] = filters  # type: ignore[index]


def _set_environment(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
