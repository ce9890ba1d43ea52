"""Effects, averages and intervals against plain loops and scipy."""

import itertools
from statistics import mean as plain_mean

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import ACCURACY, F1

from xlbench.errors import ResultsError
from xlbench.scores import (
    Effects,
    Estimate,
    Trial,
    absent,
    best,
    difference,
    kind,
    mean,
    p_value,
    rank_correlation,
    relative,
    spearman,
    verdicts,
)
from xlbench.scores.bootstrap import generator, swaps, weights
from xlbench_probes.arms import Arm, donation, recipience

LANGUAGES = ("deu", "fin", "tur")
TARGETS = ("fin", "est", "hun", "tur")
SEEDS = (0, 1, 7)


def counts(rng: np.random.Generator, n: int = 50, rate: float = 0.5) -> np.ndarray:
    words = rng.integers(1, 20, n)
    return np.stack([rng.binomial(words, rate), words], axis=1).astype(np.int32)


def make(seeds: tuple[int, ...] = SEEDS, n: int = 50) -> tuple[dict[str, np.ndarray], list[Trial]]:
    rng = np.random.default_rng(0)
    before = {g: counts(rng, n) for g in TARGETS}
    trials = []
    for f, k, seed, g in itertools.product(LANGUAGES, (1, 100), seeds, TARGETS):
        after = before[g].copy()
        after[:, 0] = np.minimum(after[:, 0] + rng.integers(0, 2, n), after[:, 1])
        trials.append(Trial(Arm(f, k), seed, g, after))
    return before, trials


def points(found: np.ndarray) -> float:
    return 100 * sum(int(x) for x in found[:, 0]) / sum(int(x) for x in found[:, 1])


def test_definitions_against_plain_loops() -> None:
    before, trials = make()
    effects = Effects("pos", ACCURACY, before, trials, draws=10)
    runs = {(t.arm.text, t.arm.steps, t.seed, t.target): t.counts for t in trials}

    def effect(f: str, k: int, g: str) -> float:
        return plain_mean(points(runs[f, k, seed, g]) for seed in SEEDS) - points(before[g])

    for f, k, g in itertools.product(LANGUAGES, (1, 100), TARGETS):
        found = effects.effect(Arm(f, k), g)
        assert found.value == pytest.approx(effect(f, k, g))
        assert relative(found, effects.before(g)).value == pytest.approx(
            100 * effect(f, k, g) / points(before[g])
        )
    for f, k in itertools.product(LANGUAGES, (1, 100)):
        expected = plain_mean(effect(f, k, g) for g in TARGETS if g != f)
        assert donation(effects, Arm(f, k), TARGETS).value == pytest.approx(expected)
    for g, k in itertools.product(TARGETS, (1, 100)):
        expected = plain_mean(effect(f, k, g) for f in LANGUAGES if f != g)
        arms = [Arm(f, k) for f in LANGUAGES]
        assert recipience(effects, g, arms).value == pytest.approx(expected)


def test_draws_and_swaps_against_a_plain_loop_over_the_same_weights() -> None:
    """Everything at once, with no matrix: one draw after the other, one seed after the other."""
    draws, n = 25, 30
    before, trials = make(n=n)
    effects = Effects("pos", ACCURACY, before, trials, draws=draws)
    arm, target = Arm("deu", 100), "est"
    runs = {t.seed: t.counts for t in trials if (t.arm, t.target) == (arm, target)}
    ((_, examples),) = weights(n, draws, generator("examples", "pos", target, n))
    ((_, swapped),) = swaps(n, draws, generator("swaps", "pos", target, n))
    found = effects.effect(arm, target)
    for i in range(draws):
        rows = [j for j, times in enumerate(examples[i]) for _ in range(int(times))]
        assert len(rows) == n
        after = plain_mean(points(runs[s][rows]) for s in SEEDS)
        assert found.draws[i] == pytest.approx(after - points(before[target][rows]))
        turned = []
        for s in SEEDS:
            one, other = runs[s].copy(), before[target].copy()
            for j in range(n):
                if swapped[i, j]:
                    one[j], other[j] = before[target][j], runs[s][j]
            turned.append(points(one) - points(other))
        assert found.null[i] == pytest.approx(plain_mean(turned))
    own = [points(runs[s]) for s in SEEDS]
    (deviations,) = found.seeds.values()
    np.testing.assert_allclose(deviations, np.array(own) - np.mean(own))


