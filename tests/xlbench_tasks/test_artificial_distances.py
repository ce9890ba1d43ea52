"""Distances that are known by construction."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench.contracts import Distance
from xlbench_tasks.artificial import xlbench_distances
from xlbench_tasks.artificial.distances import edit_distance
from xlbench_tasks.artificial.tree import LEAVES, Leaf

TABLES = {x.name: x for x in xlbench_distances()}
letters = st.text("abc", max_size=6)


def slow_edit_distance(one: str, other: str) -> int:
    """By its recursive definition."""

    @cache
    def rest(i: int, j: int) -> int:
        if i == len(one) or j == len(other):
            return len(one) - i + len(other) - j
        return min(rest(i + 1, j) + 1, rest(i, j + 1) + 1, rest(i + 1, j + 1) + (one[i] != other[j]))

    return rest(0, 0)


@given(letters, letters)
def test_edit_distance(one: str, other: str) -> None:
    assert edit_distance(one, other) == slow_edit_distance(one, other)


def test_all_four_are_given() -> None:
    assert set(TABLES) == {"lexical", "word order", "script", "tree"}


@pytest.mark.parametrize("distance", TABLES.values(), ids=TABLES)
def test_tables_are_symmetric_and_whole(distance: Distance) -> None:
    table = distance.table
    assert len(table) == len(list(table)) == len(LEAVES) ** 2
    for a in LEAVES:
        assert table[a, a] == 0
        for b in LEAVES:
            assert table[a, b] == table[b, a]
            assert 0 <= table[a, b] <= 1


def test_known_values() -> None:
    assert TABLES["script"].table["qaa", "qad"] == 1
    assert TABLES["script"].table["qaa", "qae"] == 0
    assert TABLES["tree"].table["qaa", "qab"] == pytest.approx(1 / 3)
    assert TABLES["tree"].table["qaa", "qac"] == pytest.approx(2 / 3)
    assert TABLES["tree"].table["qaa", "qae"] == 1
    assert TABLES["word order"].table["qaa", "qam"] == 1
    assert TABLES["word order"].table["qaa", "qab"] == pytest.approx(0.2)


def test_words_drift_apart_with_the_tree() -> None:
    """Sisters are nearer than cousins, and these nearer than strangers, borrowing or not."""
    lexical, tree = TABLES["lexical"].table, TABLES["tree"].table
    by_depth: dict[float, list[float]] = {}
    for a in LEAVES:
        for b in LEAVES:
            by_depth.setdefault(round(tree[a, b], 2), []).append(lexical[a, b])
    assert max(by_depth[0.33]) < min(by_depth[1.0])
    assert max(by_depth[0.67]) < min(by_depth[1.0])
    means = [sum(by_depth[x]) / len(by_depth[x]) for x in (0.33, 0.67, 1.0)]
    assert means == sorted(means)
    assert means[2] - means[0] > 0.4


def test_borrowing_brings_strangers_nearer() -> None:
    lexical = TABLES["lexical"].table
    strangers = [x for x, leaf in LEAVES.items() if leaf.family.name == "Velmic"]
    assert lexical["qao", "qaa"] < min(lexical[x, "qam"] for x in strangers) - 0.1


def test_scripts_and_orders_cut_across_families() -> None:
    def differ(a: Leaf, b: Leaf) -> bool:
        return a.family is not b.family

    strangers = [(a.code, b.code) for a in LEAVES.values() for b in LEAVES.values() if differ(a, b)]
    relatives = [
        (a.code, b.code) for a in LEAVES.values() for b in LEAVES.values() if not differ(a, b) and a is not b
    ]
    assert any(TABLES["word order"].table[x] == 0 for x in strangers)
    assert any(TABLES["script"].table[x] == 0 for x in strangers)
    assert any(TABLES["script"].table[x] == 1 for x in relatives)
