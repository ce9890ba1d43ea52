"""The answer of a transfer page: which text helps which targets, and how sure that is, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Headline, Number, Table
from xlbench.contracts.mixture import has, languages
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import between, counted, judge, mean, words
from xlbench_probes.arms import Arm
from xlbench_probes.headlines import Teller
from xlbench_probes.transfer_view import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlbench.contracts import Value
    from xlbench_probes.transfer_view import View

MOST_NAMED = 3
"""Pairs that the answer names of those that help, and of those that harm."""
UNKNOWN = "unknown"
"""Family of a language of which it is not known."""
OWN, SAME, OTHER, ANY = "own", "same family", "other family", "another language"
OWN_AMONG = "own, among others"
SHUFFLED = "shuffled"
TREATED = "own or same family, {}"
"""Of text that is kin to the target, under a treatment."""
TARGETS = {"no": "unseen", "yes": "seen", "not known": "all"}
"""By what `Reading.seen` says of a target."""

Group = tuple[str, str]
"""What targets are to the model, and what the text's language is to the target."""
Pairs = list[tuple[Arm, str]]


def groups(view: View, steps: int) -> dict[Group, Pairs]:
    """Every planned (text, target) by seen and unseen targets and by the kinship of text and target; families
    are those of the languages' table.
    """
    found: dict[Group, Pairs] = {}
    for seen, side in TARGETS.items():
        for g in (x for x in view.targets if view.reading.seen(x) == seen):
            arms = view.arms(steps)
            if view.own(g, steps) is not None and g not in view.transfer:
                arms = [*arms, Arm(g, steps)]
            for arm in arms:
                kin = _kinship(view, arm.text, g)
                found.setdefault((side, kin), []).append((arm, g))
                for treatment in view.treatments if kin in (OWN, SAME) else ():
                    treated = Arm(arm.text, steps, treatment)
                    if view.effects.seeds(treated):
                        found.setdefault((side, TREATED.format(treatment)), []).append((treated, g))
    treated_kin = tuple(map(TREATED.format, view.treatments))
    order = [(x, kin) for x in TARGETS.values() for kin in (OWN, OWN_AMONG, SAME, *treated_kin, OTHER, ANY)]
    return {x: found[x] for x in order if x in found}


def by_kinship(views: Mapping[str, View]) -> Table:
    """Mean effect, gain or both (by heading) of text by kinship."""
    first = next(iter(views.values()))
    k, unit = first.last, first.metric.measure
    pairs = groups(first, k)
    columns = [_means(view, pairs) for view in views.values()]
    rows: list[tuple[Value | Number, ...]] = [
        (side, kin, len(pairs[side, kin]), *(x[side, kin] for x in columns)) for side, kin in pairs
    ]
    return Table(
        f"Which text helps: {first.task}, {counted(k, 'step')}",
        ("Targets", "Text", "Pairs", *views),
        tuple(rows),
        f"Mean change of the score over pairs of text and target, in {unit} (positive: the targets gain). "
        f"Seen and unseen: in the model's pretraining. {treated_texts(first)} A mean over several pairs "
        "has a verdict from two-sided tests with the false discovery rate held at 5% over its column; a "
        "single pair has the verdict that it has in the matrix.",
        leads=True,
    )


def treated_texts(view: View) -> str:
    """What treated texts are."""
    others = (x for x in view.treatments if x != SHUFFLED)
    return "Shuffled: the same texts with their tokens in random order." + "".join(
        f" {x.capitalize()}: the same texts under the treatment {x!r}." for x in others
    )


def headlines(view: View) -> list[Headline]:
    """Of the page, by one reading at its largest number of steps; and what its numbers are of."""
    k, what, name, metric = view.last, view.what, view.reading.name, view.metric
    teller = Teller(
        name, lambda f: f"Text of {name(f)}", metric.unit, metric.measure, what, k, what or "effect"
    )
    found = teller.of({g: view.shortlist(g, k) for g in view.targets})
    return [*found, Headline("how sure", basis(view), reading=what, steps=k)]


