"""The text treatments that are built in: what is done to a text before it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from xlbench import hookimpl
from xlbench.contracts import Treatment


def _plain() -> Callable[..., Any]:
    return lambda text, special, seed: text


def _shuffled() -> Callable[..., Any]:
    from xlbench.lab.chunks import shuffle

    return shuffle


@hookimpl
def xlbench_treatments() -> Iterable[Treatment]:
    """Register the treatments."""
    yield Treatment(name="plain", summary="The text as it is", load=_plain)
    yield Treatment(name="shuffled", summary="Tokens in random order over the whole text", load=_shuffled)
