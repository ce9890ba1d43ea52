"""The pages of the interference probe. Imports numpy: import this where pages are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from xlbench.contracts import Headline, Matrix, Number, Page, Table
from xlbench.probing import (
    TARGET_GAINS,
    Reading,
    adapters,
    counted,
    covers,
    difference,
    interval,
    kind,
    made_from,
    number,
    verdicts_over,
    words,
)
from xlbench_probes.headlines import Teller, by_target
from xlbench_probes.interference_view import PROBE, View
from xlbench_probes.mixtures import broken, called, orders, said_of, seeds_of
from xlbench_probes.stacking_pages import ORDERS

if TYPE_CHECKING:
    from xlbench.contracts import Part, Records


def pages(records: Records) -> list[Page]:
    """A page a task."""
    reading = Reading(records)
    return [_page(reading, task) for task in reading.tasks(PROBE)]


def _page(reading: Reading, task: str) -> Page:
    found = orders(reading, PROBE, task)
    views = [View.of(reading, task, x, several=len(found) > 1) for x in found]
    parts: list[Part] = [] if len(views) == 1 else [_both(*views)]
    return Page(
        task,
        f"Interference: {task}{said_of(found[0], False) if len(found) == 1 else ' in both orders'}",
        tuple(line for view in views for line in _summary(view)),
        (*parts, *(part for view in views for part in _parts(view))),
        tuple(
            line for view in views for line in broken(reading, view.judged_alone(), view.members, view.title)
        ),
        headlines=tuple(_headlines(views[0])) if views[0].has_pairs else (),
    )


def _headlines(view: View) -> list[Headline]:
    """Of pairs, by the first of the study's compositions."""
    mix, name, metric = view.mixes[0], view.reading.name, view.reading.records.metrics[view.task]
    teller = Teller(
        name,
        lambda b: f"The adapter of {name(b)}, combined with the target's own ({called(mix)}),",
        metric.unit,
        metric.measure,
        called(mix),
        difference="interference",
    )
    return teller.of(by_target(view.judged_pairs(mix), view.members))


def _both(one: View, other: View) -> Table:
    """Mean interference under task adapters of both orders, and their difference."""
    rows = []
    for mix in one.mixes:
        for size in one.sizes:
            sets = [x for x in one.sets if len(x) == size]
            apart = difference(other.over_sets(sets, mix), one.over_sets(sets, mix))
            rows.append(
                (called(mix), size, one.combined(sets, mix), other.combined(sets, mix), number(apart))
            )
    heads = ("Plain", "MAD-X") if one.order == "plain" else ("MAD-X", "Plain")
    return Table(
        "Interference under task adapters of both orders",
        ("Combination", "Languages", *heads, f"{heads[1]} minus {heads[0]}"),
        tuple(rows),
        f"{ORDERS} Mean interference over the members of all sets; the difference is paired.",
    )


def _parts(view: View) -> Iterator[Part]:
    yield _arms(view)
    if view.has_pairs:
        yield _exchange(view, "inflicted")
        yield _exchange(view, "suffered")
        yield _kinds(view)
    if any(len(x) > 2 for x in view.sets):
        yield _larger(view)
    yield _sensitivity(view)
    if view.has_pairs:
        for mix in view.mixes:
            yield _matrix(view, mix)


def _summary(view: View) -> Iterator[str]:
    metric = view.reading.records.metrics[view.task]
    if view.title:
        how = "on the model alone" if view.order == "plain" else "over its training languages' adapters"
        yield f"{view.title[2].upper()}{view.title[3:]}: the task adapter was trained {how}."
    sizes = words(f"{n} of {size}" for size, n in view.sizes.items())
    yield (
        f"Adapters of {counted(len(view.members), 'language')} combined in sets ({sizes}) by "
        f"{words(map(called, view.mixes))}; {counted(len(view.targets), 'target language')}."
    )
    yield (
        f"Interference is the score of a target with its own language adapter combined with others, less its "
        f"score with that adapter alone, in {metric.measure} (negative: the others harm)."
    )
    for mix in view.mixes:
        pairs = view.judged_pairs(mix)
        overall = view.combined([x for x in view.sets if len(x) == 2], mix)
        if pairs and overall is not None:
            found = [x.number.word for x in pairs.values()]
            yield (
                f"{called(mix).capitalize()}: over all pairs {interval(overall, metric.unit)}; of "
                f"{counted(len(pairs), 'pair')}, {found.count('harms')} harm and "
                f"{found.count('helps')} help."
            )
    yield (
        f"{covers(seeds_of(view.effects, view.stacked))} Verdicts come from two-sided tests with the false "
        "discovery rate held at 5% over the table. "
        f"{adapters(view.reading, view.task, len(view.effects.adapters))}"
    )
    if view.invertible is not None:
        how = (
            "is in place, that of the first adapter of a set only"
            if view.invertible
            else "is left out everywhere"
        )
        yield f"The invertible part of an adapter, which is never combined, {how}."
    if missing := view.missing:
        yield (
            f"{counted(len(missing), 'evaluation')} missing, such as: {missing[0]}. Means that need them "
            "are empty."
        )


