"""The pages of first-order evaluation: how far it agrees with exact evaluation, and what it says as far as it
does. Imports numpy: import this where pages are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Matrix, Number, Page, Table
from xlbench.contracts.mixture import has
from xlbench.probing import TARGET_GAINS, Reading, counted, interval, made_from, tidy, verdicts_over, words
from xlbench_probes import control_pages
from xlbench_probes.arms import Arm
from xlbench_probes.first_order import FEWEST, PROBE, is_exact
from xlbench_probes.first_order_view import (
    OVER_ALL,
    SLOPE,
    WITHIN,
    FirstOrderView,
    number_of,
)

if TYPE_CHECKING:
    from xlbench.contracts import Part, Records, Row
    from xlbench_probes.first_order_view import Agreement

TOPIC = "first order"
UNIT = "thousandths of a nat per decision"
MEANING = (
    "Reduction of the mean task loss to first order: the inner product of the change of "
    "the weights with the gradient of the target's task loss at the pretrained weights."
)


def pages(records: Records) -> list[Page]:
    """A page per task."""
    reading = Reading(records)
    return [_page(FirstOrderView.of(reading, task)) for task in reading.tasks(PROBE)]


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """The first-order effect of every pair at every number of steps, and whether the first order holds."""
    reading = Reading(records)
    views = (FirstOrderView.of(reading, task) for task in reading.tasks(PROBE))
    return {"first_order": (row for view in views for k in view.steps for row in _rows(view, k))}


def _rows(view: FirstOrderView, steps: int) -> Iterator[Row]:
    holds = view.agreement(steps)
    for (f, g), one in view.judged(steps).items():
        seeds = len({seed for seed, _ in view.changes[Arm(f, steps), g]})
        yield {
            "task": view.task,
            "transfer": f,
            "target": g,
            "steps": steps,
            "own_text": has(f, g),
            **tidy(one, n=None, seeds=seeds, unit=UNIT),
            "first_order_holds": holds.holds if holds.is_known else None,
        }


def _page(view: FirstOrderView) -> Page:
    found = {k: view.agreement(k) for k in view.steps}
    speaks = [k for k in view.steps if found[k].holds]
    better = control_pages.of(view) if is_exact(view.reading.records) else []
    parts: list[Part] = [_agreement(view, found), *control_pages.parts(view, better)]
    for k in reversed(speaks):
        parts += [_donors(view, k), _matrix(view, k)]
    return Page(
        view.task,
        f"First-order evaluation: {view.task}",
        (*_summary(view, found), *control_pages.summary(better)),
        tuple(parts),
        answer=tuple(_answer(view, found, speaks)),
        topic=TOPIC,
    )


def _answer(view: FirstOrderView, found: Mapping[int, Agreement], speaks: list[int]) -> Iterator[str]:
    name = view.reading.name
    if speaks:
        k = speaks[-1]
        best = [(f, x.number) for f, x in view.donations(k).items() if x.number.value is not None]
        if best:
            f, number = best[0]
            said = interval(number, UNIT) if number.low is not None else f"{number.text()} {UNIT}"
            least = "reduces the task loss most" if (number.value or 0) > 0 else "raises the task loss least"
            yield f"To first order, after {counted(k, 'step')}, {name(f)} {least}: {said}."
    for k, one in found.items():
        if not one.is_known:
            why = (
                f"{counted(len(one.missing), 'exact evaluation')} missing, such as {one.missing[0]}"
                if one.missing
                else f"it takes {FEWEST} targets with {FEWEST} transfer languages each, evaluated exactly"
            )
            yield (
                f"After {counted(k, 'step')} it is not known whether the first order holds ({why}); no "
                "effects are shown."
            )
        elif not one.holds:
            yield (
                f"After {counted(k, 'step')} ({_rate(view)}) the first order does not hold: {_said(one)}. No "
                "effects are shown; run these steps with --evaluation exact."
            )


def _summary(view: FirstOrderView, found: Mapping[int, Agreement]) -> Iterator[str]:
    yield (
        f"{counted(len(view.transfer), 'transfer language')}, "
        f"{counted(len(view.targets), 'target language')}, "
        f"{counted(view.seeds, 'fine-tuning seed')}, {_rate(view)}."
    )
    for k, one in found.items():
        if one.is_known:
            holds = "holds" if one.holds else "does not hold"
            yield f"After {counted(k, 'step')} the first order {holds}: {_said(one)}."
    if view.seeds > 1:
        yield (
            "Intervals are 95% CIs over fine-tuning seeds (and task adapters, where there are several), for "
            "these test examples."
        )
    else:
        yield "With one seed, effects hold for this run only and have no interval."
    if missing := view.missing():
        yield f"{counted(len(missing), 'evaluation')} missing: {words(missing[:3])}."


def _said(one: Agreement) -> str:
    return (
        f"rank correlation with exact effects of the same runs {one.over_all:.2f} over all pairs, "
        f"{one.within:.2f} within a target, slope {one.slope:.2f} ({counted(one.cells, 'cell')})"
    )


def _rate(view: FirstOrderView) -> str:
    """The learning rate of the fine-tuning, for people."""
    study: Mapping[str, Any] = view.reading.records.study
    mlm = study.get("mlm") or {}
    return f"learning rate {mlm.get('learning_rate', 5e-5):g}, {mlm.get('schedule', 'linear')} schedule"


def _agreement(view: FirstOrderView, found: Mapping[int, Agreement]) -> Table:
    rows = [
        (
            k,
            one.cells,
            *(Number(None if x != x else x) for x in (one.over_all, one.within, one.slope)),
            "not known" if not one.is_known else "yes" if one.holds else "no",
        )
        for k, one in found.items()
    ]
    return Table(
        "First-order against exact evaluation of the same runs",
        ("Steps", "Cells", "All pairs", "Within a target", "Slope", "Holds"),
        tuple(rows),
        "All pairs and within a target (mean over targets): Spearman's rank correlation of first-order "
        "effects on the task loss with exact ones, own texts left out. Slope: of exact effects on "
        f"first-order ones. Holds: within a target at least {WITHIN:g}, all pairs at least {OVER_ALL:g}, "
        f"slope between {SLOPE[0]:g} and {SLOPE[1]:g}. Effects are shown only where it holds.",
        leads=True,
    )


def _donors(view: FirstOrderView, steps: int) -> Table:
    return Table(
        f"Task loss by transfer language, to first order, {counted(steps, 'step')}",
        ("Transfer language", "Seen", "Effect"),
        tuple(
            (view.reading.name(f), view.reading.seen(f), number_of(x))
            for f, x in view.donations(steps).items()
        ),
        f"{MEANING} Mean over all targets but the language itself ({TARGET_GAINS}). "
        f"{verdicts_over('the column')}",
        drawn=("Effect",),
        unit=UNIT,
        sign=TARGET_GAINS,
    )


def _matrix(view: FirstOrderView, steps: int) -> Matrix:
    found, rows = view.judged(steps), list(view.donations(steps))
    exact = {
        (arm.text, g): [x[1] for x in runs.values() if not isinstance(x, str)]
        for (arm, g), runs in view.pairs.items()
        if arm.steps == steps
    }

    def cell(f: str, g: str) -> Number:
        if (f, g) not in found:
            return Number(None)
        one = made_from(number_of(found[f, g]))
        values = exact.get((f, g))
        if not values:
            return one
        return replace(one, details=(("Exact, of the same runs", sum(values) / len(values)),))

    return Matrix(
        f"Task loss on {view.task}, to first order, {counted(steps, 'step')}",
        tuple(view.reading.name(f) for f in rows),
        tuple(view.reading.name(g) for g in view.targets),
        tuple(tuple(cell(f, g) for g in view.targets) for f in rows),
        "Transfer language",
        "Target language",
        unit=UNIT,
        note=f"{MEANING} {verdicts_over('the matrix')}",
        sign=TARGET_GAINS,
    )
