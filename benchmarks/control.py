"""Whether intervals of exact effects with a first-order control variate cover, and how narrow they are.

    python -m benchmarks.control [--matrices 200] [--seeds 3,5] [--further 16]

Simulated matrices of task losses whose true effects are known (6 transfer languages, 8 targets of 100
examples). A seed moves all examples of a run, some more than others; of what it does, a share is linear in
the change of the weights and told by the first order, and the rest is not: the correlation of both, within
a pair, is the world's. The first order sees the same test examples as the exact evaluation. Printed:
coverage in percent of 95% intervals of effects and of donations, without and with the control, and by how
much the latter are narrower.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.metrics.task_loss import TASK_LOSS
from xlbench.probing import Effects, Estimate, Trial, judge, mean
from xlbench_probes.arms import Arm
from xlbench_probes.control_variates import controlled, pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray

DONORS, TARGETS, EXAMPLES, DRAWS = 6, 8, 100, 500


class World(NamedTuple):
    """How a simulation varies; numbers are nats per decision."""

    name: str
    seed: float
    """Standard deviation over seeds of what a run does to a target's mean loss."""
    correlation: float
    """Of exact and first-order effects within a pair."""
    slope: float = 1.0
    """What exact effects do per first-order effect of a run, where seeds differ."""
    uneven: float = 0.0
    """Standard deviation over pairs of the logarithm of that slope."""


WORLDS = (
    World("correlation 0.99", 0.02, 0.99),
    World("correlation 0.9", 0.02, 0.9),
    World("correlation 0.7", 0.02, 0.7),
    World("no correlation", 0.02, 0.0),
    World("slopes of 0.6", 0.02, 0.9, 0.6),
    World("slopes uneven", 0.02, 0.9, 1.0, 0.4),
    World("seeds alike", 0.002, 0.9),
)


class Simulated(NamedTuple):
    """One matrix."""

    truth: NDArray[np.float64]
    """Shape (donors, targets)."""
    effects: Effects
    linear: NDArray[np.float64]
    """First-order effects, shape (donors, targets, seeds and further ones)."""


def simulate(world: World, seeds: int, further: int, rng: np.random.Generator, number: int) -> Simulated:
    """Draw one."""
    truth = rng.normal(0, 0.03, (DONORS, TARGETS))
    truth[: DONORS // 2] = 0
    total = seeds + further
    shared = rng.normal(size=(DONORS, 1, total))
    moves = world.seed * (0.6 * shared + 0.8 * rng.normal(size=(DONORS, TARGETS, total)))
    slopes = world.slope * np.exp(world.uneven * rng.normal(size=(DONORS, TARGETS)))
    r = world.correlation
    rest = world.seed * rng.normal(size=(DONORS, TARGETS, total))
    before, trials = {}, []
    linear = np.zeros((DONORS, TARGETS, total))
    for g in range(TARGETS):
        loss = np.exp(rng.normal(-0.5, 0.8, EXAMPLES))
        ones = np.ones(EXAMPLES)
        before[f"g{g}"] = np.stack([loss, ones], axis=1)
        for f in range(DONORS):
            reacts = 1 + 0.5 * rng.normal(size=EXAMPLES)
            own = truth[f, g] + 0.1 * rng.normal(size=EXAMPLES)
            linear[f, g] = truth[f, g] + moves[f, g] * reacts.mean()
            for s in range(seeds):
                noise = 0.05 * rng.normal(size=EXAMPLES)
                moved = slopes[f, g] * (r * moves[f, g, s] + (1 - r * r) ** 0.5 * rest[f, g, s])
                after = loss - own - moved * reacts - noise
                counts = np.stack([after, ones], axis=1)
                trials.append(Trial(Arm(f"f{f}", 1), s, f"g{g}", counts))
    effects = Effects(f"control {number}", TASK_LOSS, before, trials, DRAWS)
    return Simulated(truth, effects, linear)


def measure(world: World, seeds: int, further: int, matrices: int) -> list[str]:
    """One row: coverage of effects and donations, both ways, and by how much intervals are narrower."""
    covered: dict[str, list[bool]] = {x: [] for x in ("e", "e+", "d", "d+")}
    ratios: dict[str, list[float]] = {"e": [], "d": []}
    for i in range(matrices):
        rng = np.random.default_rng([i, seeds, WORLDS.index(world)])
        one = simulate(world, seeds, further, rng, i)
        pairs = [(f, g) for f in range(DONORS) for g in range(TARGETS)]
        arms = [Arm(f"f{f}", 1) for f in range(DONORS)]
        exact = [one.effects.by_seed(arms[f], f"g{g}") for f, g in pairs]
        slope = pooled(exact, [one.linear[f, g, :seeds] for f, g in pairs], DONORS)
        plain: dict[tuple[int, int], Estimate] = {}
        better: dict[tuple[int, int], Estimate] = {}
        for f, g in pairs:
            plain[f, g] = one.effects.effect(arms[f], f"g{g}")
            values = dict(enumerate(one.linear[f, g]))
            mine = {s: x for s, x in values.items() if s < seeds}
            rest = {s: x for s, x in values.items() if s >= seeds}
            better[f, g] = (
                plain[f, g] if slope is None else controlled(plain[f, g], mine, rest, slope.value, f"f{f}")
            )
        for key, some in (("e", plain), ("e+", better)):
            for (f, g), x in judge(some).items():
                covered[key].append(_inside(x.number.low, x.number.high, one.truth[f, g]))
        for key, some in (("d", plain), ("d+", better)):
            means = {f: mean(some[f, g] for g in range(TARGETS)) for f in range(DONORS)}
            for f, x in judge(means).items():
                covered[key].append(_inside(x.number.low, x.number.high, one.truth[f].mean()))
        for key, a, b in (("e", plain, better),):
            ratios[key] += [_width(b[p]) / _width(a[p]) for p in pairs if _width(a[p])]
        ratios["d"] += [
            _width(mean(better[f, g] for g in range(TARGETS)))
            / _width(mean(plain[f, g] for g in range(TARGETS)))
            for f in range(DONORS)
        ]
    return [
        world.name,
        str(seeds),
        *(f"{100 * np.mean(covered[x]):.1f}" for x in ("e", "e+", "d", "d+")),
        *(f"{100 * (1 - np.median(ratios[x])):.0f}" for x in ("e", "d")),
    ]


def _inside(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


def _width(one: Estimate) -> float:
    number = one.number()
    return 0.0 if number.low is None or number.high is None else number.high - number.low


HEADS = (
    "world", "seeds", "effects", "with control", "donations", "with control", "effects narrower, %",
    "donations narrower, %",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--matrices", type=int, default=200)
    parser.add_argument("--seeds", default="3,5")
    parser.add_argument("--further", type=int, default=16)
    given = parser.parse_args()
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}", flush=True)
    for world in WORLDS:
        for seeds in map(int, given.seeds.split(",")):
            row = measure(world, seeds, given.further, given.matrices)
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