def lines(views: Mapping[str, View]) -> Iterator[str]:
    """Who is helped and who is harmed, by the first of the readings; of what the numbers are."""
    what, view = next(iter(views.items()))
    k, unit, name = view.last, view.metric.unit, view.reading.name
    found = {x: y.number for x, y in view.judged_effects(k).items() if not has(*x)}
    if not found:
        yield "Every text is of the target language itself: how languages help each other is not measured."
    elif any(x.word == "this run only" for x in found.values()):
        yield "With one seed, what is shown holds for this run only; no text is said to help or to harm."
    else:
        of = f" ({what.lower()})" if len(views) > 1 else ""
        for verdict, verb in (("helps", "helped"), ("harms", "harmed")):
            clear = [(f, g, x) for (f, g), x in found.items() if x.word == verdict]
            clear.sort(key=lambda x: -abs(x[2].value or 0.0))
            named = [f"{name(g)} by text of {name(f)}, {between(x, unit)}" for f, g, x in clear[:MOST_NAMED]]
            more = f"; and {len(clear) - MOST_NAMED} more" if len(clear) > MOST_NAMED else ""
            of_all = f"{len(clear)} of {counted(len(found), 'pair')} of different languages"
            told = f"{of_all}: {'; '.join(named)}{more}" if clear else "none"
            yield f"Clearly {verb}{of}: {told}."
        for other, second in list(views.items())[1:]:
            there = [y.number.word for x, y in second.judged_effects(k).items() if not has(*x)]
            helped, harmed = (there.count(x) for x in ("helps", "harms"))
            yield f"By {other.lower()}: {helped} clearly helped, {harmed} clearly harmed."
    yield _basis(view)


def _means(view: View, groups: Mapping[Group, Pairs]) -> dict[Group, Number]:
    """A number for each group; a group of one pair that is tested elsewhere has its number from there."""
    alone = {x: _tested(view, *some[0]) for x, some in groups.items() if len(some) == 1}
    found = {x: one for x, one in alone.items() if one is not None}
    effect = view.effects.effect
    means = judge({x: mean(effect(*pair) for pair in some) for x, some in groups.items() if x not in found})
    return {x: found[x] if x in found else means[x].number for x in groups}


def _tested(view: View, arm: Arm, target: str) -> Number | None:
    """What the matrix, or the family of own texts, says of a pair; None of treated text."""
    if arm.treatment != PLAIN:
        return None
    own = view.judged_own(arm.steps).get(target) if arm.text == target else None
    found = own or view.judged_effects(arm.steps).get((arm.text, target))
    return found.number if found else None


def _kinship(view: View, text: str, target: str) -> str:
    if text == target:
        return OWN
    if has(text, target):
        return OWN_AMONG
    known = view.reading.records.languages
    own, *others = (known[x].family if x in known else UNKNOWN for x in (target, *languages(text)))
    if UNKNOWN in (own, *others) or (own in others and {*others} != {own}):
        return ANY
    return SAME if own in others else OTHER


def _basis(view: View) -> str:
    return (
        f"In {view.metric.measure}, after {counted(view.last, 'step')}; {basis(view)}; 95% CIs in brackets."
    )


def basis(view: View) -> str:
    """Of how many seeds, task adapters and test examples the numbers are."""
    of = counted(max(len(view.effects.seeds(x)) for x in view.arms(view.last)), "fine-tuning seed")
    if view.reading.has_adapter(view.task):
        of += f" x {counted(len(view.effects.adapters), 'task adapter')}"
    runs = ((view.reading.evaluation(job, cell)) for job, cell in view.reading.planned(PROBE, view.task))
    sizes = sorted({len(x.counts) for x in runs if x is not None})
    examples = words([*dict.fromkeys((sizes[0], sizes[-1]))]).replace(" and ", " to ") if sizes else "no"
    return f"{of}; {examples} test examples per target"
