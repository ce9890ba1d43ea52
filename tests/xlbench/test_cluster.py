"""The order that puts like beside like."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy.cluster.hierarchy import average, leaves_list
from scipy.spatial.distance import pdist

from xlbench.reporting.cluster import clustered, distances


@pytest.mark.parametrize("rows", [2, 3, 12, 40])
def test_neighbours_are_at_least_as_near_as_in_the_tree_as_it_is_built(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 7))
    apart = distances(values)
    assert apart[np.triu_indices(rows, 1)] == pytest.approx(pdist(values) / np.sqrt(7))
    found, plain = clustered(values.tolist()), leaves_list(average(pdist(values)))
    assert sorted(found) == list(range(rows))
    assert _length(apart, found) <= _length(apart, [int(x) for x in plain]) + 1e-12


def test_of_two_groups_the_nearest_members_meet() -> None:
    """Against every order in which both groups stay together: nothing is shorter."""
    values = np.array([[0.0], [1.1], [0.4], [10.0], [12.5], [11.0]])
    apart = distances(values)
    together = [
        [*one, *other]
        for first, second in (((0, 1, 2), (3, 4, 5)), ((3, 4, 5), (0, 1, 2)))
        for one in permutations(first)
        for other in permutations(second)
    ]
    found = clustered(values.tolist())
    assert found in together
    assert _length(apart, found) == pytest.approx(min(_length(apart, x) for x in together))


def test_groups_stand_together_the_larger_mean_first() -> None:
    low, high = [-3.0, -2.5, None], [4.0, 5.0, 5.0]
    found = clustered([low, high, [-3.1, None, 0.0], [4.1, 5.1, None]])
    assert {*found[:2]} == {1, 3}
    assert {*found[2:]} == {0, 2}


@pytest.mark.parametrize("table", [[], [[]], [[], []], [[None], [None]], [[1.0, None], [None, 1.0]], [[2.0]]])
def test_nothing_to_compare_is_an_order_too(table: list[list[float | None]]) -> None:
    assert sorted(clustered(table)) == list(range(len(table)))


def _length(apart: np.ndarray, order: list[int]) -> float:
    return float(sum(apart[i, j] for i, j in pairwise(order)))
