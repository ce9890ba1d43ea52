"""From a registered kind of adapter and its settings to a configuration of the library `adapters`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlbench.errors import ModelError, PluginError, said_of, text_of

if TYPE_CHECKING:
    from xlbench.contracts import (
        AdapterTraining,
        LanguageAdapter,
        LanguageTraining,
        Method,
        Resolved,
    )
    from xlbench.lab.encoder import Encoder


def configured(method: Method, how: AdapterTraining | LanguageTraining) -> Any:
    """What `how` asks for. Raises PluginError, one line, where the kind does not give a configuration."""
    return made(method, how.config, method.adapters[how.config].shape(how))


def like(resolved: Resolved, one: LanguageAdapter) -> Any:
    """A configuration of the method that a language adapter is of, whatever its shape."""
    kind = resolved.kind_of_adapter(one)
    return made(resolved.method, kind.name, kind.language or {})


def add(encoder: Encoder, method: Method, how: AdapterTraining | LanguageTraining, name: str) -> None:
    """Put a fresh adapter into the model, as `how` asks for. Raises PluginError, one line, where its kind has
    none for this model.
    """
    config = configured(method, how)
    try:
        encoder.add_adapter(name, config)
    except ModelError:
        raise
    except Exception as error:  # the library raises anything at a configuration that is not for the model
        raise _at_fault(method, how.config, error) from error


def made(method: Method, name: str, shape: Mapping[str, object]) -> Any:
    """The configuration of a kind of this shape. Raises PluginError, as `configured`."""
    from adapters import AdapterConfig

    try:
        found = method.adapters[name].load()(**shape)
    except Exception as error:  # a plugin's code may raise anything
        raise _at_fault(method, name, error) from error
    if not isinstance(found, AdapterConfig):
        where = method.named("adapter", name)
        raise PluginError(f"{where}: gives {type(found).__name__}, not an AdapterConfig of `adapters`")
    return found


def _at_fault(method: Method, name: str, error: Exception) -> PluginError:
    """One line on an error of a kind, with the plugin that registers it."""
    said = " ".join(text_of(error).split()) if isinstance(error, PluginError) else said_of(error)
    return PluginError(f"{method.named('adapter', name)}: {said}")
