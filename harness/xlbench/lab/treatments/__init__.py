"""The text treatments that are built in, one a file: what is done to a text before it is trained on."""

from __future__ import annotations

from collections.abc import Iterable

from xlbench import hookimpl
from xlbench.contracts import Imported, Treatment


@hookimpl
def xlbench_treatments() -> Iterable[Treatment]:
    """Register the treatments."""
    yield Treatment(
        name="plain",
        summary="The text as it is",
        load=Imported("xlbench.lab.treatments.plain:plain"),
        stage="tokens",
    )
    yield Treatment(
        name="shuffled",
        summary="Tokens in random order over the whole text",
        load=Imported("xlbench.lab.treatments.shuffled:shuffle"),
        stage="tokens",
        draws=True,
    )
    yield Treatment(
        name="romanised",
        summary="Text in Latin script, by uroman",
        load=Imported("xlbench.lab.treatments.romanised:romaniser", call=True),
        stage="lines",
        requires=("uroman",),
    )
    yield Treatment(
        name="mixture",
        summary="Text of several languages, each with its share (--transfer deu:0.7+tur:0.3)",
        load=Imported("xlbench.lab.treatments.mixture:mix"),
        stage="languages",
    )
