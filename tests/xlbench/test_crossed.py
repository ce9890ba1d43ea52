"""The mixed model and predictions, against simulated truths."""

import numpy as np
import pytest

from xlbench.scores import choices, crossed, predict

TRANSFER, TARGETS = [f"f{i}" for i in range(12)], [f"g{i}" for i in range(20)]


def world(seed: int = 0) -> tuple[dict, dict]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    of_f, of_g = rng.normal(0, 1.0, 12), rng.normal(0, 2.0, 20)
    near = rng.uniform(0, 1, (12, 20))
    pairs = [(i, j) for i in range(12) for j in range(20)]
    effects = {
        (TRANSFER[i], TARGETS[j]): 1.0 - 3.0 * near[i, j] + of_f[i] + of_g[j] + rng.normal(0, 0.5)
        for i, j in pairs
    }
    known = {
        "distance": {(TRANSFER[i], TARGETS[j]): near[i, j] for i, j in pairs},
        "seen": {(TRANSFER[i], TARGETS[j]): float(i % 2) for i, j in pairs},
        "twice": {(TRANSFER[i], TARGETS[j]): 2 * near[i, j] for i, j in pairs},
        "always": {(TRANSFER[i], TARGETS[j]): 1.0 for i, j in pairs},
        "partly": {(TRANSFER[0], TARGETS[0]): 1.0},
    }
    return effects, known


def test_a_simulated_truth_comes_back() -> None:
    effects, known = world()
    found = crossed(effects, known)
    terms = {x.name: x for x in found.terms}
    scale = np.std(list(known["distance"].values()))
    assert terms["distance"].number.low <= -3.0 * scale <= terms["distance"].number.high
    assert terms["distance"].number.word == "harms"
    assert terms["seen"].number.word == "no clear effect"
    assert (terms["distance"].varies, terms["seen"].varies) == ("pair", "transfer")
    assert found.deviations["rest"] == pytest.approx(0.5, rel=0.15)
    assert found.deviations["target"] == pytest.approx(2.0, rel=0.5)
    assert found.deviations["transfer"] == pytest.approx(1.0, rel=0.6)
    assert set(found.left_out) == {"twice", "always", "partly"}
    assert "239 pairs" in found.left_out["partly"]


def test_what_varies_with_the_language_is_known_no_better_than_by_language() -> None:
    """20 times as many cells as transfer languages: an interval of cells would be far too narrow."""
    covered = 0
    for seed in range(10):
        effects, known = world(seed)
        (found,) = crossed(effects, {"seen": known["seen"]}).terms
        covered += found.number.low <= 0 <= found.number.high
    assert covered >= 8


def test_too_few_languages_fit_nothing() -> None:
    effects, known = world()
    few = {pair: x for pair, x in effects.items() if pair[0] in TRANSFER[:3]}
    assert crossed(few, known) is None


def test_the_last_predictors_go_where_languages_are_too_few_for_all() -> None:
    effects, known = world()
    few = {pair: x for pair, x in effects.items() if pair[0] in TRANSFER[:4]}
    rng = np.random.default_rng(1)

    def by_language(place: int) -> dict:  # type: ignore[type-arg]
        drawn = {x: rng.normal() for x in (TRANSFER, TARGETS)[place]}
        return {pair: drawn[pair[place]] for pair in few}

    given = {f"transfer {i}": by_language(0) for i in range(4)}
    given |= {"target": by_language(1), "distance": known["distance"]}
    for order in (list(given), list(given)[::-1]):
        found = crossed(few, {x: given[x] for x in order})
        kept = [x for x in order if "transfer" in x][:2]  # 4 languages, a mean, 2 predictors: 1 is left
        assert [x.name for x in found.terms] == [x for x in order if x in kept or "transfer" not in x]
        assert found.left_out == {
            x: "too few transfer languages for one more" for x in given if "transfer" in x and x not in kept
        }
        assert all(np.isfinite([x.number.low, x.number.high]).all() for x in found.terms)


def test_a_prediction_finds_the_nearest_and_beats_the_best_donor() -> None:
    effects, known = world()
    features = {"distance": known["distance"]}

    def ours(measured: dict, target: str, candidates: list) -> dict:  # type: ignore[type-arg]
        return predict.predicted(measured, features, target, candidates)

    found = choices.regret(effects, TARGETS, ours)
    plain = choices.regret(effects, TARGETS, choices.best_donor)
    assert found.mean < plain.mean
    assert found.best > plain.best


def test_a_target_is_predicted_without_its_own_effects() -> None:
    effects, known = world()
    features = {"distance": known["distance"]}
    spoiled = {pair: 1e6 if pair[1] == "g3" else x for pair, x in effects.items()}
    for one, other in zip(
        predict.predicted(effects, features, "g3", TRANSFER).values(),
        predict.predicted(spoiled, features, "g3", TRANSFER).values(),
        strict=True,
    ):
        assert one == pytest.approx(other)


def test_a_rule_without_an_idea_has_no_regret() -> None:
    effects, _ = world()
    assert choices.regret(effects, TARGETS, lambda *_: None) == (None, 0, 0)
    lost = choices.regret({("a", "x"): 1.0, ("b", "x"): 3.0}, ["x"], lambda *_: {"a": 0.0, "b": 0.0})
    assert lost.mean == pytest.approx(1.0), "a rule that cannot choose takes its chances"
