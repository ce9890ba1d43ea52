"""Models and kinds of task: the same pairs under several base models or settings, and under tasks that label
tokens or whole sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Matrix, Page, Table
from xlbench.scores import difference, judge, mean
from xlbench_probes.reading import Reading, counted, interval, verdicts_over, words
from xlbench_probes.transfer_answer import groups
from xlbench_probes.transfer_questions import DIFFERENCES, OF_THESE, READINGS, unanswered, what
from xlbench_probes.transfer_view import PROBE, View, read_outs

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Number, Records
    from xlbench.scores import Estimate
    from xlbench_probes.transfer_answer import Group, Pairs

TOPIC = "kinds of task"
TITLE = "Kinds of task: token-level against sentence-level"
SURVEY = "side by side"
OTHERS = "other languages"
MINUS = f"{OTHERS}, minus the first study"
KINDS = {
    "tagging": "token level",
    "parsing": "token level",
    "span": "token level",
    "classification": "sentence level",
}
LEVELS = ("token level", "sentence level")


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
        (arm, g)
        for arm in able[0].arms(k)
        for g in able[0].targets
        if arm.text != g and all(g in view.targets and view.effects.seeds(arm) for view in able)
    ]
    if not pairs:
        return None
    of_task = {view: view.effects.across_tasks(_mean(view, pairs)) for view in able}
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


def _mean(view: View, pairs: Pairs) -> Estimate:
    """Mean effect over some texts and targets."""
    return mean(view.effects.effect(arm, g) for arm, g in pairs)


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
    lines.append(f"The first study: {next(iter(studies))}; of the others only what differs from it is named.")
    return Page(task, f"Side by side: {task}", tuple(lines), tuple(parts), topic=SURVEY)


def _common(views: Mapping[str, View]) -> tuple[int, dict[Group, Pairs]] | None:
    """The largest number of steps that all have, and by kinship the texts and targets of which all have
    effects on the same test data. None where no pair of different languages is among them.
    """
    each = list(views.values())
    if len(each) < 2:
        return None
    steps = [k for k in each[0].steps if all(k in view.steps for view in each)]
    if not steps:
        return None
    k, cells = steps[-1], [_cells(view) for view in each]
    same = {g for g in each[0].targets if all(x.get(g) == cells[0].get(g) is not None for x in cells)}
    found = {
        group: [(arm, g) for arm, g in pairs if g in same and all(view.effects.seeds(arm) for view in each)]
        for group, pairs in groups(each[0], k).items()
    }
    found = {group: pairs for group, pairs in found.items() if pairs}
    return (k, found) if _different(found) else None


def _different(found: Mapping[Group, Pairs]) -> Pairs:
    """Plain texts of other languages than the target's."""
    every = (pair for pairs in found.values() for pair in pairs)
    return [(arm, g) for arm, g in every if arm.text != g and arm.variant == "plain"]


def _cells(view: View) -> dict[str, Cell]:
    return {cell.target: cell for _, cell in view.reading.planned("zero-shot", view.task)}


def _one_reading(
    kind: str, views: Mapping[str, View], k: int, common: Mapping[Group, Pairs]
) -> tuple[Table, Matrix, list[str]]:
    reference, first = next(iter(views.items()))
    columns = {
        f"{side}, {kin} ({len(pairs)})": {x: _mean(view, pairs) for x, view in views.items()}
        for (side, kin), pairs in common.items()
    }
    others = _different(common)
    means = {x: _mean(view, others) for x, view in views.items()}
    minus = {x: difference(y, means[reference]) for x, y in means.items() if x != reference}
    columns |= {f"{OTHERS} ({len(others)})": means, MINUS: minus}
    judged = {head: {x: y.number for x, y in judge(some).items()} for head, some in columns.items()}
    table = Table(
        f"Mean {kind} on {first.task}, {counted(k, 'step')}",
        ("Study", *judged),
        tuple((x, *(some.get(x) for some in judged.values())) for x in views),
        f"In {first.metric.measure}, by targets and text, over the same pairs of text and target in all "
        "studies (how many, in brackets), with the same test examples, drawn alike. Shuffled: the same texts "
        "with their tokens in random order. Other languages: all plain texts but the target's own. "
        f"{READINGS} {OF_THESE} {verdicts_over('each column')} {DIFFERENCES}",
    )
    matrix = Matrix(
        f"Mean {kind} on {first.task} by study and text",
        tuple(views),
        tuple(x for x in columns if x != MINUS),
        tuple(tuple(judged[head][x] for head in columns if head != MINUS) for x in views),
        "Study",
        "Text",
        unit=first.metric.measure,
        note="Numbers and verdicts are those of the table, corrected over each column.",
    )
    lines = [_sentence(kind, k, judged, list(views), first.metric.unit)]
    return table, matrix, lines


def _sentence(
    kind: str, k: int, judged: Mapping[str, Mapping[str, Number]], studies: Sequence[str], unit: str
) -> str:
    """Where the mean with text of other languages is highest, and where it clearly differs."""
    change, means = judged[MINUS], next(y for x, y in judged.items() if x.startswith(OTHERS) and x != MINUS)
    known = [x for x in studies if means[x].value is not None]
    if not known:
        return f"Mean {kind}, {counted(k, 'step')}: not known, because results are missing."
    most = max(known, key=lambda x: means[x].value or 0.0)
    more, less = ([x for x, y in change.items() if y.word == word] for word in ("helps", "harms"))
    said = [
        f"clearly {which} than in the first study with {words(some)}"
        for which, some in (("higher", more), ("lower", less))
        if some
    ]
    if any(x.word == "this run only" for x in change.values()):
        said = ["with one seed, differences hold for these runs only"]
    apart = "; ".join(said) or "no study clearly differs from the first"
    return (
        f"Mean {kind} with text of other languages, {counted(k, 'step')}: highest with {most} "
        f"({interval(means[most], unit)}); {apart}."
    )
