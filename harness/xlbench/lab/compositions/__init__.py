"""The compositions of language adapters that are built in."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from xlbench import hookimpl
from xlbench.contracts import CompositionKind


def _blocks() -> ModuleType:
    from xlbench.lab.compositions import blocks

    return blocks


@hookimpl
def xlbench_compositions() -> Iterable[CompositionKind]:
    """Register the compositions."""
    for name, summary in (
        ("single", "One adapter alone"),
        ("average", "The uniform mean of the adapters' outputs"),
        ("untrained", "Adapter fusion at its initial weights (the released code of arXiv 2403.20088)"),
        ("tuned", "Adapter fusion trained on the task's training data (Pfeiffer et al. 2021)"),
    ):
        yield CompositionKind(name=name, summary=summary, load=_blocks)
