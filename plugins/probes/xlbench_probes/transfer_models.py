"""Models and kinds of task: the same pairs under several base models or settings, and under tasks that label
tokens or whole sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Matrix, Page, Table
from xlbench.contracts.mixture import has
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import (
    TARGET_GAINS,
    Reading,
    counted,
    difference,
    interval,
    judge,
    mean,
    verdicts_over,
    words,
)
from xlbench_probes.transfer_answer import groups
from xlbench_probes.transfer_questions import DIFFERENCES, OF_THESE, READINGS, unanswered, what
from xlbench_probes.transfer_view import PROBE, View, are_one_quantity, read_outs

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Number, Records
    from xlbench.probing import Estimate
    from xlbench_probes.transfer_answer import Group, Pairs

TOPIC = "kinds of task"
TITLE = "Kinds of task: token-level against sentence-level"
SURVEY = "side by side"
OTHERS = "other languages"
MINUS = f"{OTHERS}, minus the first study"
UNLIKE = (
    "Models of these studies read text in different ways, and the likelihoods that they give are different "
    "quantities: no study is subtracted from another."
)
LEVELS = ("token level", "sentence level")
APART = "token minus sentence level"
_UNITS = (
    "Points of different metrics are not quite the same unit. One fine-tuning serves all tasks, so that "
    "seeds are paired."
)


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


def _same_pairs(
    studies: Mapping[str, Sequence[View]],
) -> tuple[int, Pairs, dict[str, list[View]]] | None:
    """The largest common number of steps, the pairs of different languages that all tasks of both kinds have
    in all studies on the same test data, and these tasks' views. None where there are none.
    """
    able = {
        name: [x for x in some if _kind_of(x) and x.metric.unit == "points"] for name, some in studies.items()
    }
    common = set.intersection(*({x.task for x in some} for some in able.values()))
    able = {name: [x for x in some if x.task in common] for name, some in able.items()}
    every = [x for some in able.values() for x in some]
    if {_kind_of(x) for x in every} != set(LEVELS):
        return None
    first = every[0]
    steps = [k for k in first.steps if all(k in x.steps for x in every)]
    if not steps:
        return None
    cells: dict[str, list[dict[str, Cell]]] = {}
    for x in every:
        cells.setdefault(x.task, []).append(_cells(x))
    same = [
        g
        for g in first.targets
        if all(x.get(g) == some[0].get(g) is not None for some in cells.values() for x in some)
    ]
    pairs = [
        (arm, g)
        for arm in first.arms(steps[-1])
        for g in same
        if not has(arm.text, g) and all(x.effects.seeds(arm) for x in every)
    ]
    return (steps[-1], pairs, able) if pairs else None


def _kind_of(view: View) -> str | None:
    level = view.reading.records.levels.get(view.task)
    return None if level is None else f"{level} level"


def _by_kind(views: Sequence[View], pairs: Pairs) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Of each task; of each kind, and their difference."""
    of_task = {x.task: x.effects.across_tasks(_mean(x, pairs)) for x in views}
    means = {level: mean(of_task[x.task] for x in views if _kind_of(x) == level) for level in LEVELS}
    return of_task, means | {APART: difference(*(means[x] for x in LEVELS))}


def _kinds(views: Sequence[View]) -> tuple[Table, str] | None:
    """Table and sentence of one reading; None where it has not both kinds on common pairs."""
    found = _same_pairs({"": views})
    if found is None:
        return None
    k, pairs, studies = found
    able = studies[""]
    of_task, means = _by_kind(able, pairs)
    judged = {name: x.number for name, x in judge(of_task | means).items()}
    kind = what(able[0])
    rows = [(x.task, _kind_of(x), x.metric.name, judged[x.task]) for x in able]
    rows += [(name, name, "", judged[name]) for name in LEVELS]
    rows.append((APART, "", "", judged[APART]))
    table = Table(
        f"Mean {kind} by kind of task, {counted(k, 'step')}",
        ("Task", "Kind", "Metric", f"Mean {kind}"),
        tuple(rows),
        f"Over the same {counted(len(pairs), 'pair')} of different languages in all tasks. {_UNITS} "
        f"{READINGS} {OF_THESE} {verdicts_over('the table')} {DIFFERENCES}",
    )
    said = [
        f"{level} tasks ({words(x.task for x in able if _kind_of(x) == level)}) change by "
        f"{interval(judged[level], 'points')}"
        for level in LEVELS
    ]
    line = (
        f"{kind.capitalize()} on {counted(len(pairs), 'pair')}, {counted(k, 'step')}: {'; '.join(said)}; the "
        f"difference is {interval(judged[APART], 'points')}."
    )
    return table, line


