"""Paired tests from bootstrap draws, corrected for how many there are."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import numpy as np

from xlbench.scores.effects import DRAWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.estimate import Estimate

Key = TypeVar("Key", bound=Hashable)
Verdict: TypeAlias = Literal["helps", "harms", "no clear effect"]
Kind: TypeAlias = Literal[
    "helped by all", "harmed by all", "helped by some", "harmed by some", "mixed", "no clear effect"
]

RATE = 0.05
"""False discoveries among the claims of a table, expected at most."""

MOST_DRAWS = 20_000


def draws_for(tests: int) -> int:
    """Bootstrap draws with which one clear effect among `tests` can be told from none.

    The smallest p-value is 2 / (draws + 1), and the strictest bound of the correction RATE / tests: with
    fewer draws than their quotient nothing could be claimed, however clear. Twice as many are taken.
    """
    return min(max(DRAWS, math.ceil(4 * tests / RATE)), MOST_DRAWS)


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
    """What a whole table of differences lets one claim; cells that are missing get none.

    A missing cell counts as a test without effect, so that what is there claims no more for its absence.
    """
    p = {key: p_value(x) for key, x in differences.items()}
    corrected = benjamini_hochberg([1.0 if x is None else x for x in p.values()])
    found: dict[Key, Verdict] = {}
    for (key, own), adjusted in zip(p.items(), corrected, strict=True):
        value = differences[key].value or 0.0
        if own is not None:
            clear = adjusted <= RATE and value != 0
            found[key] = "no clear effect" if not clear else "helps" if value > 0 else "harms"
    return found


def kind(found: Iterable[Verdict]) -> Kind:
    """What all others together are to a language; of none of them nothing is clear."""
    each = list(found)
    some = set(each) - {"no clear effect"}
    if len(some) != 1:
        return "mixed" if some else "no clear effect"
    how = "helped" if some == {"helps"} else "harmed"
    return f"{how} by {'some' if 'no clear effect' in each else 'all'}"  # type: ignore[return-value]
