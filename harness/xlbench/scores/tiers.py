"""Ranks with their uncertainty: what cannot be told apart shares a tier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from xlbench.scores.significance import verdicts

if TYPE_CHECKING:
    from collections.abc import Hashable

    from xlbench.scores.estimate import Estimate

Key = TypeVar("Key", bound="Hashable")


def tiers(ranked: Sequence[Key], apart: Callable[[Key, Key], Estimate]) -> dict[Key, int | None]:
    """Tier of each, from 1, of `ranked`, the best first; `apart(a, b)` is a minus b, paired.

    All pairs are tested and corrected together (Benjamini-Hochberg). Down the ranks, a tier ends before
    the first that is clearly worse than the tier's own first, which opens the next: the rank clusters of
    Bojar et al. (2013), with a corrected paired test. None for all where a difference is missing, or one was
    run with one seed.
    """
    pairs = [(a, b) for i, a in enumerate(ranked) for b in ranked[i + 1 :]]
    words = verdicts({(a, b): apart(a, b) for a, b in pairs})
    if len(words) < len(pairs) or "this run only" in words.values():
        return dict.fromkeys(ranked)
    found: dict[Key, int | None] = {}
    first, tier = None, 0
    for key in ranked:
        if first is None or words[first, key] == "helps":
            first, tier = key, tier + 1
        found[key] = tier
    return found
