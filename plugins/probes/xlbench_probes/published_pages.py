"""What published matrices say: pages, recommendations, and how they go with what was measured.

Imports numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.contracts import Headline, Matrix, Number, Page, Table
from xlbench.contracts.mixture import has
from xlbench.contracts.published import source_of
from xlbench.errors import ResultsError
from xlbench.probing import Reading, counted, spearman, words
from xlbench.probing.advice import Asked, predicted_page
from xlbench.scores.choices import own_effects
from xlbench.scores.predict import additive
from xlbench_probes.transfer_advice import rules
from xlbench_probes.transfer_features import Pair, apart, pair_features
from xlbench_probes.transfer_view import PROBE as TRANSFER
from xlbench_probes.transfer_view import WHAT, View

if TYPE_CHECKING:
    from xlbench.contracts import Records

PROBE = "published"
_COMMON = 3
"""Sources that both matrices must have on a target to rank them alike or not."""


class _Known(NamedTuple):
    """A matrix of a study."""

    scores: dict[Pair, float]
    what: str
    """What its numbers are, for people: "published score", "gain after 100 steps"."""
    unit: str


def pages(records: Records) -> Sequence[Page]:
    """A page per task."""
    reading = Reading(records)
    return [_page(reading, task, _published(reading, task)) for task in reading.tasks(PROBE)]


def _page(reading: Reading, task: str, found: _Known) -> Page:
    sources, targets = _sides(found.scores)
    y = _array(found.scores, sources, targets)
    quality, level = additive(y)
    there = np.isfinite(y)
    rest = np.where(there, y - quality[:, None] - level, 0.0)
    whole = np.where(there, y - y[there].mean(), 0.0)
    share = 100 * (1 - float((rest**2).sum()) / max(1e-12, float((whole**2).sum())))
    order = np.argsort(-quality, kind="stable")
    name, many = reading.name, counted(len(targets), "target")
    summary = (
        f"Published scores, not measured here: {counted(len(sources), 'source language')}, {many}, "
        f"{counted(int(there.sum()), 'pair')} of different languages.",
        f"{name(sources[order[0]])} is the best source overall: "
        f"{Number(float(quality[order[0]]), signed=True).text()} {found.unit} from the mean source, on the "
        "same targets.",
        f"Levels of targets and qualities of sources are {share:.0f}% of the variance; the rest is special "
        "of the pair, or noise.",
        "One number per pair: nothing is known of repetitions, so that nothing is tested.",
    )
    ranked = Table(
        "Sources by quality",
        ("Source language", "Seen", "Quality", "Targets"),
        tuple(
            (
                name(sources[i]),
                reading.seen(sources[i]),
                Number(float(quality[i]), signed=True),
                int(there[i].sum()),
            )
            for i in order
        ),
        f"Quality, in {found.unit}: how far a source's scores lie above the mean source's on the same "
        "targets, its own language excluded, shrunk towards 0.",
        drawn=("Quality",),
        unit=found.unit,
    )
    by_level = np.argsort(-level, kind="stable")
    matrix = Matrix(
        "Published scores",
        tuple(name(sources[i]) for i in order),
        tuple(name(targets[j]) for j in by_level),
        tuple(
            tuple(Number(float(y[i, j])) if there[i, j] else Number(None) for j in by_level) for i in order
        ),
        "Source language",
        "Target language",
        unit=found.unit,
        diverging=False,
        note="As they stand in the file. Blank: not in it, or the language itself.",
    )
    said = Headline("note", f"Published scores: {summary[1]}")
    return Page(task, f"Published: {task}", summary, (ranked, matrix), headlines=(said,))


def advise(records: Records, task: str, target: str) -> Page:
    """Sources for a target, by published scores or predicted ones. Raises ResultsError."""
    reading = Reading(records)
    if task not in reading.tasks(PROBE):
        raise ResultsError(f"the study has no published scores of {task}")
    found = _published(reading, task)
    own = own_effects(found.scores, target)
    if len(own) > 1:
        order = sorted(own, key=lambda f: (-own[f], f))
        table = Table(
            f"Source languages for {reading.name(target)}",
            ("Source language", "Seen", found.what.capitalize()),
            tuple((reading.name(f), reading.seen(f), Number(own[f])) for f in order),
            "As they stand in the file; one number per pair, and nothing is tested.",
        )
        first = f"{reading.name(order[0])} comes first: {Number(own[order[0]]).text()} {found.unit}."
        return Page(
            task, f"Recommendation: {task} on {reading.name(target)}", (f"Published. {first}",), (table,)
        )
    sources, targets = _sides(found.scores)
    wanted = [(f, target) for f in sources if not has(f, target)]
    features = pair_features(records, task, [*found.scores, *wanted])
    return predicted_page(
        Asked(
            reading, task, target, found.scores, features, apart(records, [*targets, target]), "score",
            found.unit, source="Source language", signed=False, rules=rules(features),
        )
    )  # fmt: skip


def compare(one: Records, other: Records) -> Sequence[Page]:
    """A page per task that both have, one of them published; none where no target has sources in common."""
    sides = [Reading(x) for x in (one, other)]
    every = [x.tasks(PROBE) for x in sides]
    if not any(every):
        return []
    found = []
    for task in dict.fromkeys(t for x in sides for p in (PROBE, TRANSFER) for t in x.tasks(p)):
        known = [_known(x, task) for x in sides]
        if any(task in x for x in every) and known[0] is not None and known[1] is not None:
            page = _compared(sides[0], task, known[0], known[1])
            found += [page] if page is not None else []
    return found


def _compared(reading: Reading, task: str, one: _Known, other: _Known) -> Page | None:
    rows = []
    for target in _sides(one.scores)[1]:
        a, b = own_effects(one.scores, target), own_effects(other.scores, target)
        common = [f for f in a if f in b]
        if len(common) < _COMMON:
            continue
        x, y = (np.array([side[f] for f in common]) for side in (a, b))
        best = max(common, key=a.__getitem__)
        place = 1 + sum(b[f] > b[best] for f in common)
        rho = float(spearman(x, y))
        rows.append((target, len(common), rho if np.isfinite(rho) else None, best, place))
    if not rows:
        return None
    known = [rho for _, _, rho, _, _ in rows if rho is not None]
    mean = f"{np.mean(known):.2f}" if known else "not defined"
    table = Table(
        "Agreement by target",
        (
            "Target language",
            "Sources in both",
            "Rank correlation",
            "Best in the first",
            "Its rank in the second",
        ),
        tuple((reading.name(g), n, rho, reading.name(best), place) for g, n, rho, best, place in rows),
        f"Spearman's correlation of the {one.what} in the first study with the {other.what} in the second, "
        "over the sources that both have. The two may be different quantities, and are never subtracted.",
    )
    told = words(dict.fromkeys((one.what, other.what)))
    return Page(
        task,
        f"Agreement of {task}: {told}",
        (f"Mean rank correlation within a target: {mean}, over {counted(len(known), 'target')}.",),
        (table,),
        topic="agreement",
    )


def _known(reading: Reading, task: str) -> _Known | None:
    if task in reading.tasks(PROBE):
        return _published(reading, task)
    if task not in reading.tasks(TRANSFER):
        return None
    view = View.of(reading, task)
    effects, _ = view.known_pairs(view.last)
    what = f"{WHAT[view.read_out]} after {counted(view.last, 'step')}"
    return _Known(dict(effects), what, view.metric.unit) if effects else None


def _published(reading: Reading, task: str) -> _Known:
    scores: dict[Pair, float] = {}
    missing = []
    for job, cell in reading.planned(PROBE, task):
        source = source_of(job.condition)
        if (found := reading.evaluation(job, cell)) is None:
            missing.append(reading.missing(job, cell))
        elif source is not None:
            scores[source, cell.target] = float(found.counts[0, 0])
    if missing:
        raise ResultsError(f"{counted(len(missing), 'published score')} missing, such as: {missing[0]}")
    unit = reading.records.metrics[task].unit
    return _Known(scores, "published score", unit)


def _sides(scores: Mapping[Pair, float]) -> tuple[list[str], list[str]]:
    """Sources and targets of pairs of different languages."""
    pairs = [pair for pair in scores if not has(*pair)]
    return list(dict.fromkeys(f for f, _ in pairs)), list(dict.fromkeys(g for _, g in pairs))


def _array(scores: Mapping[Pair, float], sources: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    return np.array([[np.nan if has(f, g) else scores.get((f, g), np.nan) for g in targets] for f in sources])
