"""Paired tests and their correction, against scipy and statsmodels."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from synthetic import ACCURACY, CODES, F1, Synthetic

from xlbench.metrics import accuracy
from xlbench.scores import (
    Effects,
    Estimate,
    Trial,
    absent,
    benjamini_hochberg,
    difference,
    judge,
    p_value,
    randomisation,
    tiers,
    verdicts,
)
from xlbench_probes.arms import Arm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_correction_is_that_of_statsmodels(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def normal(value: float, seed: int = 0, error: float = 1.0, n: int = 2000) -> Estimate:
    draws = np.random.default_rng(seed).normal(size=n)
    return Estimate(value, value + error * (draws - draws.mean()) / draws.std())


def stored(task: str) -> tuple[Effects, dict[str, np.ndarray], dict[tuple[str, str], np.ndarray]]:
    """Effects of one seed from jobs as they are stored, and the counts behind them."""
    study = Synthetic(seeds=(0,), steps=(100,), tasks=(task,), controls=(), examples=120, strength=2.0)
    before, after = {}, {}
    for job in study.jobs:
        for found in study.evaluate(job):
            if job.probe == "zero-shot":
                before[found.cell.target] = found.counts
            else:
                after[job.condition["text"]["language"], found.cell.target] = found.counts
    trials = [Trial(Arm(f, 100), 0, g, x) for (f, g), x in after.items()]
    return Effects(task, {"pos": ACCURACY, "ner": F1}[task], before, trials, draws=4000), before, after


@pytest.mark.parametrize("task", ["pos", "ner"])
def test_swaps_agree_with_scipys_permutation_test(task: str) -> None:
    effects, before, after = stored(task)
    metric = {"pos": ACCURACY, "ner": F1}[task]
    for f, g in [(CODES[0], CODES[3]), (CODES[1], CODES[5]), (CODES[3], CODES[2])]:
        both = np.stack([after[f, g], before[g]]).astype(float)  # (side, example, count)

        def statistic(x: np.ndarray, y: np.ndarray, both: np.ndarray = both) -> float:
            sums = [both[side.astype(int), np.arange(both.shape[1])].sum(axis=0) for side in (x, y)]
            return float(metric.score(sums[0]) - metric.score(sums[1]))

        n = both.shape[1]
        expected = scipy.stats.permutation_test(
            (np.zeros(n), np.ones(n)),
            statistic,
            permutation_type="samples",
            n_resamples=2000,
            rng=np.random.default_rng(0),
        )
        found = effects.effect(Arm(f, 100), g)
        assert found.value == pytest.approx(expected.statistic)
        ours = randomisation(found.value, found.null)
        assert ours == pytest.approx(expected.pvalue, abs=4 * np.sqrt(0.25 / 2000), rel=0.25)


@pytest.mark.parametrize("task", ["pos", "ner"])
def test_intervals_agree_with_scipys_paired_bootstrap(task: str) -> None:
    effects, before, after = stored(task)
    metric = {"pos": ACCURACY, "ner": F1}[task]
    f, g = CODES[1], CODES[4]

    def statistic(rows: np.ndarray, axis: int) -> np.ndarray:
        del axis
        chosen = rows.astype(int)
        one, other = (metric.score(x[chosen].sum(axis=-2).astype(float)) for x in (after[f, g], before[g]))
        return one - other

    expected = scipy.stats.bootstrap(
        (np.arange(len(before[g])),),
        statistic,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    found = effects.effect(Arm(f, 100), g)
    low, high = expected.confidence_interval
    assert found.spread().error == pytest.approx(expected.standard_error, rel=0.06)
    assert (found.number().low, found.number().high) == pytest.approx((low, high), abs=0.1 * (high - low))


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.data())
def test_few_examples_claim_no_more_than_all_their_swaps_do(moves: list[int], data: st.DataObject) -> None:
    """Against every one of the 2^n swaps; the tail of a normal distribution is never below them."""
    signs = np.array(np.meshgrid(*[[1, -1]] * len(moves))).reshape(len(moves), -1)
    value = float(np.sum(moves))
    exact = float(np.mean(np.abs(signs.T @ moves) >= abs(value) - 1e-9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    null = rng.choice([-1.0, 1.0], size=(2000, len(moves))) @ moves
    assert randomisation(value, null) == pytest.approx(exact, abs=0.06)
    assert randomisation(value, null) > 0


def test_a_claim_needs_seeds_that_agree_too() -> None:
    """Examples all better in each run; but the runs are far from each other."""
    rng = np.random.default_rng(0)
    total = np.full(400, 10)
    before = np.stack([rng.binomial(total, 0.5), total], axis=1).astype(np.int32)
    trials = [
        Trial(
            Arm("deu", 1), seed, "fin", np.stack([rng.binomial(total, rate), total], axis=1).astype(np.int32)
        )
        for seed, rate in enumerate((0.4, 0.55, 0.75))
    ]
    found = Effects("pos", accuracy(), {"fin": before}, trials).effect(Arm("deu", 1), "fin")
    assert randomisation(found.value, found.null) < 0.001
    assert p_value(found) > 0.2
    assert judge({"x": found})["x"].number.word == "no clear effect"


def test_a_p_value_is_the_level_at_which_the_interval_reaches_0() -> None:
    for value in (0.3, -2.0, 8.0):
        assert p_value(normal(value)) == pytest.approx(2 * scipy.stats.norm.sf(abs(value)), rel=1e-4)
    few = Estimate(2.0, np.full(50, 2.0), seeds={"a": np.array([-1.0, 0.0, 1.0])})
    error = np.sqrt(1 / 3)
    assert p_value(few) == pytest.approx(2 * scipy.stats.t.sf(2.0 / error, 2), rel=1e-4)
    assert p_value(normal(0.0)) == 1.0
    assert p_value(absent("x")) is None


def test_a_table_claims_only_what_correction_leaves() -> None:
    rng = np.random.default_rng(0)
    table: dict[object, Estimate] = {i: normal(float(rng.normal()), i) for i in range(200)}
    table |= {"up": normal(9.0, 1), "down": normal(-9.0, 2), "gone": absent("x")}
    found = verdicts(table)
    assert (found["up"], found["down"]) == ("helps", "harms")
    assert "gone" not in found
    assert judge(table)["gone"].number.missing == ("x",)
    assert sum(found[i] != "no clear effect" for i in range(200)) <= 2
    alone = normal(2.0, 3)
    crowd = {**{i: normal(0.0, i) for i in range(200)}, "x": alone}
    assert verdicts({"x": alone}) == {"x": "helps"}
    assert verdicts(crowd)["x"] == "no clear effect"  # type: ignore[index]


def test_what_is_detectable_is_found_four_times_in_five() -> None:
    """The power of the test itself, at the effect that it calls detectable."""
    least = judge({"x": normal(0.0, error=2.0)})["x"].detectable
    rng = np.random.default_rng(0)
    p = [p_value(normal(float(x), error=2.0)) for x in rng.normal(least, 2.0, 1500)]
    assert np.mean([x <= 0.05 for x in p]) == pytest.approx(0.8, abs=0.04)
    many = judge({i: normal(0.0, i, 2.0) for i in range(50)})
    assert many[0].detectable > least, "a correction costs power"


def test_tiers_keep_together_what_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(0)
    means = {"a": 5.0, "b": 4.9, "c": 2.0, "d": 1.9, "e": -3.0}
    each = {k: Estimate(v, v + rng.normal(0, 0.3, 2000)) for k, v in means.items()}
    found = tiers(list(each), lambda x, y: difference(each[x], each[y]))
    assert found == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3}
    gone = tiers(["a", "x"], lambda x, y: absent("x"))
    assert gone == {"a": None, "x": None}
    assert tiers(["a"], lambda x, y: absent("x")) == {"a": 1}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8))
def test_tiers_never_fall_down_the_ranks(values: list[float]) -> None:
    ranked = sorted(range(len(values)), key=lambda i: -values[i])
    each = [normal(x, i) for i, x in enumerate(values)]
    found = [tiers(ranked, lambda x, y: difference(each[x], each[y]))[i] for i in ranked]
    assert found[0] == 1
    assert all(b - a in (0, 1) for a, b in itertools.pairwise(found))
