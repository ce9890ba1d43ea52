"""Sets of languages: whether the effect of their text together is the mean of their effects alone, and which
sets to try. Imports numpy.
"""

from __future__ import annotations

import heapq
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from xlbench.contracts import Number, Page, Table
from xlbench.contracts.mixture import has, is_several, parts, shares, spelled
from xlbench.errors import ResultsError
from xlbench.probing import (
    TARGET_GAINS,
    Reading,
    counted,
    difference,
    interval,
    judge,
    mean,
    verdicts_over,
    weighted,
    words,
)
from xlbench.scores.predict import FEWEST, predicted
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_features import apart, pair_features
from xlbench_probes.transfer_questions import called, task_of, what
from xlbench_probes.transfer_view import PROBE, WHAT, View, read_outs

if TYPE_CHECKING:
    from xlbench.contracts import Records
    from xlbench.probing import Estimate, Judged

TOPIC = "sets"
TITLE = "Sets of languages: do their effects add up?"
PROPOSED = 5
"""Sets that are proposed."""
_ALL = 20_000
"""Sets up to which every one is looked at; beyond, those of the best languages are."""


class Beyond(NamedTuple):
    """A measured set, over targets that are none of its languages."""

    effect: Estimate
    expected: Estimate
    """The mean of its languages' own effects, each with its share of the text: what additivity says."""
    targets: int


def measured(view: View) -> dict[str, Beyond]:
    """By set: those whose languages were measured alone, too, at the largest number of steps."""
    found = {}
    for arm in view.arms(view.last):
        alone = {x: Arm(x, arm.steps) for x in parts(arm.text)}
        targets = [g for g in view.targets if not has(arm.text, g)]
        if not is_several(arm.text) or not targets or not all(map(view.effects.seeds, alone.values())):
            continue
        share = shares(arm.text)
        expected = [
            weighted((share[x], view.effects.effect(one, g)) for x, one in alone.items()) for g in targets
        ]
        together = [view.effects.effect(arm, g) for g in targets]
        found[arm.text] = Beyond(mean(together), mean(expected), len(targets))
    return found


def page(views: Sequence[View]) -> Page | None:
    """Whether effects add up, per task and reading; None for a study without sets whose languages were
    measured alone.
    """
    known = [(view, found) for view in views if (found := measured(view))]
    if not known:
        return None
    lines, tables = [], []
    for view, found in known:
        apart_ = {text: difference(x.effect, x.expected) for text, x in found.items()}
        tables.append(_table(view, found, judge(apart_)))
        overall = mean(apart_.values()).number()
        lines.append(
            f"{task_of(view)}: a set's {what(view)} minus that of its languages alone, "
            f"{counted(len(found), 'set')}: {interval(overall, view.metric.unit)}{_says(overall)}."
        )
    return Page("", TITLE, tuple(lines), tuple(tables), topic=TOPIC, answer=tuple(lines))


def _says(overall: Number) -> str:
    if overall.low is None or overall.high is None:
        return ""
    if overall.low > 0:
        return "; on average sets do more than their languages alone"
    if overall.high < 0:
        return "; on average sets do less than their languages alone"
    return "; on average their effects may add up"


def _table(view: View, found: Mapping[str, Beyond], judged: Mapping[str, Judged]) -> Table:
    rows = tuple(
        (_name(view.reading, text), x.effect.number(), x.expected.number(), judged[text].number, x.targets)
        for text, x in sorted(found.items(), key=lambda item: -(item[1].effect.value or 0.0))
    )
    name = what(view).capitalize()
    return Table(
        f"Sets: {called(view)}",
        ("Set", name, "Mean of its languages alone", "Difference", "Targets"),
        rows,
        f"{name}s in {view.metric.measure}, means over the targets that are none of the set's languages "
        f"({TARGET_GAINS}). Mean of its languages alone: each with its share of the text, at as many steps; "
        f"what the set would do if effects added up. {verdicts_over('the differences')}",
        drawn=("Difference",),
        unit=view.metric.measure,
        sign="positive: the set does more than its languages alone",
    )


def _name(reading: Reading, text: str) -> str:
    share = parts(text)
    alike = len({*share.values()}) == 1
    return " + ".join(reading.name(x) if alike else f"{reading.name(x)} x {n:g}" for x, n in share.items())