def test_interval_of_one_seed_agrees_with_scipy() -> None:
    before, trials = make(seeds=(0,), n=200)
    effects = Effects("pos", ACCURACY, before, trials, draws=4000)
    for arm, target in [(Arm("deu", 1), "est"), (Arm("tur", 100), "fin")]:
        after = next(t.counts for t in trials if (t.arm, t.target) == (arm, target))
        b, a = before[target], after

        def statistic(rows: np.ndarray, b: np.ndarray = b, a: np.ndarray = a) -> np.ndarray:
            rows = rows.astype(int)
            return 100 * (a[rows, 0].sum(-1) / a[rows, 1].sum(-1) - b[rows, 0].sum(-1) / b[rows, 1].sum(-1))

        expected = scipy.stats.bootstrap(
            (np.arange(200),),
            lambda rows, axis: statistic(rows),
            n_resamples=4000,
            method="percentile",
            vectorized=True,
            rng=np.random.default_rng(1),
        ).confidence_interval
        found = effects.effect(arm, target).number()
        width = expected.high - expected.low
        assert found.low == pytest.approx(expected.low, abs=0.08 * width)
        assert found.high == pytest.approx(expected.high, abs=0.08 * width)
        unpaired = difference(effects.after(arm, target), effects.before("hun")).number()
        assert unpaired.high - unpaired.low > 1.5 * width, "pairing is what makes the interval narrow"


def test_interval_covers_seeds() -> None:
    """With examples that do not vary, all of the interval comes from the seeds."""
    shifts = {0: 0, 1: 5, 2: 10, 3: 15}
    same = np.tile(np.array([[10, 100]], np.int32), (40, 1))
    trials = [
        Trial(Arm("deu", 1), seed, g, same + np.array([shift, 0], np.int32))
        for seed, shift in shifts.items()
        for g in ("fin", "est")
    ]
    effects = Effects("pos", ACCURACY, {"fin": same, "est": same}, trials, draws=20_000)
    found = effects.effect(Arm("deu", 1), "fin")
    assert found.value == pytest.approx(7.5)
    error = np.std(list(shifts.values()), ddof=1) / np.sqrt(4)
    assert found.spread() == pytest.approx((error, 1.0, 3.0))
    assert np.std(found.resampled()) == pytest.approx(error, rel=0.03)
    expected = scipy.stats.t.interval(0.95, 3, 7.5, error)
    assert (found.number().low, found.number().high) == pytest.approx(expected)
    other = effects.effect(Arm("deu", 1), "est")
    np.testing.assert_array_equal(found.resampled(), other.resampled())
    assert donation(effects, Arm("deu", 1), ["fin", "est"]).number() == found.number(), "seeds are shared"


def test_same_input_same_intervals_and_another_language_changes_none() -> None:
    before, trials = make()
    whole = Effects("pos", ACCURACY, before, trials)
    part = Effects(
        "pos",
        ACCURACY,
        {"est": before["est"]},
        [t for t in trials if t.arm.text == "tur" and t.target == "est"],
    )
    assert whole.effect(Arm("tur", 1), "est").number() == part.effect(Arm("tur", 1), "est").number()


def test_blocks_only_save_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    before, trials = make(n=30)
    whole = Effects("pos", ACCURACY, before, trials, draws=100).effect(Arm("deu", 1), "est")
    monkeypatch.setattr("xlbench.scores.bootstrap._BLOCK", 30 * 7)
    blocks = Effects("pos", ACCURACY, before, trials, draws=100).effect(Arm("deu", 1), "est")
    assert blocks.value == whole.value
    np.testing.assert_allclose(blocks.draws, whole.draws, rtol=1e-12)


@given(n=st.integers(1, 60), draws=st.integers(1, 40))
def test_every_draw_has_n_examples(n: int, draws: int) -> None:
    found = np.concatenate([block for _, block in weights(n, draws, np.random.default_rng(0))])
    assert found.shape == (draws, n)
    assert (found.sum(axis=1) == n).all()
    assert (found >= 0).all()


