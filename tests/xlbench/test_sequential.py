"""Sequential tests: their level under stopping, and what more seeds can and cannot do."""

import numpy as np
import pytest
from scipy.stats import norm

from xlbench.metrics import accuracy
from xlbench.scores import Course, Effects, Estimate, Trial, follow
from xlbench.scores.sequential import crossing
from xlbench_probes.arms import Arm

DRAWS = 400
UNIT = np.random.default_rng(1).normal(size=DRAWS)
UNIT = (UNIT - UNIT.mean()) / UNIT.std()


def course(runs: list[float], examples: float, key: str) -> Course:
    """Estimates after each seed of runs with these values, whose test examples have this standard error."""
    found = []
    for n in range(1, len(runs) + 1):
        some = np.array(runs[:n])
        seeds = {f"{key} {n}": some - some.mean()} if n > 1 else {}
        found.append(Estimate(float(some.mean()), examples * UNIT, seeds=seeds))
    return Course(tuple(found))


@pytest.mark.parametrize("shares", [(), (0.5,), (0.3, 0.6, 0.9), (0.97, 0.99)])
@pytest.mark.parametrize("height", [1.5, 2.2])
def test_crossing_is_a_close_upper_bound(shares: tuple[float, ...], height: float) -> None:
    rng = np.random.default_rng(3)
    times = np.array([0, *shares, 1.0])
    paths = np.cumsum(rng.normal(0, np.sqrt(np.diff(times)), (400_000, len(times) - 1)), axis=1)
    simulated = (np.abs(paths) >= height).any(axis=1).mean()
    end = 2 * norm.sf(height)
    assert crossing(height, shares) >= simulated - 4 * np.sqrt(simulated / 400_000)
    assert crossing(height, shares) <= min(2 * end, 1.35 * simulated)


def test_no_more_false_claims_than_asked_for_whenever_one_stops() -> None:
    rng = np.random.default_rng(7)
    worlds, cells, seeds, false = 60, 10, 4, 0
    for _ in range(worlds):
        runs = rng.normal(0, 1, (cells, 1)) + rng.normal(0, 1.5, (cells, seeds))
        # The p-value is the lowest of all looks, so a claim at any of them is one here.
        found = follow({i: course(list(x), 1.0, str(i)) for i, x in enumerate(runs)}, seeds)
        false += any(one.word != "no clear effect" for one in found.values())
    assert false / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_one_seed_claims_nothing_and_a_claim_stays() -> None:
    rng = np.random.default_rng(2)
    runs = {i: 20.0 * (i == 0) + rng.normal(0, 0.5, 6) for i in range(10)}
    words = []
    for n in range(1, 7):
        found = follow({i: course(list(x[:n]), 1.0, str(i)) for i, x in runs.items()}, 6)
        words.append(found[0].word)
        assert all(found[i].word == "no clear effect" for i in range(1, 10))
    assert words == ["no clear effect", *["helps"] * 5]
    assert found[0].chance == 1


def test_seeds_do_not_settle_what_test_examples_leave_open() -> None:
    certain = {i: course([1.0, 1.01, 0.99], 1.0, str(i)) for i in range(10)}
    assert all(x.chance == pytest.approx(0, abs=1e-6) for x in follow(certain, 10).values())
    apart = {i: course([6.0 + i % 3, -1.0, 5.0], 1.0, str(i)) for i in range(10)}
    assert all(0.1 < x.chance < 1 for x in follow(apart, 10).values())


def test_what_ended_earlier_changes_nothing_when_others_go_on() -> None:
    rng = np.random.default_rng(5)
    runs = {i: rng.normal(1, 2, 6) for i in range(8)}
    before = follow({i: course(list(x[:2]), 1.0, str(i)) for i, x in runs.items()}, 6)
    later = {i: course(list(x[: 6 if i < 3 else 2]), 1.0, str(i)) for i, x in runs.items()}
    after = follow(later, 6)
    assert all(after[i].p == before[i].p for i in range(3, 8))
    assert all(after[i].p <= before[i].p for i in range(3))
    reversed_ = follow(dict(reversed(later.items())), 6)
    assert all(reversed_[i].p == pytest.approx(after[i].p) for i in later)


def test_targets_may_have_different_seeds_and_one_seed_borrows_its_spread() -> None:
    rng = np.random.default_rng(4)
    counts = {
        g: [np.stack([rng.random(80) < 0.5, np.ones(80)], axis=1).astype(np.int32) for _ in range(4)]
        for g in ("fin", "est", "hun")
    }
    arm, before = Arm("deu", 1), {g: x[3] for g, x in counts.items()}
    seeds = {"fin": 3, "est": 2, "hun": 1}
    trials = [Trial(arm, s, g, counts[g][s]) for g, n in seeds.items() for s in range(n)]
    uneven = Effects("pos", accuracy(), before, trials, alike=lambda _: 0)
    assert {g: uneven.count(arm, g) for g in seeds} == seeds
    alone = Effects("pos", accuracy(), before, [x for x in trials if x.target == "est"])

    def variance(effects: Effects, target: str) -> float:
        (own,) = effects.effect(arm, target).seeds.values()
        return float(own @ own) / (len(own) * (len(own) - 1))

    assert uneven.effect(arm, "est").value == alone.effect(arm, "est").value
    assert variance(uneven, "est") == pytest.approx(variance(alone, "est"))
    runs = [seeds[g] * variance(uneven, g) for g in ("fin", "est")]
    assert variance(uneven, "hun") == pytest.approx(np.mean(runs))
    assert Effects("pos", accuracy(), before, trials).effect(arm, "hun").value is None
