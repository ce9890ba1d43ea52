"""Vectors by which keys, values and the inner activations of the feed-forward part are scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlbench.contracts import AdapterKind
from xlbench.lab.adapters.lora import files


def _load() -> Callable[..., Any]:
    from adapters import IA3Config

    return lambda leave_out=(): IA3Config(leave_out=list(leave_out))


IA3 = AdapterKind(
    name="ia3",
    summary="Vectors that scale keys, values and inner activations (Liu et al. 2022)",
    load=_load,
    task={},
    language={},
    place="as factors within the linear layers",
    abilities=frozenset({"average", "merge"}),
    files=files("scale", intermediate_lora=True, attn_matrices=["k", "v"]),
)
