"""A table in markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of texts that are markdown already."""
    from tabulate import tabulate

    return tabulate(
        rows,
        headers=columns,
        tablefmt="github",
        disable_numparse=True,
        colalign=["right" if x else "left" for x in right] if rows else None,
    )
