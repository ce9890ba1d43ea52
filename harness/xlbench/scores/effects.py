"""Transfer effects of one task, resampled together so that everything made of them is paired.

The definitions are those of arXiv 2403.20088 (difference to the score without finetuning), with
intervals by a two-level bootstrap, seeds and test examples (Davison & Hinkley 1997, section 3.8), and
tests by approximate randomisation (Noreen 1989; Yeh 2000).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from xlbench.contracts import digest
from xlbench.contracts.treatment import PLAIN
from xlbench.errors import ResultsError
from xlbench.scores.bootstrap import generator, narrow, swaps, weights
from xlbench.scores.estimate import Estimate, absent, difference
from xlbench.scores.resampled import resampled
from xlbench.scores.spread import ADAPTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Counts, Json, Metric, Number

DRAWS = 2000
"""Bootstrap draws behind every interval, and swaps behind every test."""

_OVERLAP = 250
"""Draws of the contrast of seeds, of which only the variance is used."""


class Condition(Hashable, Protocol):
    """What was done to a model; its seeds are repetitions of one condition."""

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Conditions that agree here and have the same seeds are paired by seed."""

    def describe(self) -> str:
        """For people, where something is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One run under a condition, scored on one target."""

    arm: Condition
    seed: int
    target: str
    counts: Counts | None
    """In the order of the baseline's examples; None where it is missing."""
    missing: str = ""
    """What is missing, for people, where counts is None."""
    adapter: int = 0
    """Seed of the task adapter; runs are compared with the baseline of the same."""

    @property
    def run(self) -> Run:
        """Of the condition: its own seed, and that of the task adapter."""
        return self.seed, self.adapter


Run: TypeAlias = "tuple[int, int]"
"""Seed of the condition, seed of the task adapter."""
Baseline: TypeAlias = "Counts | str | Mapping[int, Counts | str]"
"""Counts without finetuning, or a text that says what is missing; by seed of the task adapter where that is
not the one of 0.
"""


@dataclass(frozen=True, slots=True)
class _Untouched:
    """Nothing was done to the model."""

    @property
    def draws_of_seeds(self) -> list[Json]:
        return ["", 0, PLAIN]

    def describe(self) -> str:
        return "zero-shot"


_BASELINE = _Untouched()


