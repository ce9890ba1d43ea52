"""What exact effects on the task loss come to with first-order values of further seeds as a control variate.
Imports numpy: import this where pages are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import Matrix, Number, Table
from xlbench.contracts.mixture import has
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import TARGET_GAINS, counted, judge, mean, verdicts_over
from xlbench_probes.arms import Arm
from xlbench_probes.control_variates import controlled, pooled
from xlbench_probes.first_order_view import PER, scaled
from xlbench_probes.task_loss import LossReading
from xlbench_probes.transfer_view import PROBE, View
from xlbench_probes.zero_shot_pages import PROBE as ZERO_SHOT

if TYPE_CHECKING:
    from xlbench.contracts import Job, Part
    from xlbench.probing import Estimate
    from xlbench_probes.control_variates import Slope
    from xlbench_probes.first_order_view import FirstOrderView

UNIT = "thousandths of a nat per decision"
NOTE = (
    "Reduction of the task loss, exactly evaluated, and the same with what further seeds do to first order "
    "as a control variate: the same quantity, less what the seeds at hand happen to have in common."
)


@dataclass(frozen=True, slots=True, eq=False)
class Controlled:
    """Effects at one number of steps, both ways."""

    steps: int
    slope: Slope
    plain: dict[tuple[str, str], Estimate]
    better: dict[tuple[str, str], Estimate]
    seeds: int
    further: int

    @property
    def narrower(self) -> float:
        """By which share the interval of a pair is narrower, median over pairs."""
        widths = []
        for pair, one in self.better.items():
            spread, before = one.spread(), self.plain[pair].spread()
            if spread is not None and before is not None and before.error > 0:
                ends = (x.quantile(0.975) * x.error for x in (spread, before))
                widths.append(next(ends) / next(ends))
        return 1 - float(np.median(widths)) if widths else 0.0


def of(view: FirstOrderView) -> list[Controlled]:
    """Each number of steps of which exact and first-order effects, and further seeds, are there."""
    found = (_at(view, k) for k in view.steps)
    return [x for x in found if x is not None]


def _at(view: FirstOrderView, steps: int) -> Controlled | None:
    def wanted(job: Job) -> bool:
        run = job.typed.finetuning
        if job.probe == PROBE and run is not None:
            return run.treatment == PLAIN and run.steps == steps and job.typed.reading == "put-back"
        return job.probe == ZERO_SHOT

    reading = LossReading(view.reading, view.task, wanted)
    if not reading.stored or view.task not in reading.tasks(PROBE):
        return None
    exact = View.of(reading, view.task, "put-back").effects
    plain: dict[tuple[str, str], Estimate] = {}
    linear: dict[tuple[str, str], dict[int, float]] = {}
    for f in view.transfer:
        arm = Arm(f, steps)
        for g in view.targets:
            runs = view.changes.get((arm, g), {})
            one = scaled(exact.effect(arm, g), PER)
            if one.value is None or any(isinstance(x, str) for x in runs.values()):
                continue
            by_seed: dict[int, list[float]] = {}
            for (seed, _), x in runs.items():
                by_seed.setdefault(seed, []).append(float(x))
            plain[f, g] = one
            linear[f, g] = {seed: float(np.mean(x)) for seed, x in sorted(by_seed.items())}
    own = {pair: exact.seeds(Arm(pair[0], steps)) for pair in plain}
    pairs = [pair for pair in plain if len(own[pair]) > 1 and {*own[pair]} < {*linear[pair]}]
    if not pairs:
        return None
    slope = pooled(
        [PER * exact.by_seed(Arm(f, steps), g) for f, g in pairs],
        [np.array([linear[pair][s] for s in own[pair]]) for pair in pairs],
        len({f for f, _ in pairs}),
    )
    if slope is None:
        return None
    better = {}
    for f, g in pairs:
        mine = {s: linear[f, g][s] for s in own[f, g]}
        others = {s: x for s, x in linear[f, g].items() if s not in mine}
        better[f, g] = controlled(plain[f, g], mine, others, slope.value, f"{f}, {steps}")
    first = pairs[0]
    return Controlled(
        steps,
        slope,
        {pair: plain[pair] for pair in pairs},
        better,
        len(own[first]),
        len(linear[first]) - len(own[first]),
    )


def summary(found: list[Controlled]) -> Iterator[str]:
    """What the control takes off, at each number of steps."""
    for x in found:
        yield (
            f"After {counted(x.steps, 'step')}, first-order and exact effects of the same runs correlate at "
            f"{x.slope.correlation:.2f} within a pair (slope {x.slope.value:.2f}): with {x.further} further "
            f"seeds to first order, intervals of exact effects of {counted(x.seeds, 'seed')} are "
            f"{100 * x.narrower:.0f}% narrower (median)."
        )


def parts(view: FirstOrderView, found: list[Controlled]) -> Iterator[Part]:
    """By transfer language, and the matrix, the largest number of steps first."""
    for x in reversed(found):
        yield _donors(view, x)
        yield _matrix(view, x)


def _donors(view: FirstOrderView, one: Controlled) -> Table:
    def means(some: dict[tuple[str, str], Estimate]) -> dict[str, Estimate]:
        return {
            f: mean(some[f, g] for g in view.targets if (f, g) in some and not has(f, g))
            for f in view.transfer
            if any((f, g) in some and not has(f, g) for g in view.targets)
        }

    plain, better = judge(means(one.plain)), judge(means(one.better))
    order = sorted(better, key=lambda f: -(better[f].number.value or -np.inf))
    return Table(
        f"Task loss with a control variate, {counted(one.steps, 'step')}",
        ("Transfer language", "Exact", "With control variate"),
        tuple((view.reading.name(f), plain[f].number, better[f].number) for f in order),
        f"{NOTE} Mean over all targets but the language itself, {UNIT} ({TARGET_GAINS}). "
        f"{verdicts_over('the column')}",
        drawn=("With control variate",),
        unit=UNIT,
        sign=TARGET_GAINS,
    )


def _matrix(view: FirstOrderView, one: Controlled) -> Matrix:
    judged = judge(one.better)
    rows = [f for f in view.transfer if any(pair[0] == f for pair in judged)]
    return Matrix(
        f"Task loss with a control variate on {view.task}, {counted(one.steps, 'step')}",
        tuple(view.reading.name(f) for f in rows),
        tuple(view.reading.name(g) for g in view.targets),
        tuple(
            tuple(judged[f, g].number if (f, g) in judged else Number(None) for g in view.targets)
            for f in rows
        ),
        "Transfer language",
        "Target language",
        unit=UNIT,
        note=f"{NOTE} {verdicts_over('the matrix')}",
        sign=TARGET_GAINS,
    )
