"""The text treatments that are built in, one a file: what is done to a text before it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from xlbench import hookimpl
from xlbench.contracts import Treatment


def _plain() -> Callable[..., Any]:
    from xlbench.lab.treatments.plain import plain

    return plain


def _shuffled() -> Callable[..., Any]:
    from xlbench.lab.treatments.shuffled import shuffle

    return shuffle


def _romanised() -> Callable[..., Any]:
    from xlbench.lab.treatments.romanised import romaniser

    return romaniser()


def _mixture() -> Callable[..., Any]:
    from xlbench.lab.treatments.mixture import mix

    return mix


@hookimpl
def xlbench_treatments() -> Iterable[Treatment]:
    """Register the treatments."""
    yield Treatment(name="plain", summary="The text as it is", load=_plain, stage="tokens")
    yield Treatment(
        name="shuffled",
        summary="Tokens in random order over the whole text",
        load=_shuffled,
        stage="tokens",
        draws=True,
    )
    yield Treatment(
        name="romanised",
        summary="Text in Latin script, by uroman",
        load=_romanised,
        stage="lines",
        requires=("uroman",),
    )
    yield Treatment(
        name="mixture",
        summary="Text of several languages, each with its share (--transfer deu:0.7+tur:0.3)",
        load=_mixture,
        stage="languages",
    )
