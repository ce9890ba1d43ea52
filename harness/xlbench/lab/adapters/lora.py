"""Low-rank matrices beside the query and value matrices of each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlbench.contracts import AdapterKind

PLACE = "within the linear layers"


def _load() -> Callable[..., Any]:
    from adapters import LoRAConfig

    return lambda rank, alpha, leave_out=(): LoRAConfig(r=rank, alpha=alpha, leave_out=list(leave_out))


LORA = AdapterKind(
    name="lora",
    summary="Low-rank matrices added to the query and value matrices (Hu et al. 2022)",
    load=_load,
    task={"rank": 8, "alpha": 8},
    language={"rank": 8, "alpha": 8},
    place=PLACE,
    abilities=frozenset({"average", "merge"}),
)
