"""The pages of the probe `foresee`: what is foreseen, and how it agrees with what was measured. Imports
numpy: import this where pages are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import Headline, Matrix, Number, Page, Table
from xlbench.contracts.mixture import has
from xlbench.probing import TARGET_GAINS, Reading, between, counted
from xlbench_probes.first_order_pages import UNIT
from xlbench_probes.first_order_view import PER
from xlbench_probes.foresee import PROBE
from xlbench_probes.foresee_scale import FEWEST
from xlbench_probes.foresee_view import ForeseeView

if TYPE_CHECKING:
    from xlbench.contracts import Part, Records, Row, Value
    from xlbench_probes.foresee_view import Prediction

MEANING = (
    "Foreseen reduction of the task loss, without fine-tuning: the inner product of the "
    "gradient of the target's task loss with what first steps on the transfer language's text would do."
)


def pages(records: Records) -> list[Page]:
    """A page per task."""
    reading = Reading(records)
    return [_page(ForeseeView.of(reading, task)) for task in reading.tasks(PROBE)]


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """What is foreseen of every pair of different languages at every number of steps."""
    reading = Reading(records)
    return {
        "foreseen": (row for task in reading.tasks(PROBE) for row in _rows(ForeseeView.of(reading, task)))
    }


def advise(records: Records, task: str, target: str) -> Page:
    """Transfer languages for a target, the most promising first, by what is foreseen. Where that says nothing
    of the target, or measured effects contradict it, the page says so and ranks none.
    """
    view = ForeseeView.of(Reading(records), task)
    name = view.reading.name
    title = f"Foreseen for {name(target)}: {task}"
    if target not in view.targets:
        line = f"Nothing is foreseen of {name(target)}; run it with --probe foresee --targets {target}."
        return Page(task, title, (line,), ())
    k = view.steps[-1] if view.steps else 1
    if warnings := tuple(_warnings(view, k)):
        return Page(task, title, ("No ranking is given.",), (), warnings=warnings)
    found = {f: x for (f, g), x in view.predictions(k).items() if g == target}
    ranked = sorted(found, key=lambda f: -found[f].value)
    table = Table(
        f"{title}, {counted(k, 'step')}",
        ("Transfer language", "Seen", "Foreseen"),
        tuple((name(f), view.reading.seen(f), _number(found[f])) for f in ranked),
        f"{MEANING} 95% intervals ({TARGET_GAINS}).",
    )
    lines = [f"{name(f)} comes first: {between(_number(found[f]), UNIT)}." for f in ranked[:1]]
    return Page(task, title, (*lines, *(x for x in _answer(view, k, {}))), (table,))


def _rows(view: ForeseeView) -> Iterator[Row]:
    for k in view.steps:
        means = view.means(k)
        for (f, g), x in view.predictions(k).items():
            yield {
                "task": view.task,
                "transfer": f,
                "target": g,
                "steps": k,
                "foreseen": x.value,
                "low": x.low,
                "high": x.high,
                "calibrated": x.calibrated,
                "measured": means.get((f, g)),
                "unit": "nats per decision",
            }


def _page(view: ForeseeView) -> Page:
    k = view.steps[-1] if view.steps else 1
    found = view.predictions(k)
    parts: list[Part] = []
    if any(view.means(x) for x in view.steps):
        parts.append(_agreement(view))
    parts += [_donors(view, k, found), _matrix(view, k, found)]
    return Page(
        view.task,
        f"Foresight: {view.task}",
        tuple(_summary(view, k)),
        tuple(parts),
        answer=tuple(_answer(view, k, found)),
        warnings=tuple(_warnings(view, k)),
        topic="foresight",
        headlines=tuple(_headlines(view, found)),
    )


def _warnings(view: ForeseeView, steps: int) -> Iterator[str]:
    found = view.agreement(steps)
    if found.targets and not (found.within > 0 and found.slope > 0):
        yield (
            f"Foresight fails here: after {counted(steps, 'step')} what was foreseen does not order transfer "
            f"languages as measured effects do (rank correlation within a target {found.within:.2f}, slope "
            f"{found.slope:.2f}). Do not choose by it."
        )


def _headlines(view: ForeseeView, found: Mapping[tuple[str, str], Prediction]) -> Iterator[Headline]:
    """One note, short enough for a summary's line."""
    for f, what in _first(_means(view, found)):
        yield Headline("note", f"Foreseen to {what}: {view.reading.name(f)} (nothing was fine-tuned)")


