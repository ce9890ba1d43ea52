"""Variances over seeds, against formulas and against simulations with a known truth."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench.metrics import accuracy
from xlbench.scores import Effects, Estimate, Trial, difference, judge
from xlbench.scores.averages import relative
from xlbench.scores.spread import Spread, spreads
from xlbench.scores.variances import moderated
from xlbench_probes.arms import Arm


def seeds_only(deviations: np.ndarray, key: str) -> Estimate:
    return Estimate(0.0, np.zeros(10), seeds={key: deviations - deviations.mean()})


def test_one_alone_is_students_t() -> None:
    own = np.array([1.0, 2.0, 6.0])
    found = seeds_only(own, "a").spread()
    assert found == pytest.approx((scipy.stats.sem(own), 1.0, 2.0))
    assert found.quantile(0.975) == pytest.approx(scipy.stats.t.ppf(0.975, 2))


@given(st.floats(0, 1), st.floats(1, 50), st.floats(0.6, 0.9999))
def test_quantiles_lie_between_those_of_the_parts(share: float, freedom: float, p: float) -> None:
    found = Spread(1.0, share, freedom).quantile(p)
    assert scipy.stats.norm.ppf(p) - 1e-9 <= found <= scipy.stats.t.ppf(p, freedom) + 1e-9


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(1, 50), st.floats(0.01, 40))
def test_p_value_is_the_inverse_of_the_quantile(share: float, freedom: float, value: float) -> None:
    spread = Spread(2.0, share, freedom)
    p = spread.p_value(value)
    assert 0 < p <= 1
    if p > 1e-25:
        assert spread.quantile(1 - p / 2) * 2.0 == pytest.approx(value, rel=1e-3, abs=1e-3) or p < 1e-12


def test_alike_estimates_back_each_other_and_unlike_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    alike = [seeds_only(rng.normal(0, 1, 3), str(i)) for i in range(200)]
    found = spreads(alike)
    assert np.median([x.freedom for x in found]) > 20
    assert np.std([x.error for x in found]) < 0.1
    assert np.mean([x.error for x in found]) == pytest.approx(1 / np.sqrt(3), rel=0.1)
    unlike = spreads([seeds_only(rng.normal(0, 10.0 ** rng.uniform(-3, 3), 3), str(i)) for i in range(200)])
    assert np.median([x.freedom for x in unlike]) < 4


def test_one_target_on_which_runs_differ_more_is_not_drawn_to_the_others() -> None:
    """Eight estimates on each of ten targets, on the last with ten times the standard deviation."""
    rng = np.random.default_rng(0)
    apart = [1.0] * 9 + [10.0]
    each = [
        replace(seeds_only(rng.normal(0, scale, 3), f"{f} {g}"), test_sets=frozenset({("pos", str(g))}))
        for g, scale in enumerate(apart)
        for f in range(8)
    ]
    found = spreads(each)
    errors = np.array([x.error for x in found]).reshape(10, 8)
    assert np.allclose(errors[-1], 10 / np.sqrt(3), rtol=0.5)
    assert np.allclose(errors[:-1], 1 / np.sqrt(3), rtol=0.5)
    assert min(x.freedom for x in found) > 6
    unsaid = spreads([replace(x, test_sets=frozenset()) for x in each])
    assert np.median([x.freedom for x in unsaid]) < 6


def test_one_enormous_variance_does_not_swamp_the_others() -> None:
    v, d = np.array([1.0, 1.2, 0.8, 0.9, 1.1, 1e9, 2.0]), np.full(7, 2.0)
    found, _ = moderated(v, d, 20.0)
    assert found[[0, 1, 2, 3, 4, 6]] == pytest.approx(np.delete(v, 5), rel=0.5)
    assert found[5] == pytest.approx(1e9, rel=0.5)


def test_a_difference_rests_on_the_test_sets_of_both_its_sides() -> None:
    one, other = (
        replace(seeds_only(np.array([1.0, 2, 4]), "a"), test_sets=frozenset({("pos", x)})) for x in "pq"
    )
    assert difference(one, other).test_sets == {("pos", "p"), ("pos", "q")}
    assert relative(one, replace(one, value=3.0, draws=np.full(10, 3.0))).test_sets == one.test_sets


def test_surprising_variances_are_not_taken_for_chance_where_claims_are_made() -> None:
    """Far out, differences to the truth are as rare as said, however few variances are known."""
    rng, far = np.random.default_rng(0), []
    for i in range(400):
        scales = np.exp(rng.normal(0, 0.6, 12))
        found = spreads([seeds_only(rng.normal(0, x, 3), f"{i} {j}") for j, x in enumerate(scales)])
        errors = rng.normal(0, scales / np.sqrt(3))
        far += [abs(x) > s.quantile(0.9975) * s.error for x, s in zip(errors, found, strict=True)]
    assert np.mean(far) < 0.008


def test_moderated_variances_are_those_of_the_mixture_computed_at_length() -> None:
    """c and s on a fine grid, each weighted by the density of F, and the mixture's quantiles by bisection."""
    v, d = np.array([0.4, 1.0, 2.5, 0.9, 7.0]), np.array([2.0, 2.0, 3.0, 2.0, 2.5])
    found, freedom = moderated(v, d, 30.0)
    tau, log = (x.ravel() for x in np.meshgrid(np.linspace(0, 3, 13), np.arange(-7, 9, 0.05)))
    strength = {0.0: 1e6} | {
        x: 2 * scipy.optimize.brentq(lambda half, x=x: scipy.special.polygamma(1, half) - x**2, 1e-3, 1e5)
        for x in np.unique(tau)[1:]
    }
    s, c = np.array([strength[x] for x in tau])[:, None], np.exp(log)[:, None]
    weights = np.prod(scipy.stats.f.pdf(v / c, d, s) * v / c, axis=1)
    scale = np.sqrt((s * c + d * v) / (s + d))

    def below(x: float, i: int) -> float:
        chances = scipy.stats.t.cdf(x / scale[:, i], np.minimum(s[:, 0] + d[i], 30.0))
        return float(np.average(chances, weights=weights))

    for p in (0.975, 0.9997):
        expected = [scipy.optimize.brentq(lambda x, i=i, p=p: below(x, i) - p, 0, 1e3) for i in range(5)]
        assert np.sqrt(found) * scipy.stats.t.ppf(p, freedom) == pytest.approx(expected, rel=0.03)


