"""Paired tests and their correction, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from xlbench.scores import Estimate, absent, benjamini_hochberg, p_value, verdicts


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_correction_is_that_of_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p, method="bh"))


def normal(mean: float, seed: int, n: int = 9999) -> Estimate:
    draws = np.random.default_rng(seed).normal(mean, 1, n)
    return Estimate(mean, draws)


def test_a_p_value_is_twice_the_share_on_the_other_side() -> None:
    draws = np.array([1.0] * 990 + [-1.0] * 9)
    assert p_value(Estimate(1.0, draws)) == pytest.approx(2 * 10 / 1000)
    assert p_value(Estimate(-1.0, -draws)) == pytest.approx(2 * 10 / 1000)
    assert p_value(Estimate(1.0, np.ones(999))) == pytest.approx(2 / 1000)
    assert p_value(Estimate(0.0, np.zeros(999))) == 1.0
    assert p_value(absent("x")) is None


def test_a_table_claims_only_what_correction_leaves() -> None:
    table = {i: normal(0.0, i) for i in range(200)}
    table |= {"up": normal(9.0, 1), "down": normal(-9.0, 2), "gone": absent("x")}  # type: ignore[dict-item]
    found = verdicts(table)
    assert (found["up"], found["down"]) == ("helps", "harms")  # type: ignore[index]
    assert "gone" not in found
    assert sum(found[i] != "no clear effect" for i in range(200)) <= 2
    alone = normal(2.0, 3)
    assert p_value(alone) is not None
    assert p_value(alone) <= 0.05  # type: ignore[operator]
    crowd = {**{i: normal(0.0, i) for i in range(200)}, "x": alone}
    assert verdicts({"x": alone}) == {"x": "helps"}
    assert verdicts(crowd)["x"] == "no clear effect"  # type: ignore[index]
