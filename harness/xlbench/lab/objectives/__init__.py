"""The pretraining objectives that are built in, one a file: how a text moves the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from xlbench import hookimpl
from xlbench.contracts import Family, Imported, Objective


@hookimpl
def xlbench_objectives() -> Iterable[Objective]:
    """Register the objectives."""
    encoders, decoders, both = (frozenset[Family]({x}) for x in get_args(Family))
    yield Objective(
        name="masked",
        summary="Masked language modelling: tokens are masked and predicted",
        load=Imported("xlbench.lab.objectives.masked:Masked", call=True),
        families=encoders,
        own=encoders,
        head="masked-LM head",
        likelihood="pseudo",
        reads=frozenset({"mask_probability"}),
    )
    yield Objective(
        name="causal",
        summary="Causal language modelling: each token is predicted from those before it",
        load=Imported("xlbench.lab.objectives.causal:Causal", call=True),
        families=decoders,
        own=decoders,
        head="causal-LM head",
        likelihood="exact",
    )
    yield Objective(
        name="span-corruption",
        summary="Spans give way to sentinels, and the decoder says them (T5; Raffel et al. 2020)",
        load=Imported("xlbench.lab.objectives.span_corruption:SpanCorruption", call=True),
        families=both,
        own=both,
        head="sequence-to-sequence head",
        reads=frozenset({"mask_probability"}),
    )
