"""Transfer effects of one task, resampled together so that everything made of them is paired.

The definitions are those of arXiv 2403.20088 (difference to the score without finetuning), with
intervals by a two-level bootstrap: seeds, then test examples (Davison & Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from xlbench.errors import ResultsError
from xlbench.scores.bootstrap import all_weights, generator, weights
from xlbench.scores.estimate import Estimate, absent, difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Json, Metric

_Counts: TypeAlias = "NDArray[np.int32]"

DRAWS = 1000
"""Bootstrap draws behind every interval."""

_TOGETHER = 64
"""Evaluations in one matrix product."""


class Condition(Hashable, Protocol):
    """What was done to a model; its seeds are repetitions of one condition."""

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Conditions that agree here and have the same seeds are resampled with the same draws of them."""

    def describe(self) -> str:
        """For people, where something is missing."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Finetuning on a text."""

    text: str
    """ISO 639-3 of the transfer language."""
    steps: int
    variant: str = "plain"

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Each arm has its own: two runs of one seed have nothing in common."""
        return [self.text, self.steps, self.variant]

    def describe(self) -> str:
        """For people, where something is missing."""
        text = self.text if self.variant == "plain" else f"{self.text} {self.variant}"
        return f"{text}, {self.steps} steps"


@dataclass(frozen=True, slots=True)
class Mixture:
    """Language adapters under a task adapter."""

    adapters: tuple[str, ...]
    """ISO 639-3, or "random"."""
    mix: str = "single"
    variant: str = ""
    """What differs from the study's own settings."""

    @property
    def draws_of_seeds(self) -> list[Json]:
        """The same for all: a seed trains an adapter alone and in company alike, so both are paired."""
        return ["language adapters"]

    def describe(self) -> str:
        """For people, where something is missing."""
        return " ".join(x for x in ("+".join(self.adapters), self.mix, self.variant) if x)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One run under a condition, scored on one target."""

    arm: Condition
    seed: int
    target: str
    counts: NDArray[np.int32] | None
    """Shape (n, k), in the order of the baseline's examples; None where it is missing."""
    missing: str = ""
    """What is missing, for people, where counts is None."""


_BASELINE = Arm("", 0)
"""No finetuning at all."""


class Effects:
    """Scores and effects of one task, in points, on the same bootstrap draws.

    In a draw, the test examples of a target are drawn once, for the baseline and all arms alike; the
    seeds of an arm are drawn once, for all targets alike. With one seed an interval covers the choice
    of test examples only; with few seeds it is somewhat too narrow, as every bootstrap of few is.
    """

    def __init__(
        self,
        task: str,
        metric: Metric,
        baselines: Mapping[str, NDArray[np.int32] | str],
        trials: Iterable[Trial],
        draws: int = DRAWS,
    ) -> None:
        """`baselines` has, by target, the counts without finetuning, or a text that says what is missing.

        Raises ResultsError where a trial has another number of examples than its baseline.
        """
        self._task, self._metric, self._draws = task, metric, draws
        groups: dict[str, dict[Condition, list[Trial]]] = {}
        for target, found in baselines.items():
            counts, missing = (None, found) if isinstance(found, str) else (found, "")
            groups[target] = {_BASELINE: [Trial(_BASELINE, 0, target, counts, missing)]}
        seeds: dict[Condition, set[int]] = {_BASELINE: {0}}
        for trial in trials:
            groups.setdefault(trial.target, {}).setdefault(trial.arm, []).append(trial)
            seeds.setdefault(trial.arm, set()).add(trial.seed)
        self._seeds = {arm: tuple(sorted(found)) for arm, found in seeds.items()}
        self._shares = {arm: self._share(arm) for arm in self._seeds}
        self._scores: dict[tuple[Condition, str], Estimate] = {}
        for target, arms in groups.items():
            self._resample(target, self._complete(target, arms))

    def seeds(self, arm: Condition) -> tuple[int, ...]:
        """Seeds of an arm, present or missing."""
        return self._seeds.get(arm, ())

    def before(self, target: str) -> Estimate:
        """s0(t, g): the zero-shot score."""
        return self._scores.get((_BASELINE, target), absent(f"zero-shot, {self._task} on {target}"))

    def after(self, arm: Condition, target: str) -> Estimate:
        """Mean over seeds of s(MLM_k(f), t, g)."""
        return self._scores.get((arm, target), absent(f"{arm.describe()}, {self._task} on {target}"))

    def effect(self, arm: Condition, target: str) -> Estimate:
        """Transfer effect: mean over seeds of s(MLM_k(f), t, g) - s0(t, g)."""
        return difference(self.after(arm, target), self.before(target))

    def _share(self, arm: Condition) -> NDArray[np.float64]:
        """Shape (draws, seeds): the share of each seed of an arm in each draw."""
        seeds = self._seeds[arm]
        rng = generator("seeds", self._task, *arm.draws_of_seeds, *seeds)
        return all_weights(len(seeds), self._draws, rng) / len(seeds)

    def _complete(
        self, target: str, arms: Mapping[Condition, Sequence[Trial]]
    ) -> dict[Condition, list[_Counts]]:
        """Counts in order of seeds, for arms that have every seed; the others are noted as missing."""
        complete = {}
        for arm, trials in arms.items():
            counts = {trial.seed: trial.counts for trial in trials if trial.counts is not None}
            missing = [trial.missing for trial in trials if trial.counts is None]
            unplanned = sorted(set(self._seeds[arm]) - {trial.seed for trial in trials})
            missing += [f"{arm.describe()}, seed {seed}, {self._task} on {target}" for seed in unplanned]
            if missing:
                self._scores[arm, target] = absent(*missing)
            else:
                complete[arm] = [counts[seed] for seed in self._seeds[arm]]
        return complete

    def _resample(self, target: str, arms: Mapping[Condition, Sequence[_Counts]]) -> None:
        """Score every evaluation on the same draws of the target's examples; average over seeds at once."""
        runs = [(arm, number, counts) for arm, all_ in arms.items() for number, counts in enumerate(all_)]
        if not runs:
            return
        n, k = runs[0][2].shape
        if any(counts.shape != (n, k) for _, _, counts in runs):
            raise ResultsError(
                f"evaluations of {self._task} on {target} have different numbers of examples; "
                "delete the results of one of the two data versions"
            )
        values = {
            arm: float(np.mean([self._score(x.sum(axis=0)) for x in all_])) for arm, all_ in arms.items()
        }
        draws = {arm: np.zeros(self._draws) for arm in arms}
        for rows, block in weights(n, self._draws, generator("examples", self._task, target, n)):
            for start in range(0, len(runs), _TOGETHER):
                part = runs[start : start + _TOGETHER]
                stacked = np.concatenate([counts for _, _, counts in part], axis=1, dtype=np.float64)
                scores = self._score((block @ stacked).reshape(len(block), len(part), k))
                for i, (arm, number, _) in enumerate(part):
                    draws[arm][rows] += scores[:, i] * self._shares[arm][rows, number]
        for arm, value in values.items():
            self._scores[arm, target] = Estimate(value, draws[arm])

    def _score(self, sums: NDArray[Any]) -> NDArray[np.float64]:
        return self._metric.score(sums.astype(np.float64))
