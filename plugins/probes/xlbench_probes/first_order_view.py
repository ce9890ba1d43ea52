"""One task of a study that was evaluated to first order: effects by fine-tuning, and how far they agree with
exact ones of the very same runs. Imports numpy: import this where pages are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from xlbench.contracts import Number, digest
from xlbench.contracts.mixture import has
from xlbench.metrics.task_loss import mean_loss
from xlbench.probing import DRAWS, Estimate, absent, judge, mean, spearman
from xlbench_probes.arms import Arm
from xlbench_probes.first_order import CHANGE, FEWEST, PROBE
from xlbench_probes.transfer import reading_of
from xlbench_probes.transfer_rounds import arm_of
from xlbench_probes.transfer_view import PROBE as EXACT_PROBE
from xlbench_probes.zero_shot_pages import adapter_seed_of, measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Evaluation, Metric, ReadBy
    from xlbench.probing import Judged, Reading

Run: TypeAlias = "tuple[int, int]"
"""Fine-tuning seed, seed of the task adapter."""
WITHIN, OVER_ALL, SLOPE = 0.8, 0.8, (0.5, 2.0)
"""What agreement must be for first-order effects to be shown: rank correlation within a target (mean over
targets) and over all pairs, and the slope of exact effects on them."""
PER = 1000.0
"""Effects on pages are in thousandths of a nat per decision: those of a step or ten are no more."""


class Agreement(NamedTuple):
    """Exact effects against first-order ones of the same runs, at one number of steps; own texts left out."""

    cells: int
    over_all: float
    """Spearman's correlation over all pairs."""
    within: float
    """The same within a target, mean over targets."""
    targets: int
    """Of which there is such a correlation."""
    slope: float
    """Of exact effects on first-order ones, least squares."""
    missing: tuple[str, ...] = ()
    """Exact evaluations that were planned and are not there."""

    @property
    def is_known(self) -> bool:
        """Whether there are cells enough, and all that were planned."""
        return not self.missing and self.targets >= FEWEST

    @property
    def holds(self) -> bool:
        """Whether first-order effects speak for exact ones."""
        return (
            self.is_known
            and self.over_all >= OVER_ALL
            and self.within >= WITHIN
            and SLOPE[0] <= self.slope <= SLOPE[1]
        )


@dataclass(frozen=True, slots=True, eq=False)
class FirstOrderView:
    """What the tables of one task are made from. Effects are reductions of the task loss, in thousandths of
    a nat per decision.
    """

    reading: Reading
    task: str
    changes: Mapping[tuple[Arm, str], Mapping[Run, float | str]]
    """By fine-tuning and target, then by run: the first-order effect, or what is missing."""
    pairs: Mapping[tuple[Arm, str], Mapping[Run, tuple[float, float] | str]]
    """Of those evaluated exactly too: first-order effect, exact one; or what is missing."""
    transfer: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[int, ...]
    """Ascending."""
    _judged: dict[int, dict[tuple[str, str], Judged]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, reading: Reading, task: str) -> FirstOrderView:
        """Gather what the records have."""
        changes: dict[tuple[Arm, str], dict[Run, float | str]] = {}
        adapter: ReadBy | None = None
        for job, cell in reading.planned(PROBE, task):
            found, adapter = reading.evaluation(job, cell), job.typed.adapter
            run = job.typed.finetuning.seed if job.typed.finetuning else 0, adapter_seed_of(job)
            value = -PER * found.extra[CHANGE] if found else reading.missing(job, cell)
            changes.setdefault((arm_of(job), cell.target), {})[run] = value
        metric = reading.records.metrics[task]
        before = losses_before(reading, task, adapter)
        pairs: dict[tuple[Arm, str], dict[Run, tuple[float, float] | str]] = {}
        for job, cell in reading.planned(EXACT_PROBE, task):
            key = arm_of(job), cell.target
            if reading_of(job) != "put-back" or key not in changes or job.typed.finetuning is None:
                continue
            run = job.typed.finetuning.seed, adapter_seed_of(job)
            linear, one = changes[key].get(run), reading.evaluation(job, cell)
            first, after = before.get((cell.target, run[1])), loss_of(one, metric)
            if one is None:
                pairs.setdefault(key, {})[run] = reading.missing(job, cell)
            elif first is None or after is None:
                pairs.setdefault(key, {})[run] = f"{job.label}, on {cell.target}: no task loss stored"
            elif isinstance(linear, float):
                pairs.setdefault(key, {})[run] = linear, PER * (first - after)
            elif linear is not None:
                pairs.setdefault(key, {})[run] = linear
        arms = list(dict.fromkeys(arm for arm, _ in changes))
        return cls(
            reading,
            task,
            changes,
            pairs,
            tuple(dict.fromkeys(x.text for x in arms)),
            tuple(dict.fromkeys(target for _, target in changes)),
            tuple(sorted({x.steps for x in arms})),
        )

    @property
    def seeds(self) -> int:
        """Fine-tuning seeds that effects have, at most."""
        return max((len({seed for seed, _ in runs}) for runs in self.changes.values()), default=0)

    def missing(self) -> list[str]:
        """What was planned and is not there."""
        return [x for runs in self.changes.values() for x in runs.values() if isinstance(x, str)]

    def effect(self, arm: Arm, target: str) -> Estimate:
        """Mean over runs, with what seeds add; the test examples are taken as they are."""
        runs = self.changes.get((arm, target), {})
        if lacking := [x for x in runs.values() if isinstance(x, str)]:
            return absent(*lacking)
        found = over_runs({run: x for run, x in runs.items() if isinstance(x, float)}, arm)
        return replace(found, test_sets=frozenset({(self.task, target)}))

    def judged(self, steps: int) -> dict[tuple[str, str], Judged]:
        """Every effect by (transfer, target), tested as one family."""
        if steps not in self._judged:
            arms = [Arm(x, steps) for x in self.transfer]
            self._judged[steps] = judge(
                {(arm.text, g): self.effect(arm, g) for arm in arms for g in self.targets
                 if (arm, g) in self.changes}
            )  # fmt: skip
        return self._judged[steps]

    def donations(self, steps: int) -> dict[str, Judged]:
        """Mean effect of each transfer language on the targets other than it, the largest first."""
        found = {}
        for f in self.transfer:
            arm = Arm(f, steps)
            found[f] = mean(self.effect(arm, g) for g in self.targets if not has(f, g))
        judged = judge(found)
        return dict(sorted(judged.items(), key=lambda x: -(x[1].number.value or -np.inf)))

    def agreement(self, steps: int) -> Agreement:
        """With exact evaluation, at one number of steps."""
        linear: dict[str, list[float]] = {}
        exact: dict[str, list[float]] = {}
        missing: list[str] = []
        for (arm, target), runs in self.pairs.items():
            if arm.steps != steps or has(arm.text, target):
                continue
            missing += (x for x in runs.values() if isinstance(x, str))
            both = [x for x in runs.values() if not isinstance(x, str)]
            if both:
                linear.setdefault(target, []).append(float(np.mean([a for a, _ in both])))
                exact.setdefault(target, []).append(float(np.mean([b for _, b in both])))
        return agreement(linear, exact, tuple(missing))


