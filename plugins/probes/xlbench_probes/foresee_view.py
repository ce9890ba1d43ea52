"""One task of a study whose effects were foreseen, beside what of them was measured. Imports numpy: import
this where pages are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xlbench.contracts.mixture import has
from xlbench.probing import Reading
from xlbench_probes import foresee_scale
from xlbench_probes.first_order_view import agreement, loss_of, losses_before
from xlbench_probes.foresee import ERROR, FORESEEN, PROBE, rate_sum, text_of
from xlbench_probes.foresee_scale import LEVEL, Foreseen, Pair
from xlbench_probes.transfer import reading_of
from xlbench_probes.transfer_rounds import arm_of
from xlbench_probes.transfer_view import PROBE as EXACT_PROBE
from xlbench_probes.zero_shot_pages import adapter_seed_of

if TYPE_CHECKING:
    from xlbench.contracts import ReadBy, Records
    from xlbench_probes.first_order_view import Agreement
    from xlbench_probes.foresee_scale import Scale


class Prediction(NamedTuple):
    """A foreseen effect on the task loss: its reduction, nats per decision, with a 95% interval."""

    value: float
    low: float
    high: float
    calibrated: bool
    """Whether value and interval have the scale of measured effects; otherwise the value is that of the first
    order, and the interval is over batches of text alone.
    """


class Ceiling(NamedTuple):
    """How far any prediction could agree with measured means over seeds: the root of their reliability; not a
    number with one seed.
    """

    over_all: float
    within: float


@dataclass(frozen=True, slots=True, eq=False)
class ForeseeView:
    """What the tables of one task are made from."""

    reading: Reading
    task: str
    foreseen: Mapping[Pair, Foreseen]
    """Per unit of learning rate."""
    missing: tuple[str, ...]
    measured: Mapping[int, Mapping[Pair, Mapping[int, float]]]
    """By steps and pair: the exact effect of each fine-tuning seed, of plain text under the adapter that is
    put back."""
    transfer: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[int, ...]
    learning_rate: float
    schedule: str

    @classmethod
    def of(cls, reading: Reading, task: str) -> ForeseeView:
        """Gather what the records have."""
        each: dict[Pair, list[Foreseen]] = {}
        missing: list[str] = []
        adapter: ReadBy | None = None
        for job, cell in reading.planned(PROBE, task):
            found, adapter = reading.evaluation(job, cell), job.typed.adapter
            some = each.setdefault((text_of(job), cell.target), [])
            if found is None:
                missing.append(reading.missing(job, cell))
            else:
                some.append(Foreseen(found.extra[FORESEEN], found.extra[ERROR]))
        study: Mapping[str, Any] = reading.records.study
        mlm = study.get("mlm") or {}
        return cls(
            reading,
            task,
            {
                pair: Foreseen(
                    float(np.mean([x.value for x in some])), float(np.mean([x.error for x in some]))
                )
                for pair, some in each.items()
                if some
            },
            tuple(missing),
            _measured(reading, task, adapter),
            tuple(dict.fromkeys(f for f, _ in each)),
            tuple(dict.fromkeys(g for _, g in each)),
            tuple(sorted(study.get("steps") or ())),
            float(mlm.get("learning_rate", 5e-5)),
            str(mlm.get("schedule", "linear")),
        )

    def first_order(self, steps: int) -> dict[Pair, Foreseen]:
        """What fine-tuning for so many steps would do, to first order."""
        rate = rate_sum(steps, self.learning_rate, self.schedule)
        return {pair: Foreseen(rate * x.value, rate * x.error) for pair, x in self.foreseen.items()}

    def means(self, steps: int) -> dict[Pair, float]:
        """Measured effects of pairs of different languages, mean over seeds."""
        return {
            pair: float(np.mean(list(seeds.values())))
            for pair, seeds in self.measured.get(steps, {}).items()
            if not has(*pair) and pair in self.foreseen
        }

    def scale(self, steps: int) -> Scale | None:
        """Of measured effects, where enough are."""
        return foresee_scale.fit(self.first_order(steps), self.means(steps))

    def predictions(self, steps: int) -> dict[Pair, Prediction]:
        """Of every pair of different languages."""
        from scipy.stats import norm

        scale, found = self.scale(steps), self.first_order(steps)
        made = {}
        for pair, one in found.items():
            if has(*pair):
                continue
            if scale is not None:
                made[pair] = Prediction(*scale.predict(one), True)
            else:
                reach = float(norm.ppf((1 + LEVEL) / 2)) * one.error
                made[pair] = Prediction(one.value, one.value - reach, one.value + reach, False)
        return made

    def agreement(self, steps: int) -> Agreement:
        """Of what is foreseen with what was measured."""
        means, found = self.means(steps), self.first_order(steps)
        one: dict[str, list[float]] = {}
        other: dict[str, list[float]] = {}
        for pair, y in means.items():
            one.setdefault(pair[1], []).append(found[pair].value)
            other.setdefault(pair[1], []).append(y)
        return agreement(one, other)

    def ceiling(self, steps: int) -> Ceiling:
        """Of measured means: 1 less the share of their variance that is of seeds, its root."""
        some = {
            pair: list(seeds.values())
            for pair, seeds in self.measured.get(steps, {}).items()
            if not has(*pair) and pair in self.foreseen
        }
        if len(some) < foresee_scale.FEWEST or min(map(len, some.values())) < 2:
            return Ceiling(np.nan, np.nan)
        noise = float(np.mean([np.var(x, ddof=1) / len(x) for x in some.values()]))
        means = {pair: float(np.mean(x)) for pair, x in some.items()}
        by_target: dict[str, list[float]] = {}
        for (_, g), y in means.items():
            by_target.setdefault(g, []).append(y)
        apart = [float(np.var(x, ddof=1)) for x in by_target.values() if len(x) > 1]
        return Ceiling(
            _root(noise, float(np.var(list(means.values()), ddof=1))),
            _root(noise, float(np.mean(apart)) if apart else 0.0),
        )


def predictions(records: Records, task: str, steps: int | None = None) -> dict[Pair, Prediction]:
    """What is foreseen of each pair of a transfer language and another language, at a number of steps (None:
    the study's largest): empty where the study foresaw nothing of the task, or measured effects show that it
    does not order transfer languages within a target.
    """
    reading = Reading(records)
    if task not in reading.tasks(PROBE):
        return {}
    view = ForeseeView.of(reading, task)
    if not view.steps:
        return {}
    k = view.steps[-1] if steps is None else steps
    found = view.agreement(k)
    if found.targets and not (found.within > 0 and found.slope > 0):
        return {}
    return view.predictions(k)


def _root(noise: float, whole: float) -> float:
    return float(max(0.0, 1 - noise / whole) ** 0.5) if whole > 0 else 0.0


def _measured(reading: Reading, task: str, adapter: ReadBy | None) -> dict[int, dict[Pair, dict[int, float]]]:
    """Exact effects by steps, pair and fine-tuning seed: means over task adapters."""
    metric, before = reading.records.metrics[task], losses_before(reading, task, adapter)
    found: dict[int, dict[Pair, dict[int, list[float]]]] = {}
    for job, cell in reading.planned(EXACT_PROBE, task):
        run = job.typed.finetuning
        if run is None or not run.is_plain or reading_of(job) != "put-back":
            continue
        first = before.get((cell.target, adapter_seed_of(job)))
        after = loss_of(reading.evaluation(job, cell), metric)
        if first is not None and after is not None:
            pair = arm_of(job).text, cell.target
            some = found.setdefault(run.steps, {}).setdefault(pair, {})
            some.setdefault(run.seed, []).append(first - after)
    return {
        k: {pair: {s: float(np.mean(x)) for s, x in seeds.items()} for pair, seeds in pairs.items()}
        for k, pairs in found.items()
    }
