"""The pretraining objectives that are built in, one a file: how a text moves the weights."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from xlbench import hookimpl
from xlbench.contracts import Objective


def _masked() -> ModuleType:
    from xlbench.lab import masked_lm

    return masked_lm


@hookimpl
def xlbench_objectives() -> Iterable[Objective]:
    """Register the objectives."""
    yield Objective(
        name="masked", summary="Masked language modelling: tokens are masked and predicted", load=_masked
    )
