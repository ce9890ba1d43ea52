"""The pretraining objectives that are built in, one a file: how a text moves the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Family, Objective

if TYPE_CHECKING:
    from xlbench.lab.objectives.causal import Causal
    from xlbench.lab.objectives.masked import Masked


def _masked() -> Masked:
    from xlbench.lab.objectives.masked import Masked

    return Masked()


def _causal() -> Causal:
    from xlbench.lab.objectives.causal import Causal

    return Causal()


@hookimpl
def xlbench_objectives() -> Iterable[Objective]:
    """Register the objectives."""
    encoders, decoders = frozenset[Family]({"encoder"}), frozenset[Family]({"decoder"})
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
