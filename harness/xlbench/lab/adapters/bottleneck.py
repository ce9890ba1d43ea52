"""Bottlenecks after the feed-forward part of each layer, without and with an invertible part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlbench.contracts import AdapterKind

PLACE = "after the feed-forward part"
ABILITIES = frozenset({"average", "fuse", "merge"})


def _seq_bn() -> Callable[..., Any]:
    from adapters import SeqBnConfig

    return SeqBnConfig  # type: ignore[no-any-return]


def _seq_bn_inv() -> Callable[..., Any]:
    from adapters import SeqBnInvConfig

    return SeqBnInvConfig  # type: ignore[no-any-return]


SEQ_BN = AdapterKind(
    name="seq_bn",
    summary="Bottleneck after the feed-forward part (Pfeiffer et al. 2021)",
    load=_seq_bn,
    task={"reduction_factor": 16},
    language={"reduction_factor": 16},
    place=PLACE,
    abilities=ABILITIES,
)
SEQ_BN_INV = AdapterKind(
    name="seq_bn_inv",
    summary="seq_bn with an invertible part at the embeddings (MAD-X; Pfeiffer et al. 2020)",
    load=_seq_bn_inv,
    task=None,
    language={"reduction_factor": 2},
    place=PLACE,
    abilities=ABILITIES,
    invertible=True,
)
