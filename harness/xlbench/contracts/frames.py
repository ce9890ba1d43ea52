"""Numbers of a probe as tidy tables: one row per number, one column per thing that tells it from others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from xlbench.contracts.probe import Records

Row: TypeAlias = "Mapping[str, str | int | float | bool | None]"
"""By column. Languages are ISO 639-3; None is what is missing or does not apply."""
NUMBERS = ("effect", "score", "majority", "low", "high", "q", "minimum_detectable_effect")
"""Columns that `xlbench.probing.tidy` makes and that have measurements; counts are `n` and `seeds`."""
TAKEN = ("scores", "predictions", "model")
"""Names that the core has for tables and columns of its own."""


@runtime_checkable
class Frames(Protocol):
    """A probe whose numbers Python callers get as tables (`result.frame("effects")`), and `xlbench export`
    writes (`--what effects`).
    """

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """Tables by name, an identifier such as "effects"; the rows of one are asked for once, with that
        table. Numbers are those of the probe's pages: the same value, interval and verdict.
        `xlbench.probing.tidy` makes the columns of a number.
        """
