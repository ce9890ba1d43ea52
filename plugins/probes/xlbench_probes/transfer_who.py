"""Who gains from whom: transfer languages and targets that the model saw in pretraining, or did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xlbench.contracts import Curves, Page, Table
from xlbench.contracts.mixture import has
from xlbench.probing import TARGET_GAINS, counted, difference, interval, judge, mean, number, verdicts_over
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_questions import (
    DIFFERENCES,
    OF_THESE,
    READINGS,
    by_side,
    called,
    task_of,
    unanswered,
    what,
)

if TYPE_CHECKING:
    from xlbench.contracts import Number, Part, Value
    from xlbench.probing import Estimate
    from xlbench_probes.transfer_view import View

TOPIC = "who to whom"
TITLE = "Who gains from whom: seen and unseen languages"
SIDES = {True: "seen", False: "unseen"}
BETWEEN = "unseen minus seen"

Pair: TypeAlias = "tuple[str, str]"
Quadrant: TypeAlias = "tuple[bool, bool]"
"""Whether the transfer language, and the target, was seen in pretraining."""


class Contrast(NamedTuple):
    """A property of pairs within a quadrant: what it adds, target by target."""

    name: str
    estimate: Estimate
    targets: int
    pairs: int


def page(views: Sequence[View]) -> Page:
    """Two by two, and what matters within."""
    able = [view for view in views if len(_quadrants(view)) > 1]
    if not able:
        known = any(x is not None for view in views for x in view.reading.records.seen.values())
        return unanswered(
            TOPIC,
            TITLE,
            "it needs seen and unseen languages among the transfer languages or the targets"
            if known
            else "it is not known which languages the model was pretrained on; name them with "
            "--pretraining-languages",
        )
    within = [
        (view, quadrant, x) for view in able for quadrant in _quadrants(view) for x in _within(view, quadrant)
    ]
    parts: list[Part] = [_two_by_two(able), *([_matters(within)] if within else []), *map(_curves, able)]
    return Page("", TITLE, tuple(_summary(able)), tuple(parts), topic=TOPIC)


def _quadrants(view: View) -> dict[Quadrant, list[Pair]]:
    """Pairs of different languages of each quadrant that has any."""
    donors, targets = by_side(view)
    found = {
        (one, other): [(f, g) for f in donors[one] for g in targets[other] if not has(f, g)]
        for one in (True, False)
        for other in (True, False)
    }
    return {quadrant: pairs for quadrant, pairs in found.items() if pairs}


def _mean(view: View, steps: int, pairs: Sequence[Pair]) -> Estimate:
    return mean(view.effects.effect(Arm(f, steps), g) for f, g in pairs)


def _numbers(view: View) -> dict[tuple[str, str], Estimate]:
    """Means of the quadrants and their differences, by (transfer languages, targets)."""
    found = {
        (SIDES[one], SIDES[other]): _mean(view, view.last, pairs)
        for (one, other), pairs in _quadrants(view).items()
    }
    for side in SIDES.values():
        if {(side, "seen"), (side, "unseen")} <= set(found):
            found[side, BETWEEN] = difference(found[side, "unseen"], found[side, "seen"])
        if {("seen", side), ("unseen", side)} <= set(found):
            found[BETWEEN, side] = difference(found["unseen", side], found["seen", side])
    return found


def _judged(views: Sequence[View]) -> dict[tuple[View, str, str], Number]:
    every = {(view, *key): x for view in views for key, x in _numbers(view).items()}
    return {key: x.number for key, x in judge(every, alike=lambda key: key[0]).items()}


def _two_by_two(views: Sequence[View]) -> Table:
    found = _judged(views)
    rows: list[tuple[Value | Number, ...]] = []
    for view in views:
        sizes = {quadrant: len(pairs) for quadrant, pairs in _quadrants(view).items()}
        for donors in (*SIDES.values(), BETWEEN):
            cells = [found.get((view, donors, targets)) for targets in (*SIDES.values(), BETWEEN)]
            counts = [sizes.get((donors == "seen", side), 0) for side in SIDES]
            pairs = "" if donors == BETWEEN else " and ".join(map(str, counts))
            if any(x is not None for x in cells):
                rows.append((task_of(view), what(view), view.last, donors, *cells, pairs))
    return Table(
        "Mean effect and gain by what the model saw in pretraining",
        (
            "Task",
            "Reading",
            "Steps",
            "Transfer languages",
            "Seen targets",
            "Unseen targets",
            "Unseen minus seen targets",
            "Pairs (seen, unseen targets)",
        ),
        tuple(rows),
        f"Means over all pairs of different languages. {READINGS} {OF_THESE} {verdicts_over('the table')} "
        f"{DIFFERENCES}",
    )


def _within(view: View, quadrant: Quadrant) -> Iterator[Contrast]:
    pairs = _quadrants(view)[quadrant]
    languages = view.reading.records.languages
    known = [(f, g) for f, g in pairs if f in languages and g in languages]
    for what_, fact in (("same family", "family"), ("same script", "script")):
        sides = {
            (f, g): getattr(languages[f], fact) == getattr(languages[g], fact)
            for f, g in known
            if "unknown" not in (getattr(languages[f], fact), getattr(languages[g], fact))
        }
        yield from _contrast(view, what_, sides)
    for distance in view.distances:
        table = {pair: float(distance.table[pair]) for pair in pairs if pair in distance.table}
        middle = {g: median(x for (_, other), x in table.items() if other == g) for _, g in table}
        halves = {(f, g): x < middle[g] for (f, g), x in table.items() if x != middle[g]}
        yield from _contrast(view, f"nearer half ({distance.name} distance)", halves)


def _contrast(view: View, name: str, sides: Mapping[Pair, bool]) -> Iterator[Contrast]:
    """Mean over targets of [mean effect of the transfer languages that have it - of those that do not]."""
    effect = view.effects.effect
    each: list[Estimate] = []
    used = 0
    for g in dict.fromkeys(g for _, g in sides):
        having, lacking = (
            [effect(Arm(f, view.last), g) for (f, other), x in sides.items() if other == g and x is side]
            for side in (True, False)
        )
        if having and lacking:
            each.append(difference(mean(having), mean(lacking)))
            used += len(having) + len(lacking)
    if each:
        yield Contrast(name, mean(each), len(each), used)


def _matters(found: Sequence[tuple[View, Quadrant, Contrast]]) -> Table:
    every = {(view, quadrant, x.name): x.estimate for view, quadrant, x in found}
    judged = judge(every, alike=lambda key: key[0])
    rows = tuple(
        (
            task_of(view),
            what(view),
            SIDES[quadrant[0]],
            SIDES[quadrant[1]],
            x.name,
            judged[view, quadrant, x.name].number,
            x.targets,
            x.pairs,
        )
        for view, quadrant, x in found
    )
    return Table(
        "What matters within",
        (
            "Task",
            "Reading",
            "Transfer languages",
            "Targets",
            "Transfer language has",
            "Adds",
            "Targets compared",
            "Pairs",
        ),
        rows,
        "Adds: how much more a target gains from transfer languages that have the property than from those "
        "that have not, at the largest number of steps; the mean over targets that have both. Nearer half: "
        "transfer languages nearer to the target than the median of its transfer languages. Properties go "
        f"together, so that one may stand for another. {OF_THESE} {verdicts_over('the table')} {DIFFERENCES}",
    )


def _curves(view: View) -> Curves:
    quadrants = _quadrants(view)
    values = tuple(tuple(number(_mean(view, k, pairs)) for k in view.steps) for pairs in quadrants.values())
    return Curves(
        f"{what(view).capitalize()} on {view.task}, from whom to whom",
        tuple(f"{SIDES[one]} to {SIDES[other]} ({len(pairs)})" for (one, other), pairs in quadrants.items()),
        view.steps,
        values,
        "Transfer language to target",
        "Steps",
        unit=view.metric.measure,
        sign=TARGET_GAINS,
        note="Means over all pairs of different languages; how many, in brackets.",
    )


def _summary(views: Sequence[View]) -> Iterator[str]:
    found = _judged(views)
    for view in views:
        unit = view.metric.unit
        said = [
            f"{donors} to {side} {interval(x, unit)}"
            for side in ("unseen", "seen")
            for donors in ("unseen", "seen")
            if (x := found.get((view, donors, side))) is not None
        ]
        yield f"{called(view)}: {'; '.join(said)}."
    few = min(len(pairs) for view in views for pairs in _quadrants(view).values())
    if few < 4:
        yield f"Some of these means are over {counted(few, 'pair')} only."
