"""Predictions for targets that were not measured, and the guarantee of their shortlists and intervals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench.scores import choices
from xlbench.scores.predict import Predictor, additive, predicted
from xlbench.scores.shortlist import ENOUGH, HOLD, _enough, _reach, checked, shortlisted

SOURCES = [f"s{i}" for i in range(7)]


def world(targets: int, seed: int = 0, kin: float = 1.0) -> tuple[dict, dict, dict]:  # type: ignore[type-arg]
    """Effects: level + quality - kin x distance + noise; the distance of each pair; and between targets."""
    rng = np.random.default_rng(seed)
    names = [f"g{i}" for i in range(targets)]
    at = {x: rng.normal() for x in (*SOURCES, *names)}
    level, quality = ({x: rng.normal() for x in some} for some in (names, SOURCES))
    far = {(a, b): abs(at[a] - at[b]) for a, b in itertools.product(at, at)}
    effects = {
        (f, g): level[g] + quality[f] - kin * far[f, g] + rng.normal(0, 0.1) for f in SOURCES for g in names
    }
    return effects, {"distance": {pair: far[pair] for pair in effects}}, far


def test_the_additive_model_is_least_squares_where_nothing_is_to_be_shrunk() -> None:
    rng = np.random.default_rng(0)
    y = 50 + 9 * rng.normal(size=(1, 8)) + 5 * rng.normal(size=(6, 1)) + 0.01 * rng.normal(size=(6, 8))
    y[rng.random(y.shape) < 0.3] = np.nan
    rows, columns = np.nonzero(np.isfinite(y))
    design = np.zeros((len(rows), 14))
    design[np.arange(len(rows)), rows] = design[np.arange(len(rows)), 6 + columns] = 1
    fitted = np.linalg.lstsq(design, y[rows, columns], rcond=None)[0]
    quality, level = additive(y)
    assert quality == pytest.approx(fitted[:6] - fitted[:6].mean(), abs=0.02)
    assert level == pytest.approx(fitted[6:] + fitted[:6].mean(), abs=0.02)


def test_qualities_without_a_pattern_are_shrunk() -> None:
    y = np.random.default_rng(1).normal(size=(8, 5))
    quality, _ = additive(y)
    centred = y - y.mean(axis=0)
    assert np.abs(quality).max() < 0.5 * np.abs(centred.mean(axis=1)).max()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(-1e3, 1e3))
def test_nothing_of_a_target_itself_is_read(seed: int, spoiled: float) -> None:
    effects, features, far = world(5, seed)
    effects |= {("g2", g): 1.0 for g in ("g0", "g1", "g3")} | {("g2+s0", "g1"): 2.0, ("s1+s2", "g1"): 0.5}
    own = {
        pair: spoiled if pair[1] == "g2" or "g2" in pair[0].split("+") else x for pair, x in effects.items()
    }
    one, other = (Predictor(x, features, far).of("g2").order for x in (effects, own))
    assert one == other
    assert not {"g2", "g2+s0"} & set(one), "nor is it a source of its own"


def test_a_source_is_neither_helped_nor_harmed_by_a_distance_that_nobody_knows() -> None:
    effects, features, far = world(8, kin=2.0)
    effects |= {("twin", g): x for (f, g), x in effects.items() if f == "s0"}
    known = predicted(effects, features, "g3", [*SOURCES, "twin"], far)
    nobody = predicted(effects, {}, "g3", [*SOURCES, "twin"])
    assert nobody["twin"] == pytest.approx(nobody["s0"])
    between = [x for f, x in known.items() if f != "s0"]
    assert min(between) <= known["twin"] <= max(between)
    assert known["s0"] - known["twin"] == pytest.approx(
        2 * (np.mean([far[f, "g3"] for f in SOURCES]) - far["s0", "g3"]), abs=0.8
    )


def test_a_target_of_which_a_fact_is_not_known_has_the_mean_level() -> None:
    names = [f"g{i}" for i in range(10)]
    size = {g: 10.0 + i % 2 for i, g in enumerate(names)}
    effects = {(f, g): 50 * (size[g] - 10) + i for i, f in enumerate(SOURCES) for g in names}
    features = {"lines": {(f, g): size[g] for f, g in effects}}
    for own, level in ((None, 25), (10.0, 0), (11.0, 50)):
        more = {} if own is None else {(f, "new"): own for f in SOURCES}
        found = predicted(effects, {"lines": features["lines"] | more}, "new", SOURCES)
        assert np.mean(list(found.values())) == pytest.approx(level + 3, abs=3)


def test_the_prediction_beats_the_best_donor_where_kin_matters_and_equals_it_where_not() -> None:
    for kin, least in ((2.0, 0.2), (0.0, -0.02)):
        effects, features, far = world(14, 3, kin)
        predictor = Predictor(effects, features, far)
        targets = list(predictor.left_out)
        ours = choices.regret(
            effects, targets, lambda _, g, c, p=predictor: {f: p.left_out[g].order[f] for f in c}
        )
        plain = choices.regret(effects, targets, choices.best_donor)
        assert plain.mean - ours.mean > least


def test_a_donor_that_is_an_easy_target_itself_is_compared_fairly() -> None:
    levels = {"a": 80.0, "b": 20.0, "c": 20.0}
    effects = {(f, g): levels[g] + (f == "a") for f in "abc" for g in "abc" if f != g} | {
        (f, "x"): 0.0 for f in "abc"
    }
    plain, fair = (rule(effects, "x", list("abc")) for rule in (choices.best_donor, choices.centred_donor))
    assert plain is not None
    assert fair is not None
    assert max(plain, key=plain.__getitem__) != "a", "it was not measured on the target that all do well on"
    assert max(fair, key=fair.__getitem__) == "a"


@pytest.mark.parametrize(
    ("best", "value", "close"), [(80, 76, True), (80, 75.9, False), (-2, -2.2, False), (0, 0, True)]
)
def test_close_is_within_a_twentieth_of_the_best(best: float, value: float, close: bool) -> None:
    assert choices.is_close(value, best) is close


def test_below_nine_targets_nothing_is_promised() -> None:
    assert ENOUGH == 9
    for n in (8, 9):
        effects, features, far = world(n)
        predictor = Predictor(effects, features, far, [(f, "new") for f in SOURCES])
        found = shortlisted(effects, predictor, "new", SOURCES)
        assert found.is_sure is (n >= 9)
        assert (len(found.listed) == len(SOURCES)) or n >= 9
    gaps = {str(i): float(i) for i in range(19)}
    assert _enough(gaps) == 17, "the 18th of 19: 0.9 of 20"


def test_the_promise_holds_for_targets_alike_at_every_number_of_them() -> None:
    rng = np.random.default_rng(5)
    for n in (9, 12, 30):
        draws = rng.exponential(size=(4000, n + 1))
        held = [x[-1] <= _enough({str(i): v for i, v in enumerate(x[:-1])}) for x in draws]
        assert HOLD - 0.015 <= np.mean(held) <= HOLD + 1 / (n + 1) + 0.015
        spread = rng.exponential(size=(1500, n + 1, 1)) * np.abs(rng.normal(size=(1500, n + 1, 6)))
        covered = [np.mean(x[-1] <= _reach({str(i): v for i, v in enumerate(x[:-1])})) for x in spread]
        assert np.mean(covered) >= HOLD - 0.015, "pairs of one target go together"


@pytest.mark.slow
def test_shortlists_of_new_targets_hold_nine_times_in_ten() -> None:
    held, inside = [], []
    for seed in range(80):
        effects, features, far = world(15, seed)
        new = {pair: x for pair, x in effects.items() if pair[1] in ("g13", "g14")}
        rest = {pair: x for pair, x in effects.items() if pair not in new}
        predictor = Predictor(rest, features, far, list(new))
        for g in ("g13", "g14"):
            own = choices.own_effects(new, g)
            found = shortlisted(rest, predictor, g, list(own))
            held.append(any(choices.is_close(own[f], max(own.values())) for f in found.listed))
            inside.append(np.mean([abs(own[f] - x) <= found.reach for f, x in found.predicted.items()]))
    assert np.mean(held) >= 0.85
    assert np.mean(inside) >= 0.85


def test_measured_targets_check_the_promise() -> None:
    effects, features, far = world(12)
    found = checked(effects, Predictor(effects, features, far))
    assert found.targets == 12
    assert found.held >= 10
    assert 1 <= found.size < len(SOURCES)
    assert found.error < np.std(list(effects.values()))
