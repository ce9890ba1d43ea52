"""Paired tests from bootstrap draws, corrected for how many there are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.estimate import Estimate

Key = TypeVar("Key", bound=Hashable)
Verdict: TypeAlias = Literal["helps", "harms", "no clear effect"]

RATE = 0.05
"""False discoveries among the claims of a table, expected at most."""


def p_value(difference: Estimate) -> float | None:
    """Two-sided, from the draws of a paired difference: twice the smaller share of draws on either side of
    0, with one draw added to each (Davison & Hinkley 1997, section 4.4). None where something is missing.
    """
    if difference.draws is None:
        return None
    draws = difference.draws
    least = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (len(draws) + 1))


def benjamini_hochberg(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values, shape (n,): a claim at most RATE keeps the false discovery rate there
    (Benjamini & Hochberg 1995).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)[::-1]
    scaled = values[order] * len(values) / np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted


def verdicts(differences: Mapping[Key, Estimate]) -> dict[Key, Verdict]:
    """What a whole table of differences lets one claim; cells that are missing get none."""
    tested = {key: p for key, x in differences.items() if (p := p_value(x)) is not None}
    found: dict[Key, Verdict] = {}
    for key, p in zip(tested, benjamini_hochberg(list(tested.values())), strict=True):
        value = differences[key].value or 0.0
        found[key] = "no clear effect" if p > RATE or value == 0 else "helps" if value > 0 else "harms"
    return found