def _kinds_side_by_side(studies: Mapping[str, Sequence[View]]) -> Page | None:
    """The kinds of task in several studies; None where fewer than two have both, on common pairs."""
    tables, lines = [], []
    for kind in dict.fromkeys(what(x) for some in studies.values() for x in some):
        views = {name: [x for x in some if what(x) == kind] for name, some in studies.items()}
        views = {name: some for name, some in views.items() if {*map(_kind_of, some)} >= set(LEVELS)}
        found = _same_pairs(views) if len(views) > 1 else None
        if found is None:
            continue
        k, pairs, able = found
        means = {name: _by_kind(some, pairs)[1] for name, some in able.items()}
        judged = judge(
            {(name, x): y for name, some in means.items() for x, y in some.items()}, alike=lambda key: key[1]
        )
        rows: tuple[tuple[str | Number, ...], ...] = tuple(
            (name, *(judged[name, x].number for x in (*LEVELS, APART))) for name in able
        )
        tables.append(
            Table(
                f"Mean {kind} by kind of task, {counted(k, 'step')}",
                ("Study", *LEVELS, APART),
                rows,
                f"Over the same {counted(len(pairs), 'pair')} of different languages in all studies and "
                f"tasks ({words(x.task for x in next(iter(able.values())))}). {_UNITS} {READINGS} {OF_THESE} "
                f"{verdicts_over('the table')} {DIFFERENCES}",
            )
        )
        apart = (f"{name} {interval(judged[name, APART].number, 'points')}" for name in able)
        lines.append(f"Mean {kind}, {APART}, {counted(k, 'step')}: {'; '.join(apart)}.")
    return (
        Page("", f"{TITLE}, side by side", tuple(lines), tuple(tables), topic=f"{TOPIC}, {SURVEY}")
        if tables
        else None
    )


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
    found = [page for page in pages if page is not None]
    kinds = _kinds_side_by_side(
        {name: [x for some in by_task.values() for x in some] for name, by_task in made.items()}
    )
    return [*found, *([kinds] if kinds is not None else [])]


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
    return [(arm, g) for arm, g in every if not has(arm.text, g) and arm.treatment == PLAIN]


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
    alike = are_one_quantity(views.values())
    columns |= {f"{OTHERS} ({len(others)})": means}
    if alike:
        columns[MINUS] = minus
    judged = {head: {x: y.number for x, y in judge(some).items()} for head, some in columns.items()}
    table = Table(
        f"Mean {kind} on {first.task}, {counted(k, 'step')}",
        ("Study", *judged),
        tuple((x, *(some.get(x) for some in judged.values())) for x in views),
        f"In {first.metric.measure}, by targets and text, over the same pairs of text and target in all "
        "studies (how many, in brackets), with the same test examples, drawn alike. Shuffled: the same texts "
        "with their tokens in random order. Other languages: all plain texts but the target's own. "
        f"{READINGS} {OF_THESE} {verdicts_over('each column')} {DIFFERENCES if alike else UNLIKE}",
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
        sign=TARGET_GAINS,
    )
    lines = [_sentence(kind, k, judged, list(views), first.metric.unit)]
    return table, matrix, lines


def _sentence(
    kind: str, k: int, judged: Mapping[str, Mapping[str, Number]], studies: Sequence[str], unit: str
) -> str:
    """Where the mean with text of other languages is highest, and where it clearly differs."""
    change, means = (
        judged.get(MINUS),
        next(y for x, y in judged.items() if x.startswith(OTHERS) and x != MINUS),
    )
    known = [x for x in studies if means[x].value is not None]
    if not known:
        return f"Mean {kind}, {counted(k, 'step')}: not known, because results are missing."
    if change is None:
        each = "; ".join(f"{x} {interval(means[x], unit)}" for x in known)
        return f"Mean {kind} with text of other languages, {counted(k, 'step')}: {each}. {UNLIKE}"
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
