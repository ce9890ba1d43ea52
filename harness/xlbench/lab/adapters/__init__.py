"""The kinds of adapter that are built in, one a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xlbench import hookimpl
from xlbench.contracts import AdapterKind


def _seq_bn() -> type[Any]:
    from adapters import SeqBnConfig

    return SeqBnConfig  # type: ignore[no-any-return]


def _seq_bn_inv() -> type[Any]:
    from adapters import SeqBnInvConfig

    return SeqBnInvConfig  # type: ignore[no-any-return]


@hookimpl
def xlbench_adapters() -> Iterable[AdapterKind]:
    """Register the kinds."""
    yield AdapterKind(
        name="seq_bn", summary="Bottleneck after the feed-forward part (Pfeiffer et al. 2021)", load=_seq_bn
    )
    yield AdapterKind(
        name="seq_bn_inv",
        summary="seq_bn with an invertible part at the embeddings (MAD-X; Pfeiffer et al. 2020)",
        load=_seq_bn_inv,
    )
