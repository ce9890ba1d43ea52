"""Whether a condition differs from itself: seeds against other seeds, where the true difference is 0."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from xlbench.scores.effects import Effects, Trial
from xlbench.scores.estimate import LEVEL, difference
from xlbench.scores.significance import RATE, judge

if TYPE_CHECKING:
    from xlbench.contracts import Json, Metric
    from xlbench.scores.effects import Baseline, Condition

LEAST_SEEDS = 3
"""Two can only be compared with one another, and then nothing is known of how far seeds differ."""
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Half:
    """A condition, with some of its seeds."""

    whole: Condition
    second: bool

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Each half has its own."""
        return [*self.whole.draws_of_seeds, "second half" if self.second else "first half"]

    def describe(self) -> str:
        """For people, where something is missing."""
        return f"{self.whole.describe()}, {'second' if self.second else 'first'} half of the seeds"


class Repeated(NamedTuple):
    """How often seeds of one condition differ from other seeds of it."""

    tests: int
    differ: int
    """With p at most RATE, not corrected."""
    low: float
    """Of the share that differ, 0 to 1: its 95% interval."""
    high: float
    conditions: int

    @property
    def is_nominal(self) -> bool:
        """Whether the share may be what the level of the tests promises, or less."""
        return self.low <= RATE


def repeated(
    task: str,
    metric: Metric,
    baselines: Mapping[str, Baseline],
    trials: Iterable[Trial],
    *,
    parallel: bool = False,
) -> Repeated | None:
    """Test each condition's score on each target with every other seed against the remaining ones.

    All trials are of one task adapter. The tests are those of any effect, with a variance over seeds from
    within the two halves; a half of one seed takes that of the halves of two. None where no condition has
    LEAST_SEEDS on any target.
    """
    found: dict[Condition, dict[str, dict[int, Trial]]] = {}
    for trial in trials:
        if trial.counts is not None and _is_whole(baselines.get(trial.target, "")):
            found.setdefault(trial.arm, {}).setdefault(trial.target, {})[trial.seed] = trial
    halves: list[Trial] = []
    cells: list[tuple[Condition, str]] = []
    for arm, targets in found.items():
        for target, seeds in targets.items():
            if len(seeds) < LEAST_SEEDS:
                continue
            cells.append((arm, target))
            for place, seed in enumerate(sorted(seeds)):
                halves.append(replace(seeds[seed], arm=Half(arm, place % 2 == 1)))
    if not cells:
        return None
    used = {target for _, target in cells}
    effects = Effects(
        task, metric, {x: y for x, y in baselines.items() if x in used}, halves, draws=_DRAWS,
        parallel=parallel, alike=lambda _: 0,
    )  # fmt: skip
    both = {
        (arm, g): difference(effects.effect(Half(arm, False), g), effects.effect(Half(arm, True), g))
        for arm, g in cells
    }
    hits: dict[Hashable, list[bool]] = {}
    for (arm, _), one in judge(both).items():
        if one.p is not None:
            hits.setdefault(arm, []).append(one.p <= RATE)
    low, high = rate_interval([sum(x) for x in hits.values()], [len(x) for x in hits.values()])
    tests = sum(map(len, hits.values()))
    return Repeated(tests, sum(map(sum, hits.values())), low, high, len(hits))


def _is_whole(found: Baseline) -> bool:
    """Whether nothing is missing of a target's scores without finetuning."""
    each = found.values() if isinstance(found, Mapping) else [found]
    return not any(isinstance(x, str) for x in each)


def rate_interval(hits: Sequence[int], sizes: Sequence[int]) -> tuple[float, float]:
    """95% interval of a share, 0 to 1, of events that come in clusters.

    The exact binomial one (Clopper & Pearson 1934), with hits and sizes divided by the design effect that
    the clusters show (Rao & Scott 1992); of one cluster, or where all events are alike, a cluster counts as
    one event.
    """
    from scipy.stats import beta

    m, n, k = len(sizes), sum(sizes), sum(hits)
    p = k / n
    expected = n * p * (1 - p)
    if m == 1 or k == n:
        effect = n / m
    elif not k:
        effect = 1.0
    else:
        over = sum((x - size * p) ** 2 for x, size in zip(hits, sizes, strict=True))
        effect = max(1.0, over / expected * m / (m - 1))
    k_, n_ = k / effect, n / effect
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, k_, n_ - k_ + 1)) if k else 0.0
    high = float(beta.ppf(1 - tail, k_ + 1, n_ - k_)) if k < n else 1.0
    return low, high