def test_missing_cell_empties_what_needs_it_and_nothing_else() -> None:
    before, trials = make()
    lost = (Arm("deu", 1), 1, "est")
    trials = [
        Trial(t.arm, t.seed, t.target, None, "deu seed 1 failed: NaN")
        if (t.arm, t.seed, t.target) == lost
        else t
        for t in trials
    ]
    effects = Effects("pos", ACCURACY, before, trials, draws=10)
    for estimate in (
        effects.effect(Arm("deu", 1), "est"),
        donation(effects, Arm("deu", 1), TARGETS),
        recipience(effects, "est", [Arm(f, 1) for f in LANGUAGES]),
    ):
        number = estimate.number()
        assert (number.value, number.low, number.high) == (None, None, None)
        assert number.missing == ("deu seed 1 failed: NaN",)
    assert effects.effect(Arm("deu", 1), "hun").value is not None
    assert donation(effects, Arm("deu", 100), TARGETS).value is not None
    assert donation(effects, Arm("deu", 1), ["hun", "fin"]).value is not None


def test_missing_baseline_empties_the_target() -> None:
    before, trials = make()
    effects = Effects("pos", ACCURACY, {**before, "est": "zero-shot failed"}, trials, draws=10)
    assert effects.effect(Arm("deu", 1), "est").missing == ("zero-shot failed",)
    assert effects.before("est").value is None
    assert effects.after(Arm("deu", 1), "est").value is not None
    assert effects.effect(Arm("deu", 1), "unheard").missing


def test_seed_that_one_target_lacks_is_missing_there() -> None:
    before, trials = make()
    trials = [t for t in trials if not (t.target == "est" and t.seed == 7)]
    effects = Effects("pos", ACCURACY, before, trials, draws=10)
    assert "seed 7" in effects.effect(Arm("deu", 1), "est").missing[0]


def test_different_data_versions_are_not_compared() -> None:
    before, trials = make()
    with pytest.raises(ResultsError, match=r"pos on est.*different numbers"):
        Effects("pos", ACCURACY, {**before, "est": before["est"][:-1]}, trials, draws=10)


def test_any_metric_will_do() -> None:
    rng = np.random.default_rng(3)
    b, a = (rng.integers(1, 9, (20, 3)).astype(np.int32) for _ in range(2))
    effects = Effects("ner", F1, {"fin": b}, [Trial(Arm("deu", 1), 0, "fin", a)], draws=10)

    def f1(x: np.ndarray) -> float:
        return 200 * x[:, 0].sum() / (x[:, 1].sum() + x[:, 2].sum())

    assert effects.effect(Arm("deu", 1), "fin").value == pytest.approx(f1(a) - f1(b))


def test_nothing_to_average_is_empty_with_nothing_missing() -> None:
    assert mean([]).number() == absent().number()
    assert mean([absent("x"), absent("x"), absent("y")]).missing == ("x", "y")
    assert difference(absent("x"), Estimate(1.0, np.ones(2))).missing == ("x",)


def test_relative_to_a_zero_score_is_empty() -> None:
    zero = Estimate(0.0, np.zeros(3))
    assert relative(Estimate(1.0, np.ones(3)), zero).value is None
    sometimes = relative(Estimate(1.0, np.ones(3)), Estimate(2.0, np.array([0.0, 2.0, 4.0]))).number()
    assert (sometimes.value, sometimes.low) == (50.0, None), "an interval that is not defined is not given"


def test_best_says_how_sure_it_is() -> None:
    one = Estimate(2.0, np.array([2.0, 2.0, 0.0, 2.0]))
    other = Estimate(1.0, np.ones(4))
    assert best({"a": other, "b": one}) == (("b",), 0.75)
    assert best({"a": other, "b": absent("x")}) is None
    assert best({}) is None


def test_to_do_nothing_is_a_candidate_for_the_best_and_ties_are_ties() -> None:
    low = Estimate(-1.0, np.array([-2.0, 1.0, -3.0, -1.0]))
    lower = Estimate(-2.0, np.array([-2.0, -2.0, -2.0, -2.0]))
    assert best({"a": low, "b": lower}) == ((), 0.75)
    one, same = (Estimate(1.0, np.array([2.0, -1.0, x, 1.0])) for x in (3.0, -3.0))
    assert best({"a": one, "b": same, "c": lower}) == (("a", "b"), 0.75)
    assert best({"a": one, "b": lower}) == (("a",), 0.75), "in one draw in four, nothing is better"


