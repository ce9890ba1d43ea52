"""What the Lab asks of a way in which language adapters are put together beneath a task adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from xlbench.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import Composition
    from xlbench.lab.encoder import Encoder

PLACED = ("architecture", "composition_mode", "mh_adapter", "output_adapter", "leave_out",
          "original_ln_before", "original_ln_after", "residual_before_ln", "adapter_residual_before_ln",
          "selfattn_lora", "intermediate_lora", "output_lora", "attn_matrices")  # fmt: skip
"""Settings of the library that say where an adapter sits and what it is given. It takes those of one adapter
for all that are put together."""


class Together:
    """How adapters of these names in the model are put together; the base of all compositions.

    The adapters are in the model before `add`, and stay there after `remove`.
    """

    def __init__(self, encoder: Encoder, names: Sequence[str], under: Composition) -> None:
        self.encoder, self.names, self.under = encoder, tuple(names), under

    def beneath(self) -> Any:
        """What lies beneath the task adapter: the name of an adapter in the model, or a block of the
        library's (`adapters.composition`).
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what lies beneath the task adapter")

    def add(self) -> Sequence[str]:
        """Put into the model what the composition has beside its adapters; the names of that: adapters or
        fusion layers.
        """
        return ()

    def remove(self) -> None:
        """Take out again what `add` put in."""

    def trained(self) -> tuple[list[Parameter], Callable[[], Tensor | float]]:
        """Of a composition that has weights to train for the task: these, and what is added to the loss.
        Called after `add`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say which weights are trained")

    def evaluating(self) -> AbstractContextManager[object]:
        """What has to hold in evaluation, besides."""
        return nullcontext()


def check(encoder: Encoder, names: Sequence[str], languages: Sequence[str]) -> None:
    """Raise ModelError unless all adapters sit in the same places: put together, others would not mean it."""
    configs = [encoder.model.adapters_config.get(name) for name in names]
    for setting in PLACED:
        values = [config.get(setting, None) for config in configs]
        if any(value != values[0] for value in values):
            unlike = ", ".join(f"{x or 'random'}: {v}" for x, v in zip(languages, values, strict=True))
            raise ModelError(
                f"language adapters unlike in {setting} ({unlike}) cannot be mixed; give ones that are alike"
            )


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