def _arms(view: View) -> Table:
    rows: list[tuple[str | Number | int | None, ...]] = []
    for mix in view.mixes:
        for size, n in view.sizes.items():
            sets = [x for x in view.sets if len(x) == size]
            rows.append(
                (
                    called(mix),
                    f"{size} languages",
                    view.combined(sets, mix),
                    number(view.outside(sets, mix)),
                    n,
                )
            )
        if view.random:
            rows.append(
                (
                    called(mix),
                    "own and a random one",
                    number(view.beside_random(mix)),
                    None,
                    len(view.members),
                )
            )
    return Table(
        f"Interference by combination{view.title}",
        ("Combination", "Partner languages", "Interference", "Other targets", "Sets"),
        tuple(rows),
        "Interference: mean over the members of all sets. Other targets (outside the set): mean change of "
        "their scores against those with no language adapter. Own and a random one: combined with an "
        f"adapter that was never trained, for scale.{_explained(view)}",
        leads=True,
    )


def _explained(view: View) -> str:
    """What the compositions are, as far as their plugins say."""
    known = view.reading.records.compositions
    said = [f"{called(x)}: {known[x][0].lower()}{known[x][1:]}" for x in view.mixes if known.get(x)]
    text = "; ".join(said)
    return f" {text[0].upper()}{text[1:]}." if said else ""


def _exchange(view: View, what: Literal["inflicted", "suffered"]) -> Table:
    """What each language does to the others, or they to it, in pairs."""
    by = {mix: view.exchange(mix, what) for mix in view.mixes}
    rows = [(view.reading.name(x), *(by[mix].get(x) for mix in view.mixes)) for x in view.members]
    note = (
        "Mean over the others of the interference of the language on them, in pairs."
        if what == "inflicted"
        else "Mean over the others of their interference on the language, in pairs."
    )
    note += f" {verdicts_over('the languages of one combination')} A mean of one pair has the pair's verdict."
    return Table(
        f"Interference {what}{view.title}", ("Language", *map(called, view.mixes)), tuple(rows), note
    )


def _kinds(view: View) -> Table:
    rows: list[tuple[str | int, ...]] = []
    for mix in view.mixes:
        pairs = view.judged_pairs(mix)
        found = {pair: word for pair, x in pairs.items() if (word := x.number.word) is not None}
        for target in (x for x in view.members if any(a == x for a, _ in pairs)):
            others = [pair for pair in pairs if pair[0] == target]
            ours = [found[pair] for pair in others if pair in found]
            counts = (ours.count(x) for x in ("helps", "harms", "no clear effect"))
            what = kind(ours) if len(ours) == len(others) else "not known"
            rows.append((view.reading.name(target), called(mix), *counts, what))
    return Table(
        f"Kinds of languages{view.title}",
        ("Language", "Combination", "Helped by", "Harmed by", "No clear effect", "Kind"),
        tuple(rows),
        "How many of the other languages help or harm the language, in pairs, by tests corrected over all "
        "pairs of the combination. Mixed: one helps and another harms. Not known: a pair is missing.",
    )


def _larger(view: View) -> Table:
    rows = [
        (
            " + ".join(view.reading.name(x) for x in one),
            *(view.combined([one], mix) for mix in view.mixes),
        )
        for one in view.sets
        if len(one) > 2
    ]
    return Table(
        f"Sets of three and more{view.title}",
        ("Set", *map(called, view.mixes)),
        tuple(rows),
        "Mean interference over the members of the set.",
    )


def _sensitivity(view: View) -> Table:
    rows = []
    for mix in view.mixes:
        for size in view.sizes:
            sets = [x for x in view.sets if len(x) == size]
            own = view.over_sets(sets, mix)
            for variant in view.variants:
                if view.was_run(sets[0], mix, variant):
                    found = view.over_sets(sets, mix, variant)
                    apart = number(difference(found, own)) if variant else None
                    shown = view.combined(sets, mix, variant)
                    rows.append((variant or "those of the study", called(mix), size, shown, apart))
    return Table(
        f"Sensitivity to the method{view.title}",
        ("Settings", "Combination", "Languages", "Interference", "Difference"),
        tuple(rows),
        "Mean interference over all members of all sets, with the study's own settings and with others, "
        "one change at a time; the difference is paired.",
    )


def _matrix(view: View, mix: str) -> Matrix:
    targets = [x for x in view.members if x in view.targets]
    found = {pair: x.number for pair, x in view.judged_pairs(mix).items()}

    def cell(a: str, b: str) -> Number:
        if (a, b) not in found:
            return Number(None)
        alone, mixed = view.both(a, b, mix)
        return made_from(found[a, b], alone=alone, mixed=mixed)

    return Matrix(
        f"Interference on {view.task}, {called(mix)}{view.title}",
        tuple(view.reading.name(b) for b in view.members),
        tuple(view.reading.name(a) for a in targets),
        tuple(tuple(cell(a, b) for a in targets) for b in view.members),
        "Partner language",
        "Target language",
        unit=view.reading.records.metrics[view.task].measure,
        sign=TARGET_GAINS,
        note="Score of the target with both adapters combined, less its score with its own alone. "
        f"{verdicts_over('all pairs of the combination')}",
    )