def agreement(
    one: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]], missing: tuple[str, ...] = ()
) -> Agreement:
    """Of two sets of effects by target, in the same order of transfer languages."""
    a = np.array([x for values in one.values() for x in values])
    b = np.array([x for target in one for x in other[target]])
    within = [
        r
        for target, values in one.items()
        if len(values) >= FEWEST
        and np.isfinite(r := float(spearman(np.array(values), np.array(other[target]))))
    ]
    some = len(a) >= FEWEST and a.std() > 0
    return Agreement(
        len(a),
        float(spearman(a, b)) if some else np.nan,
        float(np.mean(within)) if within else np.nan,
        len(within),
        float(np.polyfit(a, b, 1)[0]) if some else np.nan,
        missing,
    )


def losses_before(reading: Reading, task: str, adapter: ReadBy | None) -> dict[tuple[str, int], float | None]:
    """Mean task loss without fine-tuning, by target and seed of the task adapter."""
    metric = reading.records.metrics[task]
    return {
        (target, seed): loss_of(one, metric)
        for target, some in measured(reading, task, adapter).items()
        for seed, (_, _, one) in some.items()
    }


def loss_of(found: Evaluation | None, metric: Metric) -> float | None:
    """Mean task loss, nats per decision; of a language model its minus log-likelihood, nats per token."""
    if found is None or not found.is_scored:
        return None
    if found.loss is not None:
        return mean_loss(found.loss)
    if {"nats", "tokens"} <= {*metric.columns}:
        sums: NDArray[np.float64] = np.asarray(found.counts, np.float64).sum(axis=0)
        return float(sums[metric.columns.index("nats")] / sums[metric.columns.index("tokens")])
    return None


def over_runs(runs: Mapping[Run, float], arm: Arm) -> Estimate:
    """The mean of a number that each run has, every fine-tuning seed with every task adapter, with what seeds
    add to it; a run of one seed speaks for itself alone.
    """
    seeds, adapters = (sorted({run[i] for run in runs}) for i in (0, 1))
    if not runs or len(runs) < len(seeds) * len(adapters):
        return absent(f"{arm.describe()}: not every seed with every task adapter")
    grid = np.array([[runs[seed, adapter] for adapter in adapters] for seed in seeds])
    value = float(grid.mean())
    parts: dict[str, NDArray[np.float64]] = {}
    if len(seeds) > 1:
        parts[f"first order {digest([arm.draws_of_seeds, list(seeds)])}"] = grid.mean(axis=1) - value
    if len(adapters) > 1:
        parts[f"adapters first order {digest(list(adapters))}"] = grid.mean(axis=0) - value
    return Estimate(
        value, np.full(DRAWS, value), seeds=parts, signed=True, alone=len(seeds) == 1
    )  # fmt: skip


def scaled(one: Estimate, factor: float) -> Estimate:
    """An estimate in another unit."""
    if one.value is None:
        return one
    return replace(
        one,
        value=factor * one.value,
        draws=None if one.draws is None else factor * one.draws,
        null=None if one.null is None else factor * one.null,
        overlap=None if one.overlap is None else factor * one.overlap,
        seeds={key: factor * x for key, x in one.seeds.items()},
        crossed={key: factor * x for key, x in one.crossed.items()},
    )


def number_of(found: Judged) -> Number:
    """Without an interval where it is of one seed."""
    one = found.number
    return Number(one.value, word=one.word, signed=True) if one.word == "this run only" else one
