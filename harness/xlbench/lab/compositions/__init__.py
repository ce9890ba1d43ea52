"""The compositions of language adapters that are built in, one a file."""

from __future__ import annotations

from collections.abc import Iterable

from xlbench import hookimpl
from xlbench.contracts import CompositionKind, Imported


@hookimpl
def xlbench_compositions() -> Iterable[CompositionKind]:
    """Register the compositions."""
    yield CompositionKind(
        name="single",
        summary="One adapter alone",
        load=Imported("xlbench.lab.compositions.single:Single"),
        alone=True,
    )
    yield CompositionKind(
        name="average",
        summary="The uniform mean of the adapters' outputs",
        load=Imported("xlbench.lab.compositions.average:Average"),
        needs="average",
    )
    yield CompositionKind(
        name="untrained",
        summary="Adapter fusion at its initial weights (the released code of arXiv 2403.20088)",
        load=Imported("xlbench.lab.compositions.fusion:Fusion"),
        needs="fuse",
        seeded=True,
    )
    yield CompositionKind(
        name="tuned",
        summary="Adapter fusion trained on the task's training data (Pfeiffer et al. 2021)",
        load=Imported("xlbench.lab.compositions.fusion:Fusion"),
        needs="fuse",
        seeded=True,
        trained=True,
    )
    yield CompositionKind(
        name="merged",
        summary="One adapter whose weights are the mean of the adapters' weights",
        load=Imported("xlbench.lab.compositions.merged:Merged"),
        needs="merge",
        weighted=True,
    )
