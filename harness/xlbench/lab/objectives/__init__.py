"""The pretraining objectives that are built in, one a file: how a text moves the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

from xlbench import hookimpl
from xlbench.contracts import Family, Objective

if TYPE_CHECKING:
    from xlbench.lab.objectives.causal import Causal
    from xlbench.lab.objectives.masked import Masked
    from xlbench.lab.objectives.span_corruption import SpanCorruption


def _masked() -> Masked:
    from xlbench.lab.objectives.masked import Masked

    return Masked()


def _causal() -> Causal:
    from xlbench.lab.objectives.causal import Causal

    return Causal()


def _span_corruption() -> SpanCorruption:
    from xlbench.lab.objectives.span_corruption import SpanCorruption

    return SpanCorruption()


@hookimpl
def xlbench_objectives() -> Iterable[Objective]:
    """Register the objectives."""
    encoders, decoders, both = (frozenset[Family]({x}) for x in get_args(Family))
    yield Objective(
        name="masked",
        summary="Masked language modelling: tokens are masked and predicted",
        load=_masked,
        families=encoders,
        own=encoders,
        head="masked-LM head",
        likelihood="pseudo",
        reads=frozenset({"mask_probability"}),
    )
    yield Objective(
        name="causal",
        summary="Causal language modelling: each token is predicted from those before it",
        load=_causal,
        families=decoders,
        own=decoders,
        head="causal-LM head",
        likelihood="exact",
    )
    yield Objective(
        name="span-corruption",
        summary="Spans give way to sentinels, and the decoder says them (T5; Raffel et al. 2020)",
        load=_span_corruption,
        families=both,
        own=both,
        head="sequence-to-sequence head",
        reads=frozenset({"mask_probability"}),
    )
