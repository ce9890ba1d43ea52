"""The compositions of language adapters that are built in, one a file."""

from __future__ import annotations

from collections.abc import Iterable

from xlbench import hookimpl
from xlbench.contracts import CompositionKind


def _single() -> type:
    from xlbench.lab.compositions.single import Single

    return Single


def _average() -> type:
    from xlbench.lab.compositions.average import Average

    return Average


def _fusion() -> type:
    from xlbench.lab.compositions.fusion import Fusion

    return Fusion


def _merged() -> type:
    from xlbench.lab.compositions.merged import Merged

    return Merged


@hookimpl
def xlbench_compositions() -> Iterable[CompositionKind]:
    """Register the compositions."""
    yield CompositionKind(name="single", summary="One adapter alone", load=_single, alone=True)
    yield CompositionKind(
        name="average", summary="The uniform mean of the adapters' outputs", load=_average, needs="average"
    )
    yield CompositionKind(
        name="untrained",
        summary="Adapter fusion at its initial weights (the released code of arXiv 2403.20088)",
        load=_fusion,
        needs="fuse",
        seeded=True,
    )
    yield CompositionKind(
        name="tuned",
        summary="Adapter fusion trained on the task's training data (Pfeiffer et al. 2021)",
        load=_fusion,
        needs="fuse",
        seeded=True,
        trained=True,
    )
    yield CompositionKind(
        name="merged",
        summary="One adapter whose weights are the mean of the adapters' weights",
        load=_merged,
        needs="merge",
        weighted=True,
    )
