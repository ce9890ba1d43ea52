"""When to stop: the number of steps that helps a target most, none among the candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xlbench.contracts import Curves, Page, Table
from xlbench.probing import TARGET_GAINS, best, chances, counted, mean, number, words
from xlbench_probes.resources import levels, size_of
from xlbench_probes.transfer_questions import READINGS, called, task_of, unanswered, what

if TYPE_CHECKING:
    from xlbench.contracts import Number, Part, Value
    from xlbench.probing import Estimate
    from xlbench_probes.transfer_view import View

TOPIC = "how many steps"
TITLE = "When to stop: how many steps help most"


class Choice(NamedTuple):
    """Of one target, or of a level's mean."""

    steps: str
    """For people; "none" for 0, "this run only" with one seed, empty where something is missing."""
    number: Number | None
    """Mean effect there."""
    chances: Mapping[int, int]
    """Percent of draws in which each number of steps is the best, 0 among them; empty where none is named."""
    first: int = 0
    """The best number of steps, the smallest of several that are equal; 0 where none is above 0."""


def page(views: Sequence[View]) -> Page:
    """For each level of resources, then for each target."""
    if not any(x.value is not None for view in views for x in _recipiences(view, view.last).values()):
        return unanswered(TOPIC, TITLE, "no target has all its results")
    sizes = views[0].reading.records.sizes
    listed = "not known for this model" if sizes is None else f"{sizes.unit}; {sizes.source}"
    parts: list[Part] = [
        _levels(views, listed),
        *(_curves(x) for x in views if len(x.steps) > 1),
        _targets(views, listed),
    ]
    return Page("", TITLE, tuple(_summary(views)), tuple(parts), topic=TOPIC)


def _recipiences(view: View, steps: int) -> dict[str, Estimate]:
    """Of targets that some other language is a transfer language for."""
    found = {g: view.recipience(g, steps) for g in view.targets}
    return {g: x for g, x in found.items() if x.value is not None or x.missing}


def choose(candidates: Mapping[int, Estimate]) -> Choice:
    """The best of some numbers of steps, by mean effect, and doing nothing."""
    shares, chosen = chances(candidates), best(candidates)
    if shares is None or chosen is None:
        return Choice("", mean(candidates.values()).number(), {})
    if any(x.alone for x in candidates.values()):
        return Choice("this run only", None, {})
    first, _ = chosen
    said = words(first) if first else "none"
    percent = {0 if k is None else k: round(100 * x) for k, x in shares.items()}
    return Choice(said, candidates[first[0]].number() if first else None, percent, first[0] if first else 0)


def _of_levels(view: View) -> Iterator[tuple[str, list[str], dict[int, Estimate]]]:
    """Level, its targets, and the mean over them at each number of steps."""
    found = {k: _recipiences(view, k) for k in view.steps}
    for level, codes in levels(view.reading.records, list(found[view.last])).items():
        yield level, codes, {k: mean(found[k][g] for g in codes) for k in view.steps}


def _levels(views: Sequence[View], listed: str) -> Table:
    steps = sorted({k for view in views for k in view.steps})
    rows = []
    for view in views:
        for level, codes, means in _of_levels(view):
            choice = choose(means)
            rows.append((task_of(view), what(view), level, len(codes), *_shown(choice, steps)))
    return Table(
        "Best number of steps by size of the language in pretraining",
        ("Task", "Reading", "Size in pretraining", "Targets", *_heads(steps)),
        tuple(rows),
        f"Mean over all transfer languages but the target itself, then over the targets. {_NOTE} {READINGS} "
        f"Sizes: {listed}; thirds are of the model's whole list.",
    )


def _targets(views: Sequence[View], listed: str) -> Table:
    steps = sorted({k for view in views for k in view.steps})
    rows: list[tuple[Value | Number, ...]] = []
    for view in views:
        records = view.reading.records
        found = {k: _recipiences(view, k) for k in view.steps}
        for level, codes in levels(records, list(found[view.last])).items():
            for g in codes:
                choice = choose({k: found[k][g] for k in view.steps})
                size = size_of(records, g)
                rows.append(
                    (task_of(view), what(view), view.reading.name(g), level, size, *_shown(choice, steps))
                )
    return Table(
        "Best number of steps for each target",
        ("Task", "Reading", "Target language", "Level", "Size", *_heads(steps)),
        tuple(rows),
        f"Mean over all transfer languages but the target itself. {_NOTE} Sizes: {listed}.",
    )


_NOTE = (
    "Best: the number of steps with the highest mean effect; none: no number of steps has one above 0. "
    "Best in % of draws: how often the bootstrap of seeds and test examples puts each number of steps first, "
    "doing nothing (0) among them. The effect of what comes first of several is likelier over- than "
    "understated."
)


def _heads(steps: Sequence[int]) -> tuple[str, ...]:
    return ("Best", "Mean effect there", *(f"{k}: best in % of draws" for k in (0, *steps)))


def _shown(choice: Choice, steps: Sequence[int]) -> tuple[Value | Number, ...]:
    return (choice.steps or None, choice.number, *(choice.chances.get(k) for k in (0, *steps)))


def _curves(view: View) -> Curves:
    found = list(_of_levels(view))
    return Curves(
        f"{what(view).capitalize()} on {view.task} by steps and size in pretraining",
        tuple(f"{level} ({len(codes)})" for level, codes, _ in found),
        view.steps,
        tuple(tuple(number(means[k]) for k in view.steps) for _, _, means in found),
        "Size in pretraining",
        "Steps",
        unit=view.metric.measure,
        sign=TARGET_GAINS,
        note="Mean over targets (how many, in brackets) and all transfer languages but the target itself.",
    )


def _named(level: str) -> str:
    """Targets of a level, for a sentence."""
    if level in ("seen", "unseen"):
        return f"{level} targets"
    return "targets of which that is not known" if level == "not known" else f"targets of the {level}"


def _summary(views: Sequence[View]) -> Iterator[str]:
    for view in views:
        said = []
        for level, _, means in _of_levels(view):
            choice = choose(means)
            if not choice.chances:
                continue
            share = f"({choice.chances[choice.first]}% of draws)"
            most = f"gain most after {counted(choice.first, 'step')} {share}"
            if not choice.first:
                most = f"are best left as they are {share}"
            said.append(f"{_named(level)} {most}")
        if said:
            yield f"{called(view).rpartition(',')[0]}: {'; '.join(said)}."
        elif view.seeds == 1:
            yield f"{called(view).rpartition(',')[0]}: with one seed, no number of steps can be called best."
    if all(len(view.steps) == 1 for view in views):
        yield "With one number of steps, the only other candidate is no fine-tuning; add more with --steps."
