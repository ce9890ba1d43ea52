"""Whether intervals cover and claims hold, on simulated matrices whose true effects are known.

    python -m benchmarks.calibration [--matrices 1000] [--seeds 1,3,10] [--examples 200]

Each matrix has transfer languages, targets and seeds as a study has. Whether an example is right is a
draw with probabilities of its own: examples differ in difficulty; a transfer language changes each by its
true effect on the target; a seed moves all examples of a run together; and each example of each run has a
share that is redrawn. Where rows are parallel, the same row of two targets is alike. Task adapters differ,
with and without fine-tuning alike, and in how they fit each transfer language's runs. The truth is what
infinitely many seeds, task adapters and examples would give. Half of the transfer languages have no true
effect at all. Printed: coverage of 95% intervals for effects, donations, recipiences and differences of two
donations, and the share of claims that are false, of the single effects and of the donations.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from xlbench.metrics import accuracy
from xlbench.scores import Effects, Estimate, Trial, difference, judge, mean
from xlbench_probes.arms import Arm, donation, recipience

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Metric

TRANSFER, TARGETS, STEPS, DRAWS = 8, 10, 1, 500
DIFFICULTY, EASE = 1.0, 0.3
"""Standard deviation and mean of the latent ease of an example, in units of the noise that decides it."""


class World(NamedTuple):
    """How a simulation varies, all in latent units."""

    name: str
    seed: float
    """Standard deviation over seeds of what a run adds to all its examples, in a target."""
    common: float
    """The same, in all targets of a run alike."""
    uneven: float
    """Standard deviation over transfer languages of the logarithm of both."""
    redrawn: float
    """Share of an example's noise that is redrawn in each run (0: a run without effect changes nothing)."""
    reaction: float = 0.0
    """Standard deviation over examples of what a transfer language does to each beyond its mean effect, in
    all its runs alike."""
    correlation: float = 0.0
    """Between the same rows of two targets, of ease, noise and reaction."""
    parallel: bool = False
    """Whether rows are drawn together."""
    adapter: float = 0.0
    """Standard deviation over task adapters of what one adds to a target's examples, fine-tuned or not."""
    fits: float = 0.0
    """The same, of what it adds to each run of a transfer language, in all targets alike."""
    adapters: int = 1
    """Task adapters, each with every seed."""
    retrained: bool = False
    """Whether the same runs are read a second time, with adapters that fit them in their own way."""
    uneven_fits: float = 0.0
    """Standard deviation over targets of the logarithm of `fits`."""
    together: bool = False
    """Whether an adapter adds to the runs of all transfer languages alike, in each target on its own, instead
    of to those of one transfer language in all targets alike."""


WORLDS = (
    World("seeds alike", 0.0, 0.0, 0.0, 0.1),
    World("seeds alike, noisy runs", 0.0, 0.0, 0.0, 0.5),
    World("seeds apart a little", 0.03, 0.02, 0.0, 0.1),
    World("seeds apart", 0.15, 0.10, 0.0, 0.1),
    World("seeds apart, noisy runs", 0.15, 0.10, 0.0, 0.5),
    World("seeds apart unevenly", 0.10, 0.05, 0.7, 0.1),
    World("parallel rows, correlation 0", 0.03, 0.02, 0.0, 0.1, 0.7, 0.0, True),
    World("parallel rows, correlation 0.3", 0.03, 0.02, 0.0, 0.1, 0.7, 0.3, True),
    World("parallel rows, correlation 0.6", 0.03, 0.02, 0.0, 0.1, 0.7, 0.6, True),
    World("one task adapter of many", 0.05, 0.03, 0.0, 0.1, 0.0, 0.0, False, 0.15, 0.08),
    World("three task adapters of many", 0.05, 0.03, 0.0, 0.1, 0.0, 0.0, False, 0.15, 0.08, 3),
    World("adapters apart, correlation 0.3", 0.05, 0.03, 0.0, 0.1, 0.7, 0.3, True, 0.15, 0.08, 3),
    World("adapters apart, correlation 0.6", 0.05, 0.03, 0.0, 0.1, 0.7, 0.6, True, 0.15, 0.08, 3),
    World("two readings, correlation 0", 0.05, 0.03, 0.0, 0.1, 0.7, 0.0, True, 0.15, 0.08, 3, True),
    World("two readings, correlation 0.3", 0.05, 0.03, 0.0, 0.1, 0.7, 0.3, True, 0.15, 0.08, 3, True),
    World("two readings, correlation 0.6", 0.05, 0.03, 0.0, 0.1, 0.7, 0.6, True, 0.15, 0.08, 3, True),
    World("targets uneven", 0.05, 0.03, 0.0, 0.1, 0.0, 0.0, False, 0.15, 0.05, 3, False, 1.2),
    World(
        "targets uneven, texts alike", 0.05, 0.03, 0.0, 0.1, 0.0, 0.0, False, 0.15, 0.05, 3, False, 1.2, True
    ),
)


