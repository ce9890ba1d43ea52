"""The pages of the zero-shot probe. Imports numpy: import this where pages are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Headline, Page, Table
from xlbench.metrics.task_loss import TASK_LOSS
from xlbench.probing import Effects, Reading, adapters, counted
from xlbench_probes.labels import gold, predicted
from xlbench_probes.task_loss import MEANING, LossReading, as_loss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from xlbench.contracts import (
        Cell,
        Counts,
        Evaluation,
        Job,
        Metric,
        Number,
        ReadBy,
        Records,
        Row,
    )

PROBE = "zero-shot"
FAR = 10.0
"""Points between a label's predicted and gold share of words from which a page names it."""
MOST = 5


def pages(records: Records) -> list[Page]:
    """A page a task: every target's score without finetuning, beside the majority baseline."""
    reading = Reading(records)
    return [_page(reading, task) for task in reading.tasks(PROBE)]


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """The score of every target, with its interval and the majority baseline, as the page has it."""
    reading = Reading(records)
    return {"zero_shot": (row for task in reading.tasks(PROBE) for row in _rows(reading, task))}


def _rows(reading: Reading, task: str) -> Iterator[Row]:
    metric, counts = reading.records.metrics[task], baselines(reading, task)
    effects = Effects(task, metric, counts, (), parallel=reading.parallel(task))
    majority = majorities(reading, task)
    for target in counts:
        found = effects.zero_shot(target)
        yield {
            "task": task,
            "target": target,
            "score": found.value,
            "low": found.low,
            "high": found.high,
            "majority": majority.get(target),
            "n": effects.examples(target),
            "adapter_seeds": len(effects.adapters),
            "unit": metric.unit,
            "missing": "; ".join(found.missing) or None,
        }


def measured(
    reading: Reading, task: str, adapter: ReadBy | None = None, *, alone: bool = False
) -> dict[str, dict[int, tuple[Job, Cell, Evaluation | None]]]:
    """Evaluations by target and seed of the task adapter, of this adapter, or the first that is planned, and
    of those that differ from it in their seed; of none of these where `alone`. Scores of adapters that were
    trained otherwise are never mixed.
    """
    found: dict[str, dict[int, tuple[Job, Cell, Evaluation | None]]] = {}
    for job, cell in reading.planned(PROBE, task):
        own = job.typed.adapter
        adapter = own if adapter is None else adapter
        if own == adapter or (not alone and _alike(own, adapter)):
            found.setdefault(cell.target, {})[adapter_seed_of(job)] = job, cell, reading.evaluation(job, cell)
    return found


def baselines(
    reading: Reading, task: str, adapter: ReadBy | None = None, *, alone: bool = False
) -> dict[str, dict[int, Counts | str]]:
    """Counts by target and seed of the task adapter, or what is missing."""
    return {
        x: {
            seed: one.counts if one else reading.missing(job, cell) for seed, (job, cell, one) in some.items()
        }
        for x, some in measured(reading, task, adapter, alone=alone).items()
    }


def holes(before: Mapping[str, Mapping[int, Counts | str]]) -> list[str]:
    """What is missing of baselines."""
    return [x for some in before.values() for x in some.values() if isinstance(x, str)]


def majorities(reading: Reading, task: str, adapter: ReadBy | None = None) -> dict[str, float]:
    """Score of the majority-class baseline, by target, where that was measured; it may differ between task
    adapters whose training examples were drawn, and is their mean then.
    """
    found = {
        x: [one.extra["majority"] for _, _, one in some.values() if one and "majority" in one.extra]
        for x, some in measured(reading, task, adapter).items()
    }
    return {x: sum(some) / len(some) for x, some in found.items() if some}


def adapter_seed_of(job: Job) -> int:
    """Seed of the task adapter; 0 of a task that has none."""
    adapter = job.typed.adapter
    return adapter.seed if adapter is not None else 0


def _alike(one: ReadBy | None, other: ReadBy | None) -> bool:
    """Whether two adapters differ in their seeds alone."""
    return one is not None and other is not None and one.but_for_seed == other.but_for_seed


