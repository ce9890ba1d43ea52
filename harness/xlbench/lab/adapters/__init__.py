"""The kinds of adapter that are built in, one a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.lab.adapters.bottleneck import SEQ_BN, SEQ_BN_INV
from xlbench.lab.adapters.ia3 import IA3
from xlbench.lab.adapters.lora import LORA

if TYPE_CHECKING:
    from xlbench.contracts import AdapterKind


@hookimpl
def xlbench_adapters() -> Iterable[AdapterKind]:
    """Register the kinds."""
    yield from (SEQ_BN, SEQ_BN_INV, LORA, IA3)
