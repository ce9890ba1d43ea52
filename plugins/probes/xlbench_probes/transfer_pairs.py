"""Promising pairs: transfer language and target that gain in every seed, under several conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xlbench.contracts import Page, Table
from xlbench.contracts.mixture import has
from xlbench.probing import counted, holm, mean, several, words
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_questions import READINGS, unanswered, what

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbench.contracts import Number, Value
    from xlbench_probes.transfer_view import View

TOPIC = "promising pairs"
TITLE = "Promising pairs: who gains from whom in every seed"
LEAST = 2
"""Numbers of steps or tasks that a pair has to gain under, where the study has as many."""
LEVEL = 0.05
MOST = 60
"""Rows that are shown."""

Pair = tuple[str, str]


class Found(NamedTuple):
    """A pair, over all numbers of steps and tasks of one reading."""

    pair: Pair
    always: tuple[tuple[View, int], ...]
    """Task and steps at which every seed gains."""
    p: float
    """Of the hypothesis that it gains under fewer than LEAST of them, one-sided."""


class Search(NamedTuple):
    """Everything that was looked through in one reading."""

    reading: str
    conditions: tuple[tuple[View, int], ...]
    least: int
    pairs: tuple[Found, ...]
    corrected: tuple[float, ...]
    """p-values by Holm's correction over all pairs, in their order."""

    def promising(self) -> list[tuple[Found, float]]:
        """Pairs that gain in every seed under enough conditions, the surest first."""
        some = [
            (x, p) for x, p in zip(self.pairs, self.corrected, strict=True) if len(x.always) >= self.least
        ]
        return sorted(some, key=lambda y: (y[1], -len(y[0].always), y[0].pair))

    def clear(self) -> list[Found]:
        """Those of which it is clear."""
        return [x for x, p in self.promising() if p <= LEVEL]


def page(views: Sequence[View]) -> Page:
    """A search through each reading."""
    labelled = [x for x in views if x.reading.has_adapter(x.task)] or list(views)
    if max(x.seeds for x in labelled) < 2:
        return unanswered(TOPIC, TITLE, "it needs two seeds or more (--seeds 3)")
    searches = [
        found
        for reading in dict.fromkeys(map(what, labelled))
        if (found := search([x for x in labelled if what(x) == reading])) is not None
    ]
    if not searches:
        return unanswered(TOPIC, TITLE, "no pair of different languages has all its results")
    return Page("", TITLE, tuple(_summary(searches)), tuple(map(_table, searches)), topic=TOPIC)


def search(views: Sequence[View]) -> Search | None:
    """Look through all pairs of different languages, at all numbers of steps, in views of one reading. None
    where there are none. A pair of which a result is missing is looked at without it.
    """
    conditions = tuple((view, k) for view in views for k in view.steps)
    tests: dict[Pair, dict[tuple[View, int], float]] = {}
    always: dict[Pair, list[tuple[View, int]]] = {}
    for view, k in conditions:
        for (f, g), x in view.judged_effects(k).items():
            if has(f, g) or x.p is None or x.number.value is None:
                continue
            tests.setdefault((f, g), {})[view, k] = x.p / 2 if x.number.value > 0 else 1 - x.p / 2
            seeds = view.effects.by_seed(Arm(f, k), g)
            if len(seeds) > 1 and seeds.min() > 0:
                always.setdefault((f, g), []).append((view, k))
    if not tests:
        return None
    least = min(LEAST, len(conditions))
    found = tuple(
        Found(pair, tuple(always.get(pair, ())), several(list(p.values()), least) if len(p) >= least else 1.0)
        for pair, p in tests.items()
    )
    corrected = tuple(map(float, holm([x.p for x in found])))
    return Search(what(views[0]), conditions, least, found, corrected)


def _table(one: Search) -> Table:
    tasks = dict.fromkeys(view for view, _ in one.conditions)
    name = next(iter(tasks)).reading.name
    promising = one.promising()
    rows: list[tuple[Value | Number, ...]] = []
    for x, p in promising[:MOST]:
        f, g = x.pair
        means = (
            mean(
                view.effects.effect(Arm(f, k), g) for k in view.steps if view.effects.seeds(Arm(f, k))
            ).number()
            for view in tasks
        )
        said = "helps" if p <= LEVEL else "no clear effect"
        rows.append((name(f), name(g), _where(x.always), *means, _p(p), said))
    more = len(promising) - len(rows)
    return Table(
        f"Promising pairs ({one.reading})",
        (
            "Transfer language",
            "Target language",
            "Every seed gains at",
            *(f"Mean {one.reading}: {view.task} ({view.metric.unit})" for view in tasks),
            "Corrected p",
            "Verdict",
        ),
        tuple(rows),
        f"Pairs of different languages of which every seed gains under at least "
        f"{counted(one.least, 'condition')} of {len(one.conditions)} (tasks and numbers of steps)"
        f"{f'; {more} more are not shown' if more > 0 else ''}. Corrected p: of the hypothesis that the pair "
        f"gains under fewer than {one.least} (partial conjunction, Benjamini & Heller 2008), by Holm's "
        f"correction over all {len(one.pairs)} pairs, so that the chance of any false 'helps' in this table "
        "is at most 5%. Mean: over the numbers of steps; of pairs that a search has found it is likelier "
        f"over- than understated. {READINGS}",
    )


def _where(always: Sequence[tuple[View, int]]) -> str:
    steps: dict[str, list[int]] = {}
    for view, k in always:
        steps.setdefault(view.task, []).append(k)
    return "; ".join(f"{task}: {words(ks)} {'step' if ks == [1] else 'steps'}" for task, ks in steps.items())


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _summary(searches: Sequence[Search]) -> Iterator[str]:
    for one in searches:
        name = one.conditions[0][0].reading.name
        promising, clear = one.promising(), one.clear()
        gain = "gains" if len(promising) == 1 else "gain"
        yield (
            f"{one.reading.capitalize()}: of {counted(len(one.pairs), 'pair')} of different languages, "
            f"{len(promising)} {gain} in every seed under at least {counted(one.least, 'condition')} of "
            f"{len(one.conditions)}; {len(clear)} of them clearly, corrected over the whole search"
            f"{_named(clear, name)}."
        )
    if all(len(one.conditions) == 1 for one in searches):
        yield "The study has one task and one number of steps, so that a pair cannot gain under several."


def _named(clear: Sequence[Found], name: Callable[[str], str]) -> str:
    if not clear:
        return ""
    said = words(f"{name(x.pair[0])} to {name(x.pair[1])}" for x in clear[:5])
    return f": {said}{f', and {len(clear) - 5} more' if len(clear) > 5 else ''}"