def test_the_same_runs_seen_many_times_count_once() -> None:
    """Targets that move together say no more of the seeds than one of them."""
    one = np.array([-1.0, 0.2, 1.1])
    same = spreads([seeds_only(one * x, "a") for x in (1.0, 1.1, 0.9, 1.05)])
    assert all(x.freedom == pytest.approx(2.0, rel=0.01) for x in same)


def test_what_seeds_owe_to_examples_is_not_counted_twice() -> None:
    """Runs that differ by chance at each example alone: the variance of their mean, not twice that."""
    rng, n, seeds = np.random.default_rng(0), 400, 5
    errors, values = [], []
    for i in range(60):
        draw = [
            np.stack([rng.random(n) < 0.5, np.ones(n)], axis=1).astype(np.int32) for _ in range(seeds + 1)
        ]
        trials = [Trial(Arm("deu", 1), s, "fin", draw[s]) for s in range(seeds)]
        zero = np.tile(np.array([[1, 2]], np.int32), (n, 1))
        found = Effects(f"t{i}", accuracy(), {"fin": zero}, trials, draws=300).effect(Arm("deu", 1), "fin")
        errors.append(found.spread().error)
        values.append(found.value)
    expected = 100 * np.sqrt(0.25 / n / seeds)
    assert np.std(values) == pytest.approx(expected, rel=0.25)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("apart", [0.0, 0.08])
def test_intervals_cover_and_nothing_is_claimed_of_nothing(apart: float) -> None:
    rng, n, seeds, false, covered = np.random.default_rng(1), 150, 3, 0, []
    for i in range(25):
        before, trials = {}, []
        for g in ("a", "b", "c", "d"):
            kept = rng.random(n)
            before[g] = np.stack([kept < 0.5, np.ones(n)], axis=1).astype(np.int32)
            for f in ("p", "q", "r"):
                for s in range(seeds):
                    redrawn = np.where(rng.random(n) < 0.3, rng.random(n), kept)
                    right = redrawn < 0.5 + rng.normal(0, apart)
                    counts = np.stack([right, np.ones(n)], axis=1).astype(np.int32)
                    trials.append(Trial(Arm(f, 1), s, g, counts))
        effects = Effects(f"t{i}", accuracy(), before, trials, draws=400)
        found = judge({(f, g): effects.effect(Arm(f, 1), g) for f in "pqr" for g in "abcd"})
        covered += [x.number.low <= 0 <= x.number.high for x in found.values()]
        false += any(x.number.word != "no clear effect" for x in found.values())
    assert 0.91 <= np.mean(covered) <= 0.99
    assert false <= 4