def _page(reading: Reading, task: str) -> Page:
    metric = reading.records.metrics[task]
    counts = baselines(reading, task)
    effects = Effects(task, metric, counts, (), parallel=reading.parallel(task))
    majority = majorities(reading, task)
    found = {x: next(iter(some.values()))[2] for x, some in measured(reading, task).items()}
    scores = {target: effects.zero_shot(target) for target in counts}
    others = [
        Effects(task, replace(metric, score=score), counts, (), parallel=reading.parallel(task))
        for _, score in metric.others
    ]
    loss = LossReading(reading, task, lambda job: job.probe == PROBE)
    losses = {}
    if loss.stored:
        found_losses = Effects(task, TASK_LOSS, baselines(loss, task), (), parallel=reading.parallel(task))
        losses = {target: as_loss(found_losses.zero_shot(target)) for target in counts}
    order = sorted(scores, key=lambda x: (scores[x].value is None, -(scores[x].value or 0), x))
    rows = []
    for target in order:
        evaluation = found[target]
        size = (None, None) if evaluation is None else (len(evaluation.counts), evaluation.truncated)
        beside = [one.zero_shot(target) for one in others]
        rows.append(
            (
                reading.name(target),
                reading.seen(target),
                scores[target],
                *beside,
                majority.get(target),
                *([losses[target]] if losses else []),
                *size,
            )
        )
    further = [name[0].upper() + name[1:] for name, _ in metric.others]
    about = f" {MEANING}" if losses else f" {gaps}" if (gaps := loss.gaps()) else ""
    table = Table(
        f"Zero-shot {metric.name}",
        (
            *("Target language", "Seen", "Score", *further, "Majority"),
            *(["Task loss"] if losses else []),
            *("Examples", "Truncated"),
        ),
        tuple(rows),
        f"{metric.name} in {metric.unit}, with 95% intervals by a bootstrap over test examples. Seen: in the "
        "model's pretraining. Majority: a prediction that ignores the input, such as always the most "
        "frequent training label. Truncated: words (in classification, examples; in question answering, "
        f"questions) cut off at the longest input; words count as wrong then.{about}",
    )
    summary = _summary(reading, task, effects, counts, majority)
    said = _headline(metric, {x: scores[x] for x in order if scores[x].value is not None})
    return Page(task, f"Zero-shot: {task}", summary, (table,), headlines=said)


def _headline(metric: Metric, scores: Mapping[str, Number]) -> tuple[Headline, ...]:
    """From which to which score; `scores` are what is known, the highest first."""
    if not scores:
        return ()
    (high, best), (low, worst) = (list(scores.items())[i] for i in (0, -1))
    one = f"{best.text()} ({high})"
    span = f"from {worst.text()} ({low}) to {one}" if len(scores) > 1 else one
    unit = metric.unit if metric.unit != "points" else f"points of {metric.name}"
    return (Headline("note", f"Zero-shot: {span}, {unit}"),)


def _summary(
    reading: Reading,
    task: str,
    effects: Effects,
    counts: Mapping[str, object],
    majority: dict[str, float],
) -> tuple[str, ...]:
    scores = {x: effects.zero_shot(x) for x in counts}
    known = {x: score.value for x, score in scores.items() if score.value is not None}
    unit = reading.records.metrics[task].unit
    lines = [f"{counted(len(known), 'target language')} scored without finetuning."]
    if known:
        high, low = max(known, key=lambda x: known[x]), min(known, key=lambda x: known[x])
        best, worst = (f"{scores[x].text()} {unit}" for x in (high, low))
        if len(known) == 1:
            lines.append(f"The score of {reading.name(high)} is {best}.")
        elif known[high] == known[low]:
            lines.append(f"Every score is {best}.")
        else:
            lines.append(
                f"The highest score is that of {reading.name(high)}, {best}; the lowest that of "
                f"{reading.name(low)}, {worst}."
            )
    below = [
        reading.name(x)
        for x, value in majority.items()
        if (low_end := scores[x].low) is not None and low_end <= value
    ]
    if below:
        lines.append(
            f"Not clearly above the majority baseline (their intervals reach down to it): {', '.join(below)}."
        )
    if line := _labels(reading, task):
        lines.append(line)
    if line := adapters(reading, task, len(effects.adapters)):
        lines.append(line)
    if missing := [reading.name(x) for x in counts if x not in known]:
        lines.append(f"Missing: {', '.join(missing)}.")
    return tuple(lines)


def _labels(reading: Reading, task: str) -> str:
    """The labels that are predicted far more or less often than they are right; "" where there are none."""
    far = []
    for target, some in measured(reading, task).items():
        found = [one for _, _, one in some.values() if one]
        right, told = gold(found), predicted(found)
        if not told:
            continue
        for label in {**right, **told}:
            apart = told.get(label, 0.0) - right.get(label, 0.0)
            if abs(apart) >= FAR:
                shares = f"{told.get(label, 0.0):.0f}% (gold {right.get(label, 0.0):.0f}%)"
                far.append((-abs(apart), f"{reading.name(target)} {label} {shares}"))
    if not far:
        return ""
    more = f", and {len(far) - MOST} more" if len(far) > MOST else ""
    return (
        f"Labels predicted for a share of words that is {FAR:g} points or more from the gold data: "
        f"{', '.join(text for _, text in sorted(far)[:MOST])}{more}."
    )
