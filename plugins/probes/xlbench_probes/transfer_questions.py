"""The questions that are asked of all tasks of a transfer study at once, one page each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Page
from xlbench.probing import counted

if TYPE_CHECKING:
    from xlbench_probes.transfer_view import View

READINGS = (
    "Effect: the task adapter is put back as it was. Gain: it is retrained on the fine-tuned weights. "
    "Both are differences from zero-shot; positive: the target gains."
)
DIFFERENCES = "Of a difference, helps means more and harms means less."
OF_THESE = (
    "Intervals are about the means over these languages: they cover test examples and seeds, not other "
    "languages that could have been studied."
)


def pages(views: Mapping[str, Sequence[View]]) -> Iterator[Page]:
    """A page per question; `views` has the readings of each task. A question that the study cannot answer
    has a page that says what is lacking.
    """
    from xlbench_probes import (
        transfer_headline,
        transfer_models,
        transfer_pairs,
        transfer_sets,
        transfer_stopping,
        transfer_who,
    )

    every = [view for of_task in views.values() for view in of_task]
    if every:
        yield transfer_headline.page(every)
        yield transfer_who.page(every)
        yield transfer_stopping.page(every)
        yield transfer_pairs.page(every)
        yield transfer_models.page(every)
        if (of_sets := transfer_sets.page(every)) is not None:
            yield of_sets


def unanswered(topic: str, title: str, lacks: str) -> Page:
    """A page that says only why there is nothing on it."""
    return Page("", title, (f"This study cannot answer it: {lacks}.",), (), topic=topic)


def what(view: View) -> str:
    """What the view's differences from zero-shot are: "gain" or "effect"."""
    return "gain" if view.read_out == "retrained" else "effect"


def task_of(view: View) -> str:
    """The task with its unit: "pos (points of accuracy)"."""
    return f"{view.task} ({view.metric.measure})"


def called(view: View, steps: int | None = None) -> str:
    """As in "pos, gain, 100 steps"."""
    return f"{view.task}, {what(view)}, {counted(view.last if steps is None else steps, 'step')}"


def by_side(view: View) -> tuple[dict[bool, list[str]], dict[bool, list[str]]]:
    """Transfer languages at the largest number of steps, and targets, by whether they were seen in
    pretraining; those of which that is not known are in neither.
    """
    seen = view.reading.records.seen
    donors = [arm.text for arm in view.arms(view.last)]

    def split(codes: Sequence[str]) -> dict[bool, list[str]]:
        return {side: [x for x in codes if seen.get(x) is side] for side in (True, False)}

    return split(donors), split(view.targets)