class Simulated(NamedTuple):
    """One matrix."""

    truth: NDArray[np.float64]
    """True effects in points, shape (transfer, targets)."""
    before: dict[str, dict[int, NDArray[np.int32]]]
    """Baselines by task adapter."""
    trials: list[Trial]
    gains: NDArray[np.float64]
    """True gains, alike; 0 where runs are read once."""
    retrained: list[Trial]


def simulate(world: World, seeds: int, examples: int, rng: np.random.Generator) -> Simulated:
    """Draw one."""
    truth = rng.normal(0, 3.0, (TRANSFER, TARGETS))
    truth[: TRANSFER // 2] = 0
    base = ndtr(EASE / np.sqrt(1 + DIFFICULTY**2 + world.adapter**2))
    scale = np.exp(world.uneven * rng.normal(size=(TRANSFER, 1)))
    wide = np.exp(world.uneven_fits * rng.normal(size=TARGETS)) if world.uneven_fits else np.ones(TARGETS)
    apart = np.sqrt(
        1 + DIFFICULTY**2 + world.reaction**2 + (world.seed**2 + world.common**2) * scale**2
        + world.adapter**2 + 1.5 * (world.fits * wide) ** 2
    )  # fmt: skip
    latent = apart * ndtri(base + truth / 100) - EASE
    gains = np.zeros_like(truth)
    if world.retrained:
        gains[TRANSFER // 2 :] = rng.normal(0, 3.0, (TRANSFER - TRANSFER // 2, TARGETS))
    rise = apart * ndtri(base + gains / 100) - EASE - latent
    again = (
        rng.normal(0, world.fits, (TRANSFER, world.adapters)) if world.retrained else np.zeros((TRANSFER, 1))
    )
    retrained: list[Trial] = []
    before: dict[str, dict[int, NDArray[np.int32]]] = {}
    adapters = range(world.adapters)
    fits = rng.normal(0, world.fits, (TRANSFER, world.adapters)) if world.fits else np.zeros((TRANSFER, 1))
    trials = []
    common = scale * rng.normal(0, world.common, (TRANSFER, seeds))
    r = world.correlation
    rows = rng.normal(size=(2, examples)) if world.parallel else np.zeros((2, 1))
    runs = rng.normal(size=(TRANSFER, seeds, examples)) if world.parallel else np.zeros((TRANSFER, seeds, 1))
    arms = rng.normal(size=(TRANSFER, examples)) if world.parallel else np.zeros((TRANSFER, 1))

    def normal(shared: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each example; of two targets correlated by what they share."""
        found: NDArray[np.float64] = np.sqrt(r) * shared + np.sqrt(1 - r) * rng.normal(size=examples)
        return found

    for g in range(TARGETS):
        ease = EASE + DIFFICULTY * normal(rows[0])
        kept = normal(rows[1])
        own = rng.normal(0, world.adapter, world.adapters) if world.adapter else np.zeros(1)
        if world.together:
            fits[:] = rng.normal(0, world.fits, world.adapters)
        before[f"g{g}"] = {a: _counts(ease + kept + own[a]) for a in adapters}
        for f in range(TRANSFER):
            reacts = world.reaction * normal(arms[f]) if world.reaction else 0.0
            for s in range(seeds):
                moved = latent[f, g] + common[f, s] + scale[f, 0] * rng.normal(0, world.seed)
                noise = np.sqrt(1 - world.redrawn) * kept
                noise = noise + np.sqrt(world.redrawn) * normal(runs[f, s])
                for a in adapters:
                    pair = rng.normal(0, world.fits * 0.5**0.5) if world.fits else 0.0
                    right = ease + moved + reacts + noise + own[a] + wide[g] * (fits[f, a] + pair)
                    trials.append(Trial(Arm(f"f{f}", STEPS), s, f"g{g}", _counts(right), adapter=a))
                    if world.retrained:
                        anew = again[f, a] - fits[f, a] - pair + rng.normal(0, world.fits * 0.5**0.5)
                        anew *= wide[g]
                        counts = _counts(right + rise[f, g] + anew)
                        retrained.append(Trial(Arm(f"f{f}", STEPS), s, f"g{g}", counts, adapter=a))
    return Simulated(truth, before, trials, gains, retrained)


def _counts(latent: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.stack([latent > 0, np.ones(len(latent))], axis=1).astype(np.int32)


def estimates(effects: Effects, truth: NDArray[np.float64]) -> Iterator[tuple[str, Estimate, float]]:
    """Kind of number, the estimate, its true value."""
    arms, targets = [Arm(f"f{f}", STEPS) for f in range(TRANSFER)], [f"g{g}" for g in range(TARGETS)]
    donations = [donation(effects, arm, targets) for arm in arms]
    for f, arm in enumerate(arms):
        for g, target in enumerate(targets):
            yield "effect", effects.effect(arm, target), truth[f, g]
        yield "donation", donations[f], truth[f].mean()
        yield (
            "donation - donation",
            difference(donations[f], donations[f - 1]),
            (truth[f] - truth[f - 1]).mean(),
        )
    for g, target in enumerate(targets):
        yield "recipience", recipience(effects, target, arms), truth[:, g].mean()
    yield "mean of all", mean(donations), truth.mean()


def readings(put_back: Effects, retrained: Effects, one: Simulated) -> Iterator[tuple[str, Estimate, float]]:
    """Gains, and effects minus gains."""
    targets = [f"g{g}" for g in range(TARGETS)]
    for f in range(TRANSFER):
        arm = Arm(f"f{f}", STEPS)
        both = [donation(x, arm, targets) for x in (put_back, retrained)]
        yield "donation's mismatch", difference(*both), (one.truth - one.gains)[f].mean()
        for g, target in enumerate(targets):
            gain = retrained.effect(arm, target)
            yield "gain", gain, one.gains[f, g]
            yield "mismatch", difference(put_back.effect(arm, target), gain), (one.truth - one.gains)[f, g]


def measure(world: World, seeds: int, examples: int, matrices: int, metric: Metric) -> list[object]:
    """One row of the table."""
    covered: dict[str, list[bool]] = defaultdict(list)
    false: dict[str, list[float]] = defaultdict(list)
    found, real = 0, 0
    for i in range(matrices):
        rng = np.random.default_rng([i, seeds, examples, WORLDS.index(world)])
        one = simulate(world, seeds, examples, rng)

        def read(trials: list[Trial], one: Simulated = one, i: int = i) -> Effects:
            return Effects(f"simulated {i}", metric, one.before, trials, DRAWS, parallel=world.parallel)

        effects = read(one.trials)
        table: dict[str, dict[int, Estimate]] = defaultdict(dict)
        truths = {}
        every = list(estimates(effects, one.truth))
        if world.retrained:
            every += readings(effects, read(one.retrained), one)
        for number, (kind, estimate, true) in enumerate(every):
            table[kind][number], truths[number] = estimate, true
        for kind, some in table.items():
            words = {}
            for number, cell in judge(some).items():
                low, high, words[number] = cell.number.low, cell.number.high, cell.number.word
                covered[kind].append(low is not None and high is not None and low <= truths[number] <= high)
            if kind in FALSE:
                claims = {number: word for number, word in words.items() if word in {"helps", "harms"}}
                # Where there is no effect any claim is false; where there is one, that of the other sign.
                wrong = [n for n, x in claims.items() if truths[n] == 0 or (x == "helps") != (truths[n] > 0)]
                false[kind].append(len(wrong) / max(1, len(claims)))
            if kind == "effect":
                found += len(claims) - len(wrong)
                real += sum(truths[n] != 0 for n in some)
    rates = [f"{100 * np.mean(covered[kind]):.1f}" if covered[kind] else "" for kind in KINDS]
    wrongly = [f"{100 * np.mean(false[kind]):.1f}" if false[kind] else "" for kind in FALSE]
    return [
        world.name,
        f"{seeds} x {world.adapters}",
        matrices,
        *rates,
        *wrongly,
        f"{100 * found / real:.0f}",
    ]


KINDS = ("effect", "donation", "donation - donation", "recipience", "mean of all", "gain", "mismatch",
         "donation's mismatch")  # fmt: skip
FALSE = ("effect", "donation", "gain", "mismatch", "donation's mismatch")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--matrices", type=int, default=1000)
    parser.add_argument("--seeds", default="1,3,10")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--worlds", default=",".join(str(i) for i in range(len(WORLDS))))
    given = parser.parse_args()
    heads = ["world", "seeds x adapters", "matrices", *KINDS, *(f"false: {kind}" for kind in FALSE), "found"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for world in (WORLDS[int(x)] for x in given.worlds.split(",")):
        for seeds in map(int, given.seeds.split(",")):
            if seeds > 1 or world.seed + world.common == 0:
                row = measure(world, seeds, given.examples, given.matrices, accuracy())
                print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