def propose(records: Records, task: str, target: str, size: int) -> Page:
    """Sets of `size` languages for a target, ranked by what their languages do alone, and what trying them
    costs beside trying all. Raises ResultsError.
    """
    reading = Reading(records)
    if task not in reading.tasks(PROBE):
        raise ResultsError(f"the study has no transfer results of {task}; run one with --task {task}")
    outs = sorted(read_outs(reading, task), key=lambda x: x != "retrained")
    view = View.of(reading, task, outs[0])
    k = view.last
    alone = [x for x in view.arms(k) if not is_several(x.text) and x.text != target]
    if not 2 <= size <= len(alone):
        raise ResultsError(
            f"--set {size}: sets are of 2 to {len(alone)} languages here, as many as were measured alone and "
            f"are not {target}"
        )
    if target in view.targets:
        own = {x.text: view.effects.effect(x, target) for x in alone}
        if missing := [text for x in own.values() for text in x.missing]:
            raise ResultsError(f"an effect on {target} is missing: {missing[0]}; run the study again")
        values, how = {f: x.value for f, x in own.items() if x.value is not None}, "measured"
    else:
        own, values, how = {}, _predicted(view, target, [x.text for x in alone]), "predicted"
    best = max(values, key=values.__getitem__)
    sets = _best_sets(values, size)
    table = _proposals(view, target, sets, own, values, _foreseen(records, task, k))
    every, seeds = math.comb(len(values), size), view.seeds
    unit = view.metric.unit
    sign = Number(values[best], signed=True)
    first = Number(sum(values[x] for x in sets[0]) / size, signed=True)
    command = ["xlbench", "run", "--task", task, "--steps", str(k), "--targets", target, "--transfer"]
    command.append(",".join([*sets[0], *(spelled(dict.fromkeys(x, 1.0)) for x in sets)]))
    lines = (
        f"If effects add up, the best set of {size} is {_joined(reading, sets[0])}, with a {what(view)} of "
        f"{first.text()} {unit} ({how}). No set would then beat {reading.name(best)} alone "
        f"({sign.text()}): a set is worth it where effects do not add up, or as a hedge.",
        *_beyond(view),
        f"Trying {'all ' * (every > 1)}{counted(every, 'set')} of {size} of {len(values)} languages: "
        f"{counted(every * seeds, 'fine-tuning')} of {counted(k, 'step')} ({counted(seeds, 'seed')}). Trying "
        f"the {len(sets)} proposed: {counted(len(sets) * seeds, 'fine-tuning')} "
        f"({100 * len(sets) / every:.0f}%).",
        f"Run them: {shlex.join(command)}",
    )
    return Page(task, f"Sets of {size} for {task} on {reading.name(target)}", lines, (table,))


def _proposals(
    view: View,
    target: str,
    sets: Sequence[tuple[str, ...]],
    own: Mapping[str, Estimate],
    values: Mapping[str, float],
    foreseen: Mapping[tuple[str, str], float],
) -> Table:
    size = len(sets[0])
    name = WHAT[view.read_out]
    arms = {frozenset(parts(x.text)): x for x in view.arms(view.last) if is_several(x.text)}
    with_foresight = all((f, target) in foreseen for x in sets for f in x)
    rows = []
    for one in sets:
        added = (
            mean(own[f] for f in one).number()
            if own
            else Number(sum(values[f] for f in one) / size, signed=True)
        )
        arm = arms.get(frozenset(one))
        known = None
        if arm is not None and own and len({*parts(arm.text).values()}) == 1:
            known = view.effects.effect(arm, target).number()
        more = [sum(foreseen[f, target] for f in one) / size] if with_foresight else []
        rows.append((_joined(view.reading, one), added, known, *more))
    note = (
        f"If effects add up: the mean of the {name}s of its languages alone, after as many steps, in "
        f"{view.metric.measure}. Measured: of the set itself, where the study has it."
    )
    if with_foresight:
        note += " Foreseen: the same mean of what was foreseen, in nats per decision of the task loss."
    return Table(
        f"Proposed sets for {view.reading.name(target)}, {counted(view.last, 'step')}",
        (
            "Set",
            f"{name.capitalize()} if effects add up",
            "Measured",
            *(["Foreseen"] if with_foresight else []),
        ),
        tuple(rows),
        note,
    )


def _beyond(view: View) -> Iterator[str]:
    """What measured sets say of additivity."""
    if found := measured(view):
        overall = mean(difference(x.effect, x.expected) for x in found.values()).number()
        yield (
            f"Measured sets minus the mean of their languages alone ({counted(len(found), 'set')}): "
            f"{interval(overall, view.metric.unit)}."
        )
    else:
        yield "No set was measured with its languages alone: whether effects add up is not known here."


def _best_sets(values: Mapping[str, float], size: int) -> list[tuple[str, ...]]:
    """The sets with the highest means, the best first, each in its languages' order by effect."""
    order = sorted(values, key=lambda f: (-values[f], f))
    if math.comb(len(order), size) > _ALL:
        order = order[: size + PROPOSED]  # no other language is in any of the best PROPOSED sets
    return heapq.nlargest(PROPOSED, combinations(order, size), key=lambda x: sum(values[f] for f in x))


def _predicted(view: View, target: str, sources: Sequence[str]) -> dict[str, float]:
    """Effects of single languages on a target that was not measured. Raises ResultsError."""
    effects, _ = view.known_pairs(view.last)
    effects = {pair: x for pair, x in effects.items() if not is_several(pair[0])}
    if len({g for _, g in effects}) < FEWEST:
        raise ResultsError(
            f"{target} was not measured, and a prediction needs at least {FEWEST} targets that were, with no "
            f"effect missing; run the study with --targets {target}"
        )
    records = view.reading.records
    features = pair_features(records, view.task, [*effects, *((f, target) for f in sources)])
    features = {x: table for x, table in features.items() if any((f, target) in table for f in sources)}
    return predicted(effects, features, target, sources, apart(records, [*view.targets, target]))


def _foreseen(records: Records, task: str, steps: int) -> dict[tuple[str, str], float]:
    """What the probe `foresee` says of pairs, where the study has it."""
    from xlbench_probes.foresee_view import predictions

    return {pair: x.value for pair, x in predictions(records, task, steps).items()}


def _joined(reading: Reading, languages: Sequence[str]) -> str:
    return words(reading.name(x) for x in languages)
