"""Scores of resampled examples: metrics that are functions of sums, and those that are not."""

import itertools
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import f1_score, matthews_corrcoef
from synthetic import ACCURACY, F1

from xlbench.contracts import Cell, Counts, Evaluation, Job, Metric, OfExamples
from xlbench.errors import JobError, ResultsError
from xlbench.metrics import by_rows, macro_f1, matthews, precision_at_1, score_of, spearman
from xlbench.metrics.counting import counted, scored
from xlbench.metrics.scoring import scores_of
from xlbench.results import Store
from xlbench.scores import Effects, Trial, bootstrap, judge, rank
from xlbench.scores.bootstrap import generator, swaps, weights
from xlbench.spec.fields import fault
from xlbench_probes.arms import Arm

Floats = NDArray[np.float64]
LABELS = ("a", "b", "c")
TARGETS, ARMS, SEEDS, ADAPTERS = ("qaa", "qab"), (Arm("f", 1), Arm("g", 10)), (0, 1, 7), (0, 1)


def by_examples(metric: Metric) -> Metric:
    """The same metric of sums, given as one of examples."""
    assert not isinstance(metric.score, OfExamples)
    score = metric.score
    return replace(metric, score=OfExamples(lambda statistics, times: score(times @ statistics)))


def study(make: Callable[[np.random.Generator, float], Counts]) -> tuple[dict[str, Any], list[Trial]]:
    """Baselines and trials of two targets, two arms, three seeds and two task adapters."""
    rng = np.random.default_rng(3)
    before = {g: {a: make(rng, 0.5) for a in ADAPTERS} for g in TARGETS}
    trials = [
        Trial(arm, seed, g, make(rng, 0.55), adapter=a)
        for arm, seed, g, a in itertools.product(ARMS, SEEDS, TARGETS, ADAPTERS)
    ]
    return before, trials


def words(columns: int) -> Callable[[np.random.Generator, float], Counts]:
    def make(rng: np.random.Generator, rate: float) -> Counts:
        sizes = rng.integers(1, 9, (40, columns))
        return np.concatenate([rng.binomial(sizes[:, :1], rate), sizes], axis=1).astype(np.int32)

    return make


def ratings(rng: np.random.Generator, rate: float) -> Counts:
    """Gold numbers with ties, and predictions that follow them."""
    gold = np.random.default_rng(0).integers(0, 6, 30).astype(np.float64)
    return np.stack([gold, (rate * gold + rng.normal(size=30)).round(1)], axis=1)


@pytest.mark.parametrize(("metric", "columns"), [(ACCURACY, 1), (F1, 2)])
@pytest.mark.parametrize("parallel", [False, True])
def test_a_score_of_sums_given_as_one_of_examples_has_the_very_same_numbers(
    metric: Metric, columns: int, parallel: bool
) -> None:
    data = study(words(columns))
    fast, slow = (
        Effects("pos", one, *data, draws=300, parallel=parallel) for one in (metric, by_examples(metric))
    )
    effects = [{(arm, g): x.effect(arm, g) for arm in ARMS for g in TARGETS} for x in (fast, slow)]
    for key, one in effects[0].items():
        other = effects[1][key]
        assert one.value == other.value
        for name in ("draws", "null", "overlap"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for parts in ("seeds", "crossed"):
            ours, theirs = getattr(one, parts), getattr(other, parts)
            assert ours.keys() == theirs.keys()
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name])
        assert np.ptp(one.null) > 0
    assert judge(effects[0]) == judge(effects[1])
    assert [fast.zero_shot(g) for g in TARGETS] == [slow.zero_shot(g) for g in TARGETS]


pairs = st.lists(
    st.tuples(st.integers(-3, 3).map(float), st.floats(-5, 5).map(lambda x: round(x, 1)), st.integers(0, 3)),
    min_size=2, max_size=25,
)  # fmt: skip


@given(pairs)
def test_spearman_of_resampled_examples_is_that_of_scipy(rows: list[tuple[float, float, int]]) -> None:
    statistics, times = np.array([x[:2] for x in rows]), np.array([x[2] for x in rows])
    drawn = np.repeat(statistics, times, axis=0)
    (found,) = scores_of(spearman().score, statistics, times[None])
    if len(drawn) < 2 or not np.ptp(drawn, axis=0).all():
        assert found == 0
    else:
        assert found == pytest.approx(100 * spearmanr(*drawn.T).statistic, abs=1e-9)


