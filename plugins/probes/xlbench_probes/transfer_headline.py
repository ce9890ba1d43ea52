"""The paper's headline, tested: unseen languages gain from almost any language, and none helps all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xlbench.contracts import Page, Table
from xlbench.contracts.mixture import has
from xlbench.probing import counted, holm, interval, judge, mean, verdicts_over
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_questions import (
    READINGS,
    by_side,
    called,
    task_of,
    unanswered,
    what,
)

if TYPE_CHECKING:
    from xlbench.contracts import Number, Value
    from xlbench.probing import Estimate, Judged
    from xlbench_probes.transfer_view import View

TOPIC = "headline"
TITLE = "Do unseen languages gain from almost any language, and does none help all?"
ALMOST = 0.8
"""Share of the transfer languages that counts as almost any."""
LEVEL = 0.05

Answer: TypeAlias = str
"""holds, does not hold, open, this run only, or empty where something is missing."""


class Range(NamedTuple):
    """How many of some languages have a property: what is seen, and its 95% interval."""

    seen: int
    low: int
    high: int
    of: int

    def text(self) -> str:
        """For people."""
        return f"{self.seen} of {self.of} (95% CI {self.low} to {self.high})"


class Claims(NamedTuple):
    """Of one reading of a task at one number of steps."""

    view: View
    steps: int
    unseen: int
    """Targets."""
    mean: Estimate
    """Effect on unseen targets, over all transfer languages."""
    helping: Range | None
    """Transfer languages that help unseen targets on average."""
    all: Range | None
    """Transfer languages that help every target."""

    @property
    def alone(self) -> bool:
        """Whether it is of one seed."""
        return self.mean.alone

    @property
    def any(self) -> Answer:
        """Whether unseen languages gain from almost any."""
        if self.helping is None:
            return ""
        need = ALMOST * self.helping.of
        return self._said(self.helping.low >= need, self.helping.high < need)

    @property
    def none(self) -> Answer:
        """Whether no transfer language helps all."""
        return "" if self.all is None else self._said(self.all.high == 0, self.all.low > 0)

    def _said(self, holds: bool, fails: bool) -> Answer:
        if self.alone:
            return "this run only"
        return "holds" if holds else "does not hold" if fails else "open"


def page(views: Sequence[View]) -> Page:
    """Both claims, for each task, reading and number of steps."""
    found = [_claims(view, k) for view in views if by_side(view)[1][False] for k in reversed(view.steps)]
    found = [x for x in found if x.helping is not None]
    if not found:
        return unanswered(
            TOPIC, TITLE, "it needs targets that the model was not pretrained on, with all results"
        )
    return Page("", TITLE, tuple(_summary(found)), (_table(found),), topic=TOPIC)


def _claims(view: View, steps: int) -> Claims:
    unseen = by_side(view)[1][False]
    arms = view.arms(steps)
    pairs = {arm.text: [g for g in unseen if not has(arm.text, g)] for arm in arms}
    helped = judge(
        {
            f: mean(view.effects.effect(Arm(f, steps), g) for g in targets)
            for f, targets in pairs.items()
            if targets
        }
    )
    over = mean(view.effects.effect(Arm(f, steps), g) for f, targets in pairs.items() for g in targets)
    return Claims(view, steps, len(unseen), over, helping(helped), helping_all(view.judged_effects(steps)))


def helping(donors: Mapping[str, Judged]) -> Range | None:
    """How many transfer languages have a mean effect above 0. The interval: tests by Holm's correction, so
    that with a chance of 95% all that are said to help do, and all that are said to harm do. None where one
    is missing.
    """
    tests = [(x.number.value, x.p) for x in donors.values()]
    known = [(value, p) for value, p in tests if value is not None and p is not None]
    if not known or len(known) < len(tests):
        return None
    sure = holm([p for _, p in known]) <= LEVEL
    helps = sum(bool(x) and value > 0 for x, (value, _) in zip(sure, known, strict=True))
    harms = sum(bool(x) and value < 0 for x, (value, _) in zip(sure, known, strict=True))
    return Range(sum(value > 0 for value, _ in known), helps, len(known) - harms, len(known))


def helping_all(cells: Mapping[tuple[str, str], Judged]) -> Range | None:
    """How many transfer languages have effects above 0 on every other target. Lower end: those of which each
    effect is above 0 by its own test (an intersection of unions, Berger 1982). Upper end: those that are not
    shown to harm any target (Bonferroni over its targets). Both by Holm's correction over transfer languages,
    each at half of the level. None where a cell is missing.
    """
    by_donor: dict[str, list[tuple[float, float]]] = {}
    for (f, g), x in cells.items():
        if has(f, g):
            continue
        if x.number.value is None or x.p is None:
            return None
        by_donor.setdefault(f, []).append((x.number.value, x.p))
    if not by_donor:
        return None
    # Two-sided p-values, halved for one side: at half of the level, p <= LEVEL.
    all_help = [max(p if value > 0 else 1.0 for value, p in some) for some in by_donor.values()]
    one_harmed = [
        min(1.0, len(some) * min(p if value < 0 else 1.0 for value, p in some)) for some in by_donor.values()
    ]
    low = int((holm(all_help) <= LEVEL).sum())
    high = len(by_donor) - int((holm(one_harmed) <= LEVEL).sum())
    seen = sum(all(value > 0 for value, _ in some) for some in by_donor.values())
    return Range(seen, low, high, len(by_donor))


def _judged(found: Sequence[Claims]) -> list[Number]:
    every = judge(dict(enumerate(x.mean for x in found)), alike=lambda i: (found[i].view, found[i].steps))
    return [x.number for x in every.values()]


def _table(found: Sequence[Claims]) -> Table:
    rows: list[tuple[Value | Number, ...]] = [
        (
            task_of(x.view),
            what(x.view),
            x.steps,
            x.unseen,
            over,
            x.helping.text() if x.helping else None,
            x.any or None,
            x.all.text() if x.all else None,
            x.none or None,
        )
        for x, over in zip(found, _judged(found), strict=True)
    ]
    return Table(
        "The paper's headline by task, reading and steps",
        (
            "Task",
            "Reading",
            "Steps",
            "Unseen targets",
            "Mean on unseen targets",
            "Transfer languages that help them",
            "Unseen targets gain from almost any",
            "Transfer languages that help every target",
            "None helps all",
        ),
        tuple(rows),
        f"{READINGS} Mean: over all transfer languages. {verdicts_over('the column')} Transfer languages "
        "that help: those with a mean effect above 0 on unseen targets, and those with an effect above 0 "
        "on every target, seen or not, but themselves. Their intervals count what tests with Holm's "
        "correction show: at least as many as clearly help, at most those that do not clearly harm (any "
        f"target). Almost any holds if the interval starts at {ALMOST:.0%} of the transfer languages or "
        "more, and does not hold if it ends below; none helps all holds if the interval ends at 0. Open: "
        "the study cannot tell.",
    )


def _summary(found: Sequence[Claims]) -> Iterator[str]:
    numbers = dict(zip(range(len(found)), _judged(found), strict=True))
    for i, x in enumerate(found):
        if x.steps != x.view.last or x.helping is None:
            continue
        if x.alone:
            yield f"{called(x.view)}: with one seed nothing can be said of other runs."
            continue
        first = f"unseen targets gain from almost any language: {x.any}"
        second = (
            f"none helps all: {x.none}"
            if x.none
            else "none helps all: not known, because results are missing"
        )
        mean_ = interval(numbers[i], x.view.metric.unit)
        yield (
            f"{called(x.view)}: {first} ({x.helping.text()} transfer languages help them; mean {mean_}); "
            f"{second}."
        )
    some = sorted({x.unseen for x in found})
    if some[0] < 3:
        yield f"{counted(some[0], 'unseen target')} is few for a claim about unseen languages."
