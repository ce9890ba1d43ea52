"""Numbers as the HTML report has them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xlbench.reporting.text import WORDS

if TYPE_CHECKING:
    from xlbench.contracts import Number


def word(number: Number) -> str | None:
    """Its verdict, if any."""
    return number.word if number.word in WORDS else None  # plugins give what they like


def finite(value: float | None) -> float | None:
    """JSON has no infinity and no nan; such a number is not there. Others are rounded once, where they are
    shown.
    """
    return value if value is not None and math.isfinite(value) else None