def test_draws_and_swaps_of_spearman_against_plain_loops_over_examples() -> None:
    draws, n = 20, 30
    before, trials = study(ratings)
    effects = Effects("similar", spearman(), before, trials, draws=draws)
    arm, target = ARMS[1], TARGETS[0]
    runs = {x.run: x.counts for x in trials if (x.arm, x.target) == (arm, target)}
    ((_, examples),) = weights(n, draws, generator("examples", "similar", target, n))
    ((_, swapped),) = swaps(n, draws, generator("swaps", "similar", target, n))
    found = effects.effect(arm, target)
    assert found.draws is not None
    assert found.null is not None

    def theirs(rows: Any) -> float:
        return 100 * float(spearmanr(rows[:, 0], rows[:, 1]).statistic)

    for i in range(draws):
        rows = np.repeat(np.arange(n), examples[i].astype(int))
        drawn = [theirs(x[rows]) - theirs(before[target][a][rows]) for (_, a), x in runs.items()]
        assert found.draws[i] == pytest.approx(np.mean(drawn), abs=1e-9)
        turned = []
        for (_, a), after in runs.items():
            where = swapped[i][:, None] == 1
            one, other = (
                np.where(where, x, y) for x, y in ((before[target][a], after), (after, before[target][a]))
            )
            turned.append(theirs(one) - theirs(other))
        assert found.null[i] == pytest.approx(np.mean(turned), abs=1e-9)


def test_any_function_of_a_set_of_examples_can_be_a_score() -> None:
    rng = np.random.default_rng(0)
    statistics = ratings(rng, 0.5)
    times = rng.multinomial(30, [1 / 30] * 30, 5)
    score = OfExamples(by_rows(_kendall))
    expected = [_kendall(np.repeat(statistics, own, axis=0)) for own in times]
    np.testing.assert_allclose(scores_of(score, statistics, times), expected)
    assert float(score_of(score, statistics)) == pytest.approx(_kendall(statistics))
    again = pickle.loads(pickle.dumps(score))
    np.testing.assert_array_equal(scores_of(again, statistics, times), expected)


def _kendall(rows: Floats) -> float:
    return 100 * float(kendalltau(rows[:, 0], rows[:, 1]).statistic)


def test_a_mean_of_floats_for_each_example_is_resampled() -> None:
    """A metric of one float per example and how many there are, against means of resampled rows."""
    mean = Metric(
        "closeness", ("closeness", "examples"), lambda gold, said: (float(said), 1),
        lambda sums: np.divide(100 * sums[..., 0], sums[..., 1]), counts="real",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    shares = {"before": rng.random(50), "after": rng.random(50) ** 0.5}
    counts = {k: counted(mean, [None] * 50, x, "here") for k, x in shares.items()}
    effects = Effects(
        "near", mean, {"qaa": counts["before"]}, [Trial(ARMS[0], 0, "qaa", counts["after"])], draws=400
    )
    found = effects.effect(ARMS[0], "qaa")
    apart = 100 * (shares["after"] - shares["before"])
    assert found.value == pytest.approx(apart.mean())
    ((_, times),) = weights(50, 400, generator("examples", "near", "qaa", 50))
    np.testing.assert_allclose(found.draws, times @ apart / 50)


@given(
    st.lists(
        st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None]), st.integers(0, 2)),
        min_size=1, max_size=15,
    )
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_macro_f1_and_matthews_are_those_of_sklearn(rows: list[tuple[str, str | None, int]]) -> None:
    gold, said, times = zip(*rows, strict=True)
    drawn = [(x, y or "cut off") for x, y, t in rows for _ in range(t)]
    if not drawn:
        return
    true, guessed = zip(*drawn, strict=True)
    f1 = f1_score(
        true, guessed, average="macro", zero_division=0, labels=sorted({*true, *guessed} & {*LABELS})
    )
    expected = {macro_f1(LABELS): f1, matthews(LABELS): matthews_corrcoef(true, guessed)}
    for metric, theirs in expected.items():
        counts = counted(metric, [(x,) for x in gold], [(x,) for x in said], "here")
        assert scores_of(metric.score, counts, np.array([times]))[0] == pytest.approx(100 * theirs, abs=1e-9)
        scored(metric, counts, "here")


def test_metrics_of_a_set_of_labels_can_be_pickled_and_refuse_other_labels() -> None:
    for metric in (macro_f1(LABELS), matthews(LABELS), spearman(), precision_at_1()):
        assert pickle.loads(pickle.dumps(metric)).columns == metric.columns
    with pytest.raises(JobError, match=r"here, example 1: macro F1 cannot be counted: KeyError: 'd'"):
        counted(macro_f1(LABELS), [("d",)], [("a",)], "here")


def test_precision_at_1_is_the_share_of_queries_whose_first_is_right() -> None:
    counts = counted(precision_at_1(), [(3,), (4,), (5,), (5,)], [(3,), (5,), (5,), (None,)], "here")
    assert scored(precision_at_1(), counts, "here") == 50


