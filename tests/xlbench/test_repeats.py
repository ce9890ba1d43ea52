"""Seeds against other seeds of the same condition: nominal where they are alike, told where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from synthetic import ACCURACY

from xlbench.contracts import Counts
from xlbench.scores import Repeated, Trial, rate_interval, repeated
from xlbench_probes.arms import Arm


def world(
    seeds: int, *, own: float = 2.0, common: float = 0.0, batch: float = 0.0, arms: int = 6, number: int = 0
) -> tuple[dict[str, Counts | str], list[Trial]]:
    """Accuracy of 60 examples of 10 words. A seed moves all targets of an arm by `common` points and each by
    `own` (standard deviations), and every other seed by `batch` more."""
    rng = np.random.default_rng(number)
    total = np.full(60, 10)

    def counts(shift: float, rates: np.ndarray) -> Counts:
        right = rng.binomial(total, np.clip(rates + shift / 100, 0, 1))
        return np.stack([right, total], axis=1).astype(np.int32)

    rates = {f"g{i}": rng.uniform(0.4, 0.8, 60) for i in range(5)}
    before: dict[str, Counts | str] = {g: counts(0, x) for g, x in rates.items()}
    trials = []
    for i in range(arms):
        for seed in range(seeds):
            all_alike = rng.normal(0, common) + batch * (seed % 2)
            for g, x in rates.items():
                trials.append(
                    Trial(
                        Arm(f"f{i}", 10), seed, g, counts(all_alike + (rng.normal(0, own) if own else 0), x)
                    )
                )
    return before, trials


def check(*made: object) -> Repeated:
    before, trials = made
    found = repeated("pos", ACCURACY, before, trials)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("seeds", [3, 4])
def test_seeds_that_are_alike_pass_and_a_batch_of_other_seeds_fails(seeds: int) -> None:
    """Machines, versions or a seed that is not passed: what moves every other run alike is no seed."""
    good = check(*world(seeds))
    assert good.is_nominal
    assert (good.tests, good.conditions) == (30, 6)
    assert good.differ <= 4
    bad = check(*world(seeds, batch=15.0))
    assert not bad.is_nominal
    assert bad.differ > 15


def test_seeds_that_move_all_targets_alike_are_few_events_and_no_fault() -> None:
    found = [check(*world(4, own=0, common=4, number=i)) for i in range(6)]
    assert all(x.is_nominal for x in found)
    assert sum(x.differ for x in found) / sum(x.tests for x in found) < 0.15


def test_two_seeds_are_not_enough_and_what_is_missing_is_in_no_test() -> None:
    before, trials = world(2)
    assert repeated("pos", ACCURACY, before, trials) is None
    before, trials = world(4)
    gone = [
        Trial(x.arm, x.seed, x.target, None, "not run yet")
        if (x.target, x.arm) == ("g0", Arm("f0", 10)) and x.seed < 2
        else x
        for x in trials
    ]
    assert check(before, gone).tests == 29
    assert check({**before, "g1": "failed"}, gone).tests == 23


def test_the_interval_of_a_share_is_exact_and_knows_clusters() -> None:
    alone = binomtest(7, 40).proportion_ci(method="exact")
    assert rate_interval([1] * 7 + [0] * 33, [1] * 40) == pytest.approx((alone.low, alone.high), abs=0.01)
    spread_out, gathered = rate_interval([2, 1, 2, 1], [10] * 4), rate_interval([6, 0, 0, 0], [10] * 4)
    assert spread_out == pytest.approx(tuple(binomtest(6, 40).proportion_ci(method="exact")))
    assert gathered[0] < spread_out[0] < spread_out[1] < gathered[1]
    none = binomtest(0, 12).proportion_ci(method="exact")
    assert rate_interval([0, 0], [6, 6]) == pytest.approx((none.low, none.high))
    one = binomtest(1, 1).proportion_ci(method="exact")
    assert rate_interval([9], [9]) == pytest.approx((one.low, one.high))