class Effects:
    """Scores and effects of one task, in points, on the same bootstrap draws.

    In a draw, the test examples of a target are drawn once, for the baseline and all arms alike, and for all
    targets alike where their rows are parallel; what a seed of an arm does differently is kept, for all
    targets alike, and what a seed of the task adapter does differently for all arms alike, the baseline among
    them. With one seed an interval covers the choice of test examples only, with one task adapter that
    adapter only.
    """

    def __init__(
        self,
        task: str,
        metric: Metric,
        baselines: Mapping[str, Baseline],
        trials: Iterable[Trial],
        draws: int = DRAWS,
        *,
        parallel: bool = False,
        alike: Callable[[Condition], Hashable] | None = None,
    ) -> None:
        """Each arm has every seed with every task adapter that `baselines` have, or it is missing.
        `parallel`: row i of all targets says the same; draws and swaps are then shared by all targets with as
        many rows.

        Where `alike` is given, targets of one arm may have different seeds, as an adaptive study leaves them,
        and a target with one seed takes its spread over seeds from others: of its arm, or of arms for which
        `alike` is the same. Otherwise a seed that some target has is missing on all that lack it.
        Raises ResultsError where a trial has another number of examples than its baseline. `baselines` are by
        target.
        """
        self._task, self._metric, self._draws, self._parallel = task, metric, draws, parallel
        groups: dict[str, dict[Condition, list[Trial]]] = {}
        for target, found in baselines.items():
            each = found if isinstance(found, Mapping) else {0: found}
            groups[target] = {_BASELINE: [_baseline(target, x, seed) for seed, x in each.items()]}
        seeds: dict[Condition, set[int]] = {_BASELINE: {0}}
        every = {x.adapter for arms in groups.values() for x in arms[_BASELINE]}
        self._adapters = tuple(sorted(every))
        """Seeds of the task adapter."""
        for trial in trials:
            groups.setdefault(trial.target, {}).setdefault(trial.arm, []).append(trial)
            seeds.setdefault(trial.arm, set()).add(trial.seed)
        self._seeds = {arm: tuple(sorted(found)) for arm, found in seeds.items()}
        self._groups = {
            arm: digest([task, arm.draws_of_seeds, list(found)]) for arm, found in self._seeds.items()
        }
        self._adapter_group = f"{ADAPTERS} {digest([task, list(self._adapters)])}"
        self._uneven = alike is not None
        self._counts: dict[tuple[Condition, str], int] = {}
        self._examples: dict[str, int] = {}
        self._scores: dict[tuple[Condition, str], Estimate] = {}
        self._nulls: dict[tuple[Condition, str], NDArray[np.float64]] = {}
        for target, arms in groups.items():
            self._resample(target, self._complete(target, arms))
        if alike is not None:
            self._borrow(alike)

    def seeds(self, arm: Condition) -> tuple[int, ...]:
        """Seeds of an arm, present or missing."""
        return self._seeds.get(arm, ())

    @property
    def adapters(self) -> tuple[int, ...]:
        """Seeds of the task adapters."""
        return self._adapters

    def count(self, arm: Condition, target: str) -> int:
        """Seeds of an arm that a target has; 0 where one that it should have is missing."""
        return self._counts.get((arm, target), 0)

    def examples(self, target: str) -> int | None:
        """Test examples of a target; None where nothing is scored on it."""
        return self._examples.get(target)

    def zero_shot(self, target: str) -> Number:
        """`before` as a number; its interval ends where the metric's scores do."""
        found = self.before(target).number()
        if found.low is None or found.high is None:
            return found
        lowest, highest = self._metric.lowest, self._metric.highest
        return replace(found, low=max(lowest, found.low), high=min(highest, found.high))

    def before(self, target: str) -> Estimate:
        """s0(t, g): the zero-shot score."""
        return self._scores.get((_BASELINE, target), absent(f"zero-shot, {self._task} on {target}"))

    def after(self, arm: Condition, target: str) -> Estimate:
        """Mean over seeds of s(MLM_k(f), t, g)."""
        return self._scores.get((arm, target), absent(f"{arm.describe()}, {self._task} on {target}"))

    def effect(self, arm: Condition, target: str) -> Estimate:
        """Transfer effect: mean over seeds of s(MLM_k(f), t, g) - s0(t, g)."""
        found = difference(self.after(arm, target), self.before(target))
        return found if found.value is None else replace(found, null=self._nulls[arm, target])

    def by_seed(self, arm: Condition, target: str) -> NDArray[np.float64]:
        """The effect of each seed of an arm, shape (seeds,): the mean over task adapters. Empty where it is
        missing. A target with fewer seeds than the arm has its own alone.
        """
        found = self.effect(arm, target)
        if found.value is None:
            return np.empty(0)
        count, whole = self.count(arm, target), len(self._seeds[arm])
        own = found.seeds.get(self._groups[arm])
        if own is None or count == 1:
            return np.full(1, found.value)
        if count < whole:  # `_aligned` puts 0 where a seed is not there, and stretches the others
            there = own[own != 0] / (whole * (whole - 1) / (count * (count - 1))) ** 0.5
            own = np.concatenate([there, np.zeros(count - len(there))])
        return np.asarray(found.value + own)

    def across_tasks(self, estimate: Estimate) -> Estimate:
        """The same estimate, to be combined with those of other tasks: one fine-tuning serves all tasks, so
        what its seeds add is paired; examples and task adapters stay each task's own.
        """
        shared = {old: f"all tasks {digest([arm.draws_of_seeds, list(self._seeds[arm])])}"
                  for arm, old in self._groups.items() if arm != _BASELINE}  # fmt: skip
        return replace(
            estimate,
            seeds={shared.get(key, key): own for key, own in estimate.seeds.items()},
            crossed={(shared.get(one, one), other): x for (one, other), x in estimate.crossed.items()},
        )

    def _complete(
        self, target: str, arms: Mapping[Condition, Sequence[Trial]]
    ) -> dict[Condition, dict[Run, Counts]]:
        """Counts by run, in order, for arms that have every one; the others are noted as missing."""
        complete = {}
        for arm, trials in arms.items():
            counts = {trial.run: trial.counts for trial in trials if trial.counts is not None}
            missing = [trial.missing for trial in trials if trial.counts is None]
            own = {trial.run for trial in trials}
            seeds = {seed for seed, _ in own} if self._uneven else self._seeds[arm]
            adapters = self._adapters or sorted({adapter for _, adapter in own})
            wanted = [(seed, adapter) for seed in sorted(seeds) for adapter in adapters]
            for seed, adapter in sorted(set(wanted) - own):
                which = f", adapter seed {adapter}" if len(adapters) > 1 or (seed, 0) in own else ""
                missing.append(f"{arm.describe()}, seed {seed}{which}, {self._task} on {target}")
            if missing:
                self._scores[arm, target] = absent(*missing)
            else:
                complete[arm] = {run: counts[run] for run in wanted}
        return complete

    def _resample(self, target: str, arms: Mapping[Condition, Mapping[Run, Counts]]) -> None:
        """Score every evaluation on the same draws of the target's examples, then average over runs."""
        runs = [counts for all_ in arms.values() for counts in all_.values()]
        if not runs:
            return
        n, k = runs[0].shape
        self._examples[target] = n
        if any(counts.shape != (n, k) for counts in runs):
            raise ResultsError(
                f"evaluations of {self._task} on {target} have different numbers of examples; "
                "delete the results of one of the two data versions"
            )
        evaluated = resampled(self._metric.score, runs)
        sizes = np.array([len(x) for x in arms.values()])
        shapes = [_shape(x) for x in arms.values()]
        contrasts = np.concatenate([_contrasts(*shape) for shape in shapes], axis=1)

        def averaged(scores: NDArray[np.float64]) -> NDArray[np.float64]:
            """Over the runs of each arm: shape (draws, runs) to (arms, draws)."""
            found: NDArray[np.float64] = np.add.reduceat(scores, np.cumsum(sizes) - sizes, axis=1) / sizes
            return found.T

        draws, null = (np.empty((len(arms), self._draws)) for _ in range(2))
        overlap = np.empty((len(arms), 3, min(self._draws, _OVERLAP)))
        width = len(runs) * k
        drawn = weights(n, self._draws, self._generator("examples", target, n))
        for rows, block in narrow(drawn, width):
            scores = self._sound(evaluated.drawn, block)
            draws[:, rows] = averaged(scores)
            few = slice(rows.start, min(rows.stop, _OVERLAP))
            if few.start < few.stop:
                for i, contrast in enumerate(contrasts):
                    overlap[:, i, few] = averaged(scores[: few.stop - few.start] * contrast)
        if _BASELINE in arms:
            place = {adapter: i for i, (_, adapter) in enumerate(arms[_BASELINE])}
            partner = [place[adapter] for runs_ in arms.values() for _, adapter in runs_]
            swapped = swaps(n, self._draws, self._generator("swaps", target, n))
            for rows, block in narrow(swapped, width):
                null[:, rows] = averaged(self._sound(evaluated.swapped, block, partner))
        scores = self._sound(evaluated.whole)
        start = 0
        for i, (arm, all_) in enumerate(arms.items()):
            own = scores[start : start + len(all_)]
            start += len(all_)
            seeds, adapters = shapes[i]
            grid = own.reshape(seeds, adapters)
            self._counts[arm, target] = seeds
            parts: dict[str, NDArray[np.float64]] = {}
            crossed: dict[tuple[str, str], NDArray[np.float64]] = {}
            if seeds > 1:
                named = list(dict.fromkeys(seed for seed, _ in all_))
                parts[self._groups[arm]] = self._aligned(arm, named, grid.mean(axis=1))
            if adapters > 1:
                parts[self._adapter_group] = grid.mean(axis=0) - grid.mean()
            if seeds > 1 and adapters > 1:
                both = grid - grid.mean(axis=1, keepdims=True) - grid.mean(axis=0) + grid.mean()
                crossed[self._groups[arm], self._adapter_group] = both
            self._scores[arm, target] = Estimate(
                float(own.mean()),
                draws[i],
                seeds=parts,
                overlap=overlap[i] if parts else None,
                crossed=crossed,
                alone=seeds == 1 and arm != _BASELINE,
                test_sets=frozenset({(self._task, target)}),
            )
            if _BASELINE in arms:
                self._nulls[arm, target] = null[i]

    def _generator(self, what: str, target: str, n: int) -> np.random.Generator:
        return generator(what, self._task, n) if self._parallel else generator(what, self._task, target, n)

    def _aligned(
        self, arm: Condition, seeds: Iterable[int], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What each seed of the arm adds, less the mean; where the target has n of N seeds, scaled so that
        the squared standard error of the mean that it comes to is still that of n.
        """
        n, whole = len(scores), self._seeds[arm]
        if n == len(whole):
            return np.asarray(scores - scores.mean())
        found = np.zeros(len(whole))
        found[[whole.index(seed) for seed in seeds]] = scores - scores.mean()
        return np.asarray(found * (len(whole) * (len(whole) - 1) / (n * (n - 1))) ** 0.5)

    def _borrow(self, alike: Callable[[Condition], Hashable]) -> None:
        """Give scores of one seed a spread over seeds: that of one run, by the root mean square of the others
        of the arm, all of them moved as these are on average; where there are none, by that of arms alike.
        """
        known: dict[Condition, list[NDArray[np.float64]]] = {}
        for (arm, target), score in self._scores.items():
            for own in score.seeds.values():
                known.setdefault(arm, []).append(own * self._counts[arm, target] ** 0.5)
        for (arm, target), score in self._scores.items():
            if arm == _BASELINE or self._counts.get((arm, target)) != 1:
                continue
            theirs = known.get(arm)
            others = theirs or [
                x for other, some in known.items() if alike(other) == alike(arm) for x in some
            ]
            if not others:
                continue
            most = max(map(len, others))
            variance = np.mean([x @ x / (len(x) * (len(x) - 1)) for x in others])
            way = np.mean(theirs, axis=0) if theirs else _contrast(most)
            length = (variance * most * (most - 1) / (way @ way)) ** 0.5 if way.any() else 0.0
            self._scores[arm, target] = replace(score, seeds={self._groups[arm]: length * way}, alone=False)

    def _sound(self, scores: Callable[..., NDArray[np.float64]], *given: Any) -> NDArray[np.float64]:
        """Raises ResultsError for a score that is not finite, or none at all: a bootstrap draw may be one
        example only.
        """
        try:
            found = scores(*given)
        except ValueError as error:
            raise ResultsError(
                f"the metric {self._metric.name!r} of the task {self._task!r} cannot be resampled: {error}"
            ) from error
        if not np.isfinite(found).all():
            raise ResultsError(
                f"the metric {self._metric.name!r} of the task {self._task!r} gives scores that are not "
                "finite where examples are resampled; a score is 0 where it is not defined"
            )
        return found


def _baseline(target: str, found: Counts | str, adapter: int) -> Trial:
    counts, missing = (None, found) if isinstance(found, str) else (found, "")
    return Trial(_BASELINE, 0, target, counts, missing, adapter)


def _shape(runs: Iterable[Run]) -> tuple[int, int]:
    """How many seeds and how many task adapters a complete arm has."""
    each = list(runs)
    return len({seed for seed, _ in each}), len({adapter for _, adapter in each})


def _contrasts(seeds: int, adapters: int) -> NDArray[np.float64]:
    """Of seeds, of task adapters, and of both at once, shape (3, runs), a row of 0 where there is one."""
    one, other = _contrast(seeds) * (seeds > 1), _contrast(adapters) * (adapters > 1)
    return np.stack(
        [np.repeat(one, adapters), np.tile(other, seeds), np.outer(one, other).reshape(seeds * adapters)]
    )


def _contrast(seeds: int) -> NDArray[np.float64]:
    """Weights of a mean over seeds, orthogonal to the mean and as long (a cosine), shape (seeds,): what seeds
    have in common drops out, and what each has of its own comes with the variance that it has in the mean.
    """
    return np.asarray(2**0.5 * np.cos(np.pi * (np.arange(seeds) + 0.5) / seeds))