def test_what_is_stored_of_spearman_is_scored_again_when_it_is_read(tmp_path: Path) -> None:
    store, cell = Store(tmp_path), Cell("similar", "qaa", "made")
    store.prepare()
    job = Job("zero-shot", 1, {"model": "m"}, (cell,), "zero-shot")
    counts = counted(spearman(), [(x,) for x in (1, 2, 3, 3)], [(x,) for x in (0.1, 0.3, 0.2, 0.9)], "here")
    store.write(job, [Evaluation(cell, counts)], {}, {"similar": spearman()})
    frame, damaged = store.frame(None, {"similar": spearman()})
    assert not damaged
    expected = 100 * spearmanr([1, 2, 3, 3], [0.1, 0.3, 0.2, 0.9]).statistic
    assert frame["score"][0] == pytest.approx(expected)
    kendall = replace(spearman(), name="Kendall", score=OfExamples(by_rows(_kendall)))
    with pytest.raises(ResultsError, match="the metric 'Kendall' makes"):
        store.frame(None, {"similar": kendall})


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (lambda statistics, times: np.float64(3), "scores of shape ()"),
        (lambda statistics, times: np.full(len(statistics), 3.0), "scores of shape (4,)"),
        (lambda statistics, times: np.full(len(times), np.nan), "is nan; a score is a finite number"),
        (lambda statistics, times: np.full(len(times), 101.0), "is 101, outside the range"),
        (lambda statistics, times: times[0, 9], "cannot be scored: IndexError"),
        (lambda statistics, times: np.where(times.max(axis=1) > 3, 200.0, 1.0), "of example 1 alone is 200"),
    ],
)
def test_a_score_of_examples_that_is_none_is_named(scores: Any, said: str) -> None:
    counts = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 7.0]])
    with pytest.raises(JobError) as error:
        scored(replace(spearman(), score=OfExamples(scores), lowest=0), counts, "here")
    assert str(error.value).startswith("here: Spearman correlation")
    assert said in str(error.value)


def test_a_metric_whose_score_is_neither_is_refused_when_it_is_registered() -> None:
    assert not fault(spearman(), Metric)
    assert "score" in fault(replace(ACCURACY, score=5), Metric)  # type: ignore[arg-type]
    assert "score" in fault(replace(ACCURACY, score=OfExamples("mean")), Metric)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.0, 0.6, 0.9])
def test_intervals_of_spearman_cover_the_truth(strength: float) -> None:
    """1,000 samples of 200 pairs of a normal distribution with this correlation, and of an effect of 0."""
    rng = np.random.default_rng(7)
    truth = 100 * 6 / np.pi * np.arcsin(strength / 2)  # Pearson (1907), of two normal variables
    covered = claimed = 0
    for _ in range(1000):
        gold = rng.normal(size=200)
        one, other = (
            np.stack([gold, strength * gold + (1 - strength**2) ** 0.5 * rng.normal(size=200)], axis=1)
            for _ in range(2)
        )
        effects = Effects("similar", spearman(), {"qaa": one}, [Trial(ARMS[0], 0, "qaa", other)], draws=300)
        score, effect = effects.zero_shot("qaa"), effects.effect(ARMS[0], "qaa").number()
        assert score.low is not None
        assert score.high is not None
        assert effect.low is not None
        assert effect.high is not None
        covered += score.low <= truth <= score.high
        claimed += not effect.low <= 0 <= effect.high
    assert 925 <= covered <= 975
    assert 25 <= claimed <= 75


# Many runs and many draws


@pytest.mark.parametrize("draws_at_once", [1, 7])
def test_draws_in_small_blocks_are_the_very_same(draws_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, trials = study(words(1))

    def numbers() -> list[list[float]]:
        effects = Effects("pos", ACCURACY, before, trials, draws=60)
        each = [effects.effect(arm, g) for arm in ARMS for g in TARGETS]
        return [[x.value, *x.resampled(), *x.null] for x in each]

    whole = numbers()
    runs = len(ADAPTERS) * (1 + len(ARMS) * len(SEEDS))
    monkeypatch.setattr(bootstrap, "_NUMBERS", 2 * runs * draws_at_once)
    assert numbers() == whole


def test_blocks_hold_no_more_numbers_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_NUMBERS", 100)
    found = list(bootstrap.narrow(weights(5, 50, generator("x")), 30))
    assert [rows for rows, _ in found] == [slice(i, min(i + 3, 50)) for i in range(0, 50, 3)]
    assert all(30 * len(block) <= 100 for _, block in found)


ties = st.integers(-3, 3).map(float)


@given(
    st.integers(2, 8).flatmap(
        lambda n: st.lists(
            st.tuples(*[st.lists(x, min_size=n, max_size=n) for x in (ties, ties, st.integers(0, 3))]),
            min_size=1, max_size=4,
        )
    )
)  # fmt: skip
def test_rank_correlations_of_draws_are_those_of_scipy(rows: list[tuple[list[float], ...]]) -> None:
    effects, times = (np.array([x[i] for x in rows]) for i in (0, 2))
    known = np.array(rows[0][1])
    found = rank._weighted(effects, known, times.astype(float))
    for one, own, value in zip(effects, times, found, strict=True):
        drawn = np.repeat(np.arange(len(own)), own)
        a, b = one[drawn], known[drawn]
        if len(drawn) < rank.FEWEST or len(set(a)) < 2 or len(set(b)) < 2:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
