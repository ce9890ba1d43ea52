"""How many training examples each language gives, and which."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def shares(sizes: Mapping[str, int], examples: int | None, temperature: float) -> dict[str, int]:
    """Examples of each language, of `examples` in all; None is everything there is.

    In proportion to size ** (1 / temperature), as in the exponentially smoothed sampling of multilingual
    pretraining (Arivazhagan et al. 2019, arXiv 1907.05019): 1 keeps the sizes' proportions, a large
    temperature makes the shares even. No example comes twice: what a language lacks goes to the others by the
    same rule. Shares are rounded so that they add up (largest remainder, ties in order).
    """
    if examples is None or examples >= sum(sizes.values()):
        return dict(sizes)
    weights = {x: size ** (1 / temperature) for x, size in sizes.items()}
    found: dict[str, int] = {}
    left = examples
    while True:
        unsettled = [x for x in sizes if x not in found]
        total = sum(weights[x] for x in unsettled)
        quotas = {x: left * weights[x] / total for x in unsettled}
        exhausted = [x for x in unsettled if quotas[x] >= sizes[x]]
        if not exhausted:
            break
        for language in exhausted:
            found[language] = sizes[language]
            left -= sizes[language]
    found |= {x: int(quota) for x, quota in quotas.items()}
    left -= sum(found[x] for x in quotas)
    for language in sorted(quotas, key=lambda x: found[x] - quotas[x])[:left]:
        found[language] += 1
    return {x: found[x] for x in sizes}


def drawn(items: Sequence[_T], count: int, seed: int, name: str) -> list[_T]:
    """`count` of the items in their order, drawn without replacement; the same for the same seed and name.

    Not the first ones: some sets are sorted by label.
    """
    chosen = random.Random(f"{seed}/{name}").sample(range(len(items)), count)
    return [items[i] for i in sorted(chosen)]
