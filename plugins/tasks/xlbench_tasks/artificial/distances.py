"""Known distances between the artificial languages, from how they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property

from xlbench.contracts import Distance
from xlbench_tasks.artificial import concepts
from xlbench_tasks.artificial.lexicon import roots
from xlbench_tasks.artificial.tree import LEAVES, ORDERS


def edit_distance(one: str, other: str) -> int:
    """Levenshtein distance: fewest insertions, deletions and substitutions (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
    return row[-1]


@cache
def lexical(one: str, other: str) -> float:
    """Mean over the core concepts of the edit distance of the two roots, divided by the longer's length."""
    a, b = roots(one), roots(other)
    return sum(edit_distance(a[x], b[x]) / max(len(a[x]), len(b[x])) for x in concepts.CORE) / len(
        concepts.CORE
    )


def word_order(one: str, other: str) -> float:
    """Share of the five word-order parameters that differ."""
    a, b = LEAVES[one].grammar, LEAVES[other].grammar
    return len([x for x in ORDERS if getattr(a, x) != getattr(b, x)]) / len(ORDERS)


def script(one: str, other: str) -> float:
    """0 where both are written in one script, else 1."""
    return float(LEAVES[one].script != LEAVES[other].script)


def tree(one: str, other: str) -> float:
    """Generations to the nearest common ancestor, as a share of the tree's height (no ancestor: 1)."""
    a, b = LEAVES[one], LEAVES[other]
    if a.family is not b.family:
        return 1.0
    height = len(a.lineage) + 1
    shared = 1 + sum(x is y for x, y in zip(a.lineage, b.lineage, strict=True))
    return (height - shared) / height


class _Table(Mapping[tuple[str, str], float]):
    """A symmetric table that is computed when first read: naming a distance costs nothing."""

    def __init__(self, measure: Callable[[str, str], float]) -> None:
        self._measure = measure

    @cached_property
    def _cells(self) -> dict[tuple[str, str], float]:
        codes = tuple(LEAVES)
        upper = {(a, b): self._measure(a, b) for i, a in enumerate(codes) for b in codes[i + 1 :]}
        return {**{(a, a): 0.0 for a in codes}, **upper, **{(b, a): x for (a, b), x in upper.items()}}

    def __getitem__(self, pair: tuple[str, str]) -> float:
        return self._cells[pair]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(LEAVES) ** 2


def distances() -> Iterator[Distance]:
    """The four distances."""
    yield Distance(
        "lexical", "mean normalised edit distance of the roots, romanised; 0 to 1", _Table(lexical)
    )
    yield Distance(
        "word order", "share of five word-order parameters that differ; 0 to 1", _Table(word_order)
    )
    yield Distance("script", "0 for the same script, 1 for different ones", _Table(script))
    yield Distance(
        "tree", "generations to the nearest common ancestor over the tree's height; 0 to 1", _Table(tree)
    )
