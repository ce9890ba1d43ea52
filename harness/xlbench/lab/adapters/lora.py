"""Low-rank matrices beside the query and value matrices of each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlbench.contracts import AdapterFiles, AdapterKind

PLACE = "within the linear layers"


def files(mode: str, **place: Any) -> AdapterFiles:
    """Of low-rank matrices or factors, which the library keeps alike, with all settings of `LoRAConfig`."""
    return AdapterFiles(
        known_by={
            "architecture": "lora", "composition_mode": mode, "use_dora": False, "vera_d": None,
            "vera_b": None, "use_gating": False,
        },
        said=("r", "alpha"),
        settings={
            "architecture": None, "selfattn_lora": True, "intermediate_lora": False, "output_lora": False,
            "leave_out": [], "r": 8, "alpha": 8, "dropout": 0.0, "attn_matrices": ["q", "v"],
            "composition_mode": "add", "init_weights": "lora", "init_weights_seed": None, "use_gating": False,
            "use_dora": False, "vera_d": None, "vera_b": None, "dtype": None,
        },
        place={"selfattn_lora": True, "output_lora": False, "leave_out": [], **place},
    )  # fmt: skip


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
    files=files("add", intermediate_lora=False, attn_matrices=["q", "v"]),
)
