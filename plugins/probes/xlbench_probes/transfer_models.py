"""Models and kinds of task: the same pairs under several base models or settings, and under tasks that label
tokens or whole sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Matrix, Page, Table
from xlbench.scores import Arm, difference, judge, mean
from xlbench_probes.reading import Reading, counted, interval, verdicts_over, words
from xlbench_probes.transfer_questions import DIFFERENCES, OF_THESE, READINGS, unanswered, what
from xlbench_probes.transfer_view import PROBE, View, read_outs

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Number, Records
    from xlbench.scores import Estimate

TOPIC = "kinds of task"
TITLE = "Kinds of task: token-level against sentence-level"
SURVEY = "side by side"
KINDS = {
    "tagging": "token level",
    "parsing": "token level",
    "span": "token level",
    "classification": "sentence level",
}
LEVELS = ("token level", "sentence level")

Pair: TypeAlias = "tuple[str, str]"
Relation: TypeAlias = Callable[[View, str, str], bool]


def page(views: Sequence[View]) -> Page:
    """Effects on the same pairs by kind of task, of one model."""
    tables = [x for x in (_kinds(some) for some in _by_reading(views).values()) if x is not None]
    if not tables:
        return unanswered(
            TOPIC,
            TITLE,
            "it needs a task that labels tokens (such as pos) and one that labels sentences (such as "
            "nli), scored in points on pairs of the same languages",
        )
    lines = tuple(line for _, line in tables)
    return Page("", TITLE, lines, tuple(table for table, _ in tables), topic=TOPIC)


def _by_reading(views: Sequence[View]) -> dict[str, list[View]]:
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(what(view), []).append(view)
    return found


def _kinds(views: Sequence[View]) -> tuple[Table, str] | None:
    """Table and sentence of one reading; None where it has not both kinds on common pairs."""
    reading = views[0].reading
    kinds = {view: KINDS.get(reading.records.kinds.get(view.task, "")) for view in views}
    able = [view for view in views if kinds[view] and view.metric.unit == "points"]
    if {kinds[view] for view in able} != set(LEVELS):
        return None
    common = [k for k in able[0].steps if all(k in view.steps for view in able)]
    if not common:
        return None
    k = common[-1]
    pairs = [
        (arm.text, g)
        for arm in able[0].arms(k)
        for g in able[0].targets
        if arm.text != g and all(g in view.targets and view.effects.seeds(arm) for view in able)
    ]
    if not pairs:
        return None
    of_task = {view: view.effects.across_tasks(over(view, k, pairs)) for view in able}
    levels = {level: mean(of_task[x] for x in able if kinds[x] == level) for level in LEVELS}
    minus = difference(levels["token level"], levels["sentence level"])
    named = {view.task: x for view, x in of_task.items()} | levels | {"token minus sentence level": minus}
    judged = {name: x.number for name, x in judge(named).items()}
    kind = what(able[0])
    rows = [(view.task, kinds[view], view.metric.name, judged[view.task]) for view in able]
    rows += [(name, name, "", judged[name]) for name in LEVELS]
    rows.append(("token minus sentence level", "", "", judged["token minus sentence level"]))
    table = Table(
        f"Mean {kind} by kind of task, {counted(k, 'step')}",
        ("Task", "Kind", "Metric", f"Mean {kind}"),
        tuple(rows),
        f"Over the same {counted(len(pairs), 'pair')} of different languages in all tasks. Points of "
        "different metrics are not quite the same unit. One fine-tuning serves all tasks, so that seeds "
        f"are paired. {READINGS} {OF_THESE} {verdicts_over('the table')} {DIFFERENCES}",
    )
    said = {level: interval(judged[level], "points") for level in LEVELS}
    line = (
        f"{kind.capitalize()} on {counted(len(pairs), 'pair')}, {counted(k, 'step')}: token-level tasks "
        f"({words(x.task for x in able if kinds[x] == LEVELS[0])}) change by {said[LEVELS[0]]}; "
        f"sentence-level tasks ({words(x.task for x in able if kinds[x] == LEVELS[1])}) by "
        f"{said[LEVELS[1]]}; the difference is {interval(judged['token minus sentence level'], 'points')}."
    )
    return table, line


def over(view: View, steps: int, pairs: Sequence[Pair], variant: str = "plain") -> Estimate:
    """Mean effect over some pairs of transfer language and target."""
    return mean(view.effects.effect(Arm(f, steps, variant), g) for f, g in pairs)


# Several studies


def survey(studies: Mapping[str, Records]) -> list[Page]:
    """A page per task of which two or more studies have pairs in common; `studies` is by what to call each.

    Only pairs and test data that all of a task's studies have are used, so that they differ in nothing else.
    """
    made: dict[str, dict[str, list[View]]] = {name: {} for name in studies}
    tasks = dict.fromkeys(task for records in studies.values() for task in records.metrics)
    for task in tasks:
        having = {name: x for name, x in studies.items() if task in x.metrics}
        alike = all(x.parallel.get(task, False) for x in having.values())
        for name, records in having.items():
            reading = Reading(replace(records, parallel={**records.parallel, task: alike}))
            if task in reading.tasks(PROBE):
                made[name][task] = [View.of(reading, task, x) for x in read_outs(reading, task)]
    pages = (_side_by_side(task, {name: x[task] for name, x in made.items() if task in x}) for task in tasks)
    return [found for found in pages if found is not None]


RELATIONS: dict[str, Relation] = {
    "Own text": lambda _, f, g: f == g,
    "Same branch": lambda view, f, g: f != g and _alike(view, f, g, "genus"),
    "Same family, other branch": lambda view, f, g: (
        f != g and _alike(view, f, g, "family") and not _alike(view, f, g, "genus")
    ),
    "Other family": lambda view, f, g: f != g and not _alike(view, f, g, "family"),
}
"""Of transfer language to target."""


def _alike(view: View, f: str, g: str, fact: str) -> bool:
    one, other = (view.reading.records.languages.get(x) for x in (f, g))
    if one is None or other is None:
        return False
    value = getattr(one, fact)
    return value != "unknown" and bool(value == getattr(other, fact))


def _side_by_side(task: str, studies: Mapping[str, Sequence[View]]) -> Page | None:
    """None where fewer than two have a reading, pairs and steps in common."""
    if len(studies) < 2:
        return None
    parts: list[Table | Matrix] = []
    lines: list[str] = []
    for kind in dict.fromkeys(what(view) for some in studies.values() for view in some):
        views = {name: view for name, some in studies.items() for view in some if what(view) == kind}
        found = _common(views)
        if found is None:
            continue
        k, pairs = found
        table, matrix, said = _one_reading(kind, views, k, pairs)
        parts += [table, matrix]
        lines += said
    if not parts:
        return None
    return Page(task, f"Side by side: {task}", tuple(lines), tuple(parts), topic=SURVEY)


def _common(views: Mapping[str, View]) -> tuple[int, list[Pair]] | None:
    """The largest number of steps that all have, and the pairs on which all have the same test data."""
    each = list(views.values())
    if len(each) < 2:
        return None
    steps = [k for k in each[0].steps if all(k in view.steps for view in each)]
    if not steps:
        return None
    k, cells = steps[-1], [_cells(view) for view in each]
    same = [g for g in each[0].targets if all(x.get(g) == cells[0].get(g) is not None for x in cells)]
    pairs = [
        (arm.text, g)
        for arm in each[0].arms(k)
        if all(view.effects.seeds(arm) for view in each)
        for g in same
    ]
    return (k, pairs) if any(f != g for f, g in pairs) else None


def _cells(view: View) -> dict[str, Cell]:
    return {cell.target: cell for _, cell in view.reading.planned("zero-shot", view.task)}


def _one_reading(
    kind: str, views: Mapping[str, View], k: int, pairs: Sequence[Pair]
) -> tuple[Table, Matrix, list[str]]:
    first = next(iter(views.values()))
    groups = {name: [p for p in pairs if has(first, *p)] for name, has in RELATIONS.items()}
    groups = {name: some for name, some in groups.items() if some}
    others = [(f, g) for f, g in pairs if f != g]
    shuffled = [
        (f, g) for f, g in others if all(view.effects.seeds(Arm(f, k, "shuffled")) for view in views.values())
    ]
    columns = {
        f"{name} ({len(some)})": {x: over(view, k, some) for x, view in views.items()}
        for name, some in groups.items()
    }
    if shuffled:
        head = f"Shuffled text of other languages ({len(shuffled)})"
        columns[head] = {x: over(view, k, shuffled, "shuffled") for x, view in views.items()}
    all_ = f"All pairs of different languages ({len(others)})"
    if len([x for x in groups if x != "Own text"]) > 1:
        columns[all_] = {x: over(view, k, others) for x, view in views.items()}
    reference = next(iter(views))
    means = {x: over(view, k, others) for x, view in views.items()}
    minus = {x: difference(y, means[reference]) for x, y in means.items() if x != reference}
    judged = {head: {x: y.number for x, y in judge(some).items()} for head, some in columns.items()} | {
        "All pairs, minus the first": {x: y.number for x, y in judge(minus).items()}
    }
    rows = tuple((x, *(some.get(x) for some in judged.values())) for x in views)
    table = Table(
        f"Mean {kind} on {first.task}, {counted(k, 'step')}",
        ("Study", *judged),
        rows,
        f"In {first.metric.measure}, over the same pairs of transfer language and target (how many, in "
        f"brackets), with the same test examples, drawn alike in all studies. {READINGS} {OF_THESE} "
        f"{verdicts_over('each column')}",
    )
    matrix = Matrix(
        f"Mean {kind} on {first.task} by relation of transfer language and target",
        tuple(views),
        tuple(columns),
        tuple(tuple(judged[head][x] for head in columns) for x in views),
        "Study",
        "Text",
        unit=first.metric.measure,
        note="The numbers of the table.",
    )
    lines = [_sentence(kind, first, k, judged, reference)]
    return table, matrix, lines


def _sentence(
    kind: str, view: View, k: int, judged: Mapping[str, Mapping[str, Number]], reference: str
) -> str:
    change = judged["All pairs, minus the first"]
    apart = [x for x, y in change.items() if y.word in ("helps", "harms")]
    if any(x.word == "this run only" for x in change.values()):
        said = "with one seed, differences hold for these runs only"
    elif apart:
        said = f"it clearly differs from that of {reference} under {words(apart)}"
    else:
        said = f"no study clearly differs from {reference}"
    return f"Mean {kind} over all pairs of different languages, {counted(k, 'step')}: {said}."
