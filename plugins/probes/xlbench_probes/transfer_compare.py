"""Which transfer effects are others in a second study. Imports numpy: import this where it is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from xlbench.contracts import Headline, Matrix, Number, Page, Table
from xlbench.probing import Reading, counted, difference, interval, judge, mean, verdicts_over, words
from xlbench_probes.transfer_view import PROBE, View, are_one_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlbench.contracts import Cell, Records
    from xlbench.probing import Estimate

T = TypeVar("T")
_Effect = tuple[str, str, int]
"""Transfer language, target, steps."""


def compare(one: Records, other: Records) -> list[Page]:
    """A page a task of which both studies have effects: effects in `other` less those in `one`."""
    # Rows of which only one study says that they are parallel are drawn as if they were not, alike in both.
    alike = {x: one.parallel.get(x, False) and other.parallel.get(x, False) for x in one.metrics}
    readings = [Reading(replace(x, parallel=alike)) for x in (one, other)]
    tasks = [x for x in readings[0].tasks(PROBE) if x in readings[1].tasks(PROBE)]
    made = (_page(*(View.of(reading, task) for reading in readings)) for task in tasks)
    return [page for page in made if page is not None]


def _page(one: View, other: View) -> Page | None:
    """None where they have no effect in common, or none that can be subtracted."""
    if not are_one_quantity((one, other)):
        return None
    cells = _cells(one), _cells(other)
    same = [g for g in one.targets if cells[0].get(g) == cells[1].get(g)]
    apart = [g for g in one.targets if g in cells[1] and g not in same]
    effects: dict[_Effect, tuple[Number, Number]] = {}
    changes: dict[_Effect, Estimate] = {}
    for k in (x for x in one.steps if x in other.steps):
        for arm in (x for x in one.arms(k) if other.effects.seeds(x)):
            for g in same:
                key = arm.text, g, k
                changes[key] = difference(other.effects.effect(arm, g), one.effects.effect(arm, g))
                sides = (x.judged_effects(k)[arm.text, g].number for x in (one, other))
                effects[key] = next(sides), next(sides)
    if not effects:
        return None
    judged: dict[_Effect, Number] = {}
    for k in dict.fromkeys(k for _, _, k in changes):
        family = judge({key: x for key, x in changes.items() if key[2] == k})
        judged |= {key: x.number for key, x in family.items()}

    def name(code: str) -> str:
        return (one if code in one.reading.records.languages else other).reading.name(code)

    changed = sorted(
        (key for key, x in judged.items() if x.word in ("helps", "harms")),
        key=lambda key: (-abs(judged[key].value or 0.0), key),
    )
    lines = [
        f"{len(changed)} of {counted(len(judged), 'effect')} in both clearly changed.",
        "The same test examples, drawn alike in both; differences are the second less the first.",
    ]
    if any(x.word == "this run only" for x in judged.values()):
        lines.append("With one seed in either study, changes hold for these runs only.")
    if alone := [
        *(f"transfer language {name(f)}" for f in _apart(one.transfer, other.transfer)),
        *(f"target {name(g)}" for g in _apart(one.targets, other.targets)),
        *(counted(k, "step") for k in _apart(one.steps, other.steps)),
    ]:
        lines.append(f"Only in one of the two: {words(alone)}.")
    if apart:
        lines.append(f"Left out, their test data differ: {', '.join(map(name, apart))}.")
    if missing := sum(x.value is None for x in judged.values()):
        lines.append(f"Missing in one of the two, and so not compared: {counted(missing, 'effect')}.")
    for k in dict.fromkeys(k for _, _, k in judged):
        some = {key: changes[key] for key in judged if key[2] == k and key[0] != key[1]}
        if some:
            change = interval(mean(some.values()).number(), one.metric.unit)
            lines.append(f"At {counted(k, 'step')} the mean change is {change}.")
    table = Table(
        "Effects that changed",
        ("Transfer language", "Target language", "Steps", "First", "Second", "Second minus first"),
        tuple((name(f), name(g), k, *effects[f, g, k], judged[f, g, k]) for f, g, k in changed),
        "Only those whose change is clear; the matrices have all. First, second: as each study's own pages "
        "show them. Helps: higher in the second. "
        f"{verdicts_over('the changes at one number of steps')}",
    )
    matrices = [_matrix(one, judged, k) for k in dict.fromkeys(k for _, _, k in judged)]
    title = f"Comparison: {one.task}"
    first = Headline("note", f"{one.task}: {len(changed)} of {counted(len(judged), 'effect')} changed")
    return Page(one.task, title, tuple(lines), (table, *matrices), topic="comparison", headlines=(first,))


def _apart(one: Sequence[T], other: Sequence[T]) -> list[T]:
    """What only one of two has, in order."""
    return [x for x in dict.fromkeys((*one, *other)) if (x in one) != (x in other)]


def _cells(view: View) -> dict[str, Cell]:
    return {cell.target: cell for _, cell in view.reading.planned("zero-shot", view.task)}


def _matrix(view: View, judged: Mapping[_Effect, Number], steps: int) -> Matrix:
    rows = list(dict.fromkeys(f for f, _, k in judged if k == steps))
    columns = list(dict.fromkeys(g for _, g, k in judged if k == steps))
    return Matrix(
        f"Change of the effect on {view.task}, {counted(steps, 'step')}",
        tuple(map(view.reading.name, rows)),
        tuple(map(view.reading.name, columns)),
        tuple(tuple(judged[f, g, steps] for g in columns) for f in rows),
        "Transfer language",
        "Target language",
        unit=view.metric.measure,
        note="Effect in the second study less that in the first.",
        sign="positive: higher in the second study",
    )
