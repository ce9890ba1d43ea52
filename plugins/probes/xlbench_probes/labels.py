"""Stored shares of predicted and gold labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import GOLD_SHARE, PREDICTED_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Evaluation


def shares(found: Iterable[Evaluation], prefix: str) -> dict[str, float]:
    """Mean share of each label over evaluations of the same test data, in percent of words; empty where one
    of them has none, as results of earlier versions and tasks other than tagging.
    """
    each = [
        {k.removeprefix(prefix): v for k, v in one.extra.items() if k.startswith(prefix)} for one in found
    ]
    if not each or not all(each):
        return {}
    labels = sorted(set().union(*each))
    return {x: sum(one.get(x, 0.0) for one in each) / len(each) for x in labels}


def predicted(found: Iterable[Evaluation]) -> dict[str, float]:
    """Of what was predicted."""
    return shares(found, PREDICTED_SHARE)


def gold(found: Iterable[Evaluation]) -> dict[str, float]:
    """Of what is right."""
    return shares(found, GOLD_SHARE)