@settings(deadline=None)
@given(
    st.integers(3, 12).flatmap(
        lambda n: st.tuples(*(st.lists(st.integers(0, 5), min_size=n, max_size=n) for _ in range(2)))
    )
)
def test_spearman_agrees_with_scipy(pair: tuple[list[int], list[int]]) -> None:
    one, other = (np.array(x, float) for x in pair)
    found = spearman(np.stack([one, one]), np.stack([other, -other]))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert np.isnan(found).all()
    else:
        expected = scipy.stats.spearmanr(one, other).statistic
        np.testing.assert_allclose(found, [expected, -expected], atol=1e-12)


GRID = [(f"f{i}", f"g{j}") for i in range(8) for j in range(10)]


def test_rank_correlation_finds_the_known_order_and_its_uncertainty() -> None:
    rng = np.random.default_rng(5)
    known = {pair: float(rng.uniform(0, 1)) for pair in GRID}

    def estimates(noise: float) -> dict[tuple[str, str], Estimate]:
        values = {pair: -x + rng.normal(0, noise) for pair, x in known.items()}
        return {pair: Estimate(x, x + rng.normal(0, noise, 500)) for pair, x in values.items()}

    sharp, vague = (rank_correlation(estimates(x), known, "x") for x in (0.01, 3.0))
    assert sharp.value == pytest.approx(-1, abs=0.02)
    assert sharp.high < -0.9
    assert vague.low < 0 < vague.high


def test_pairs_that_share_a_language_are_no_independent_evidence() -> None:
    """A distance of the transfer language alone, and effects of it alone: eight facts, not eighty."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(20):
        far, own = rng.normal(size=(2, 8))
        known = {(f, g): far[int(f[1:])] for f, g in GRID}
        effects = {(f, g): Estimate(own[int(f[1:])], np.full(300, own[int(f[1:])])) for f, g in GRID}
        found = rank_correlation(effects, known, "x")
        covered += found.low <= 0 <= found.high
    assert covered >= 16


def test_rank_correlation_that_cannot_be_had_says_why() -> None:
    some = {GRID[i]: Estimate(float(i), np.full(5, float(i))) for i in range(5)}
    known = {pair: float(i) for i, pair in enumerate(GRID)}
    assert "4 pairs" in rank_correlation(dict(list(some.items())[:3]), known, "x").missing[0]
    assert "vary" in rank_correlation(some, dict.fromkeys(GRID, 1.0), "x").missing[0]
    assert rank_correlation({**some, GRID[6]: absent("gone")}, known, "x").missing == ("gone",)


def normal(value: float, error: float = 1.0) -> Estimate:
    """Draws with exactly this standard deviation."""
    draws = np.random.default_rng(0).normal(size=2000)
    return Estimate(value, value + error * (draws - draws.mean()) / draws.std())


def test_a_cell_that_is_missing_lets_nothing_more_be_claimed() -> None:
    just = normal(2.2)
    assert p_value(just) == pytest.approx(2 * scipy.stats.norm.sf(2.2), rel=1e-4)
    table = {i: normal(0.0) for i in range(5)} | {"x": just}  # type: ignore[dict-item]
    gone = {i: absent("gone") for i in range(5)} | {"x": just}  # type: ignore[dict-item]
    assert verdicts({"x": just})["x"] == "helps"
    assert verdicts(table)["x"] == verdicts(gone)["x"] == "no clear effect"  # type: ignore[index]


@pytest.mark.parametrize("tests", [1, 132, 4750])
def test_one_clear_effect_among_many_is_found(tests: int) -> None:
    table = {i: normal(0.0) for i in range(tests - 1)} | {"x": normal(6.0)}  # type: ignore[dict-item]
    assert verdicts(table)["x"] == "helps"  # type: ignore[index]


def test_all_is_said_of_all_and_mixed_of_both_ways() -> None:
    none = "no clear effect"
    assert kind(["helps", "helps"]) == "helped by all"
    assert kind(["harms"]) == "harmed by all"
    assert kind(["helps", none]) == "helped by some"
    assert kind([none, "harms", none]) == "harmed by some"
    assert kind(["helps", "harms", "harms"]) == "mixed"
    assert kind([none, none]) == kind([]) == none
