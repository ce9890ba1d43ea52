"""The layouts of all models that can be used, by model type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlbench.models.saved.decoders import DECODERS
from xlbench.models.saved.encoders import ENCODERS

if TYPE_CHECKING:
    from xlbench.models.saved.layout import Layout

LAYOUTS: Mapping[str, Layout] = {**ENCODERS, **DECODERS}