def _first(means: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """The transfer language that is foreseen to do best on average, and what it is foreseen to do."""
    if means:
        f = max(means, key=lambda x: means[x])
        yield f, "help most" if means[f] > 0 else "harm least"


def _answer(view: ForeseeView, steps: int, found: Mapping[tuple[str, str], Prediction]) -> Iterator[str]:
    means = _means(view, found)
    for f, what in _first(means):
        yield (
            f"Foreseen to {what}, on average over the other "
            f"targets: {view.reading.name(f)} "
            f"({PER * means[f]:+.2f} {UNIT} after {counted(steps, 'step')}). Nothing was fine-tuned for this."
        )
    if view.scale(steps) is None:
        yield (
            "This is a ranking to be tested, not a measurement: its scale is that of the first order, and "
            f"intervals cover the choice of text alone, until effects of {FEWEST} transfer languages on "
            f"{FEWEST} targets are measured (--probe transfer,foresee)."
        )


def _summary(view: ForeseeView, steps: int) -> Iterator[str]:
    yield (
        f"{counted(len(view.transfer), 'transfer language')}, "
        f"{counted(len(view.targets), 'target language')}; "
        f"learning rate {view.learning_rate:g}, {view.schedule} schedule."
    )
    scale = view.scale(steps)
    if scale is not None:
        yield (
            f"After {counted(steps, 'step')}, measured effects are {scale.slope:.2f} times what the first "
            f"order foresees, {PER * scale.intercept:+.2f} {UNIT} ({counted(scale.cells, 'measured cell')}). "
            "Intervals are for transfer languages and targets that were not measured."
        )
    if view.missing:
        yield f"{counted(len(view.missing), 'evaluation')} missing, such as {view.missing[0]}."


def _agreement(view: ForeseeView) -> Table:
    rows: list[tuple[Value | Number, ...]] = []
    for k in view.steps:
        if not view.means(k):
            continue
        found, ceiling = view.agreement(k), view.ceiling(k)
        numbers = (found.over_all, ceiling.over_all, found.within, ceiling.within, found.slope)
        rows.append((k, found.cells, *(Number(None if np.isnan(x) else x) for x in numbers)))
    return Table(
        "Foreseen against measured effects on the task loss",
        ("Steps", "Cells", "All pairs", "At most", "Within a target", "At most (within)", "Slope"),
        tuple(rows),
        "Rank correlation (Spearman) of foreseen with measured effects, over all pairs of different "
        "languages and within a target (mean over targets). At most: the root of the reliability of the "
        "means measured over seeds, which no prediction can be expected to exceed; empty with one seed. "
        "Slope: of measured effects on foreseen ones.",
        leads=True,
    )


def _means(view: ForeseeView, found: Mapping[tuple[str, str], Prediction]) -> dict[str, float]:
    return {
        f: float(np.mean([found[f, g].value for g in view.targets if not has(f, g)]))
        for f in view.transfer
        if all((f, g) in found for g in view.targets if not has(f, g))
        and any(not has(f, g) for g in view.targets)
    }


def _donors(view: ForeseeView, steps: int, found: Mapping[tuple[str, str], Prediction]) -> Table:
    means = _means(view, found)
    best = {
        f: max((g for g in view.targets if (f, g) in found), key=lambda g: found[f, g].value) for f in means
    }
    return Table(
        f"Foreseen by transfer language, {counted(steps, 'step')}",
        ("Transfer language", "Seen", "Mean", "Largest on", "There"),
        tuple(
            (
                view.reading.name(f),
                view.reading.seen(f),
                Number(PER * x, signed=True),
                view.reading.name(best[f]),
                between(_number(found[f, best[f]]), UNIT),
            )
            for f, x in sorted(means.items(), key=lambda item: -item[1])
        ),
        f"{MEANING} Mean over the targets other than the language ({TARGET_GAINS}).",
        sign=TARGET_GAINS,
    )


def _number(one: Prediction) -> Number:
    return Number(PER * one.value, PER * one.low, PER * one.high, signed=True)


def _matrix(view: ForeseeView, steps: int, found: Mapping[tuple[str, str], Prediction]) -> Matrix:
    means = view.means(steps)
    donors = sorted(view.transfer, key=lambda f: -_means(view, found).get(f, -np.inf))

    def cell(f: str, g: str) -> Number:
        if (f, g) not in found:
            return Number(None)
        details = (("Measured", PER * means[f, g]),) if (f, g) in means else ()
        return replace(_number(found[f, g]), details=details)

    return Matrix(
        f"Foreseen effects on {view.task}, {counted(steps, 'step')}",
        tuple(view.reading.name(f) for f in donors),
        tuple(view.reading.name(g) for g in view.targets),
        tuple(tuple(cell(f, g) for g in view.targets) for f in donors),
        "Transfer language",
        "Target language",
        unit=UNIT,
        note=f"{MEANING} 95% intervals.",
        sign=TARGET_GAINS,
    )
