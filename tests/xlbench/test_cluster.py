"""The order that puts like beside like, against scipy's clustering."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import average, leaves_list
from scipy.spatial.distance import pdist

from xlbench.reporting.cluster import clustered, distances, merges


@pytest.mark.parametrize("rows", [2, 3, 12, 40])
def test_merges_are_those_of_scipy(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 7))
    apart = distances(values)
    assert apart[np.triu_indices(rows, 1)] == pytest.approx(pdist(values) / np.sqrt(7))
    expected: dict[int, frozenset[int]] = {i: frozenset([i]) for i in range(rows)}
    tree = average(pdist(values))
    for i, (one, other, *_) in enumerate(tree):
        expected[rows + i] = expected[int(one)] | expected[int(other)]
    ours, found = {i: frozenset([i]) for i in range(rows)}, []
    for one, other in merges(apart):
        ours[one] |= ours.pop(other)
        found.append(ours[one])
    assert found == [expected[rows + i] for i in range(rows - 1)]
    assert sorted(clustered(values.tolist())) == sorted(leaves_list(tree))


def test_groups_stand_together_the_larger_mean_first() -> None:
    low, high = [-3.0, -2.5, None], [4.0, 5.0, 5.0]
    assert clustered([low, high, [-3.1, None, 0.0], [4.1, 5.1, None]]) in (
        [3, 1, 0, 2],
        [1, 3, 0, 2],
        [1, 3, 2, 0],
        [3, 1, 2, 0],
    )


@pytest.mark.parametrize("table", [[], [[]], [[], []], [[None], [None]], [[1.0, None], [None, 1.0]], [[2.0]]])
def test_nothing_to_compare_is_an_order_too(table: list[list[float | None]]) -> None:
    assert sorted(clustered(table)) == list(range(len(table)))
