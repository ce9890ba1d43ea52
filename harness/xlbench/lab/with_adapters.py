"""Adapters and their heads on a model in memory: added, trained, run with, written to files and read back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from xlbench.errors import ModelError, PluginError
from xlbench.lab import loading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

OF_METHOD = ("architecture", "composition_mode")
"""Settings of the library that tell one method of adapting from another."""


class WithAdapters:
    """What of `Encoder` is about adapters."""

    model: Any
    """An adapter model of the library `adapters`."""
    masked_lm: nn.Module
    """The language-model head."""
    device: torch.device

    @property
    def body(self) -> Any:
        """The model without any head."""
        return self.model.base_model

    def use_no_adapter(self) -> None:
        """Run the bare encoder."""
        self.model.set_active_adapters(None)
        self.model.active_head = None

    # Language adapters

    def add_adapter(self, name: str, config: Any) -> None:
        """A fresh adapter of a configuration of the library, without a head; weights from torch's seed.
        Raises PluginError where it adds no weights to this model, ModelError where it leaves out a layer
        that there is not.
        """
        layers = sum(1 for _ in self.body.iter_layers())
        if beyond := [x for x in config.get("leave_out", None) or () if x >= layers]:
            raise ModelError(f"leave_out: no layer {beyond[0]}; the model has {layers}, counted from 0")
        try:
            self.model.add_adapter(name, config=config)
        except Exception:
            self.delete_adapter(name)  # half added, it would stand in the way of the next
            raise
        ours = self.weights_of(name)
        everywhere = [
            n for n, _ in self.model.named_parameters(remove_duplicate=False) if name in n.split(".")
        ]
        if not ours or len(everywhere) > len(ours):
            self.delete_adapter(name)
            what = "shares weights between layers, which no file keeps" if ours else "adds no weights"
            raise PluginError(f"{type(config).__name__} {what}, in a model of this architecture")
        self.model.to(self.device)

    def train_language_adapter(self, name: str) -> list[nn.Parameter]:
        """Freeze all but this adapter, and run with it; returns its parameters."""
        self.model.train_adapter(name)
        self.model.set_active_adapters(name)
        self.model.active_head = None
        for parameter in (*self.masked_lm.parameters(), *self.model.heads.parameters()):
            parameter.requires_grad_(False)
        return [p for p in self.model.parameters() if p.requires_grad]

    def save_language_adapter(self, name: str, folder: Path) -> None:
        """Write the adapter in AdapterHub's on-disk format, as safetensors."""
        self.model.save_adapter(str(folder), name, with_head=False, use_safetensors=True)

    def load_language_adapter(
        self, name: str, folder: Path, advice: str, like: Any, *, invertible: bool
    ) -> None:
        """Read an adapter. Raises ModelError, which ends in `advice`, where it does not fit the model, is not
        of the method that the configuration `like` is of, or has an invertible part and should not, or the
        other way round.
        """
        self._load(name, folder, advice=advice, like=like, invertible=invertible)

    def delete_adapter(self, name: str) -> None:
        """Forget an adapter that has no head."""
        self.model.delete_adapter(name)

    # Task adapters

    def train_task_adapter(self, name: str) -> list[nn.Parameter]:
        """Freeze all but one task adapter and its head; returns their parameters."""
        self.model.train_adapter(name)
        self.model.active_head = name
        for head, module in self.model.heads.items():
            for parameter in module.parameters():
                parameter.requires_grad_(head == name)
        return [p for p in self.model.parameters() if p.requires_grad]

    def use_stack(self, beneath: Any, task: str) -> None:
        """Run with a task adapter and its head over a language adapter, or a block of several."""
        from adapters.composition import Stack

        self.model.set_active_adapters(Stack(beneath, task))
        self.model.active_head = task

    def use_task_adapter(self, name: str) -> None:
        """Run with this task adapter and head."""
        self.model.set_active_adapters(name)
        self.model.active_head = name

    def has_task_adapter(self, name: str) -> bool:
        """Whether the adapter is in memory."""
        return name in self.model.adapters_config

    def save_task_adapter(self, name: str, folder: Path) -> None:
        """Write adapter and head in AdapterHub's on-disk format, as safetensors."""
        self.model.save_adapter(str(folder), name, with_head=True, use_safetensors=True)

    def load_task_adapter(self, name: str, folder: Path, like: Any, add_head: Callable[[Any], None]) -> None:
        """Read adapter and head back; `add_head` puts a fresh head on the model, whatever its kind, of which
        the library knows only its own. Raises ModelError where the folder does not fit the model, or the
        adapter is not of the method that the configuration `like` is of.
        """
        advice = "delete the folder, it will be trained again"
        self._load(name, folder, advice=advice, like=like, add_head=add_head)

    def _load(
        self,
        name: str,
        folder: Path,
        *,
        advice: str,
        like: Any,
        invertible: bool = False,
        add_head: Callable[[Any], None] | None = None,
    ) -> None:
        keys: dict[str, list[str]] = {}
        try:
            self.model.load_adapter(
                str(folder), load_as=name, with_head=False, use_safetensors=True, loading_info=keys
            )
            # The library only logs these, and leaves what is missing at random.
            for what in ("missing", "unexpected"):
                if found := keys.get(f"{what}_keys"):
                    raise ValueError(f"{len(found)} {what} weights, among them {found[0]}")
            self._check_adapter(name, like, invertible)
            if add_head is not None:
                add_head(self.model)
                self._load_head(name, folder)
        except PluginError:
            self.delete_task_adapter(name)
            raise
        except Exception as error:  # the libraries raise anything at files that others made
            with suppress(Exception):
                self.delete_task_adapter(name)  # half loaded, it would pass for a whole one
            raise ModelError(f"{folder}: not a usable adapter ({loading.reason(error)}); {advice}") from error
        self.model.to(self.device).eval()

    def _load_head(self, name: str, folder: Path) -> None:
        """Read the weights of a head that is there. Raises ValueError where they are not just its own."""
        from adapters.utils import SAFE_HEAD_WEIGHTS_NAME
        from safetensors.torch import load_file

        own = f"heads.{name}."
        found = load_file(folder / SAFE_HEAD_WEIGHTS_NAME)
        head = self.model.heads[name]
        fits = head.load_state_dict({x.removeprefix(own): y for x, y in found.items()}, strict=False)
        for what, keys in (("missing", fits.missing_keys), ("unexpected", fits.unexpected_keys)):
            if keys:
                raise ValueError(f"{len(keys)} {what} weights of the head, among them {keys[0]}")
        if not all(bool(torch.isfinite(x).all()) for x in head.parameters()):
            raise ValueError("its head has numbers that are infinite or not a number")

    def _check_adapter(self, name: str, like: Any, invertible: bool) -> None:
        """Look at what was loaded, whatever its file says: ValueError unless it is of the same method as
        `like`, with an invertible part where one is expected, of finite numbers.
        """
        config = self.model.adapters_config.get(name)
        for key in OF_METHOD:
            if config.get(key) != like.get(key):
                raise ValueError(
                    f"its {key} is {config.get(key)!r}, where {like.get(key)!r} was planned with"
                )
        if (name in self.body.invertible_adapters) != invertible:
            has, planned = ("an", "none") if not invertible else ("no", "one")
            raise ValueError(f"it has {has} invertible part, where {planned} was planned with")
        if not (ours := self.weights_of(name)):
            raise ValueError("it has no weights")
        for parameter_name, parameter in ours:
            if not bool(torch.isfinite(parameter).all()):
                raise ValueError(f"{parameter_name} has numbers that are infinite or not a number")

    def weights_of(self, name: str) -> list[tuple[str, nn.Parameter]]:
        """The weights of an adapter, whatever its kind: its name stands in the path to each."""
        heads = {id(x) for x in self.model.heads.parameters()}
        return [
            (n, p) for n, p in self.model.named_parameters() if name in n.split(".") and id(p) not in heads
        ]

    def delete_task_adapter(self, name: str) -> None:
        """Forget adapter and head."""
        self.model.delete_adapter(name)
        if name in self.model.heads:
            self.model.delete_head(name)
