"""Advice for a target that was not measured: a page for `xlbench recommend`, from any matrix of effects.

Imports numpy: import this where advice is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xlbench.contracts import Number, Page, Table
from xlbench.contracts.mixture import has
from xlbench.errors import ResultsError
from xlbench.scores.choices import CLOSE, Regret, best_donor, regret
from xlbench.scores.predict import FEWEST, Predictor
from xlbench.scores.shortlist import ENOUGH, HOLD, checked, shortlisted

if TYPE_CHECKING:
    from xlbench.contracts import Value
    from xlbench.probing.reading import Reading
    from xlbench.scores.choices import Chooser
    from xlbench.scores.crossed import Pair
    from xlbench.scores.shortlist import Checked, Shortlisted

PREDICTION = "the prediction"
_SHARE, _CLOSE = f"{HOLD:.0%}", f"{CLOSE:.0%}"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A target that was not measured, and all that a prediction is made from."""

    reading: Reading
    task: str
    target: str
    """ISO 639-3."""
    effects: Mapping[Pair, float]
    """By (source, measured target)."""
    features: Mapping[str, Mapping[Pair, float]]
    """By name, numbers by (source, target)."""
    apart: Mapping[Pair, float]
    """Distances between targets, this one among them."""
    what: str
    """What the numbers are called: "effect"."""
    unit: str
    where: str = ""
    """Under what they were measured, for headings: ", 100 steps"."""
    source: str = "Transfer language"
    """What the sources are called."""
    signed: bool = True
    """Whether they are differences, whose sign is always shown."""
    rules: Mapping[str, Chooser] = field(default_factory=dict)
    """Plain rules, by name, to hold the prediction against; best donor overall is one of them anyway."""


def predicted_page(asked: Asked) -> Page:
    """A page that ranks the sources for a target that was not measured, with a shortlist that holds a source
    close to the best for 90% of such targets, and what such choices cost on the measured ones.
    Raises ResultsError.
    """
    effects = {pair: x for pair, x in asked.effects.items() if not has(*pair) and pair[1] != asked.target}
    sources = [f for f in dict.fromkeys(f for f, _ in effects) if not has(f, asked.target)]
    count: dict[str, int] = {}
    for _, g in effects:
        count[g] = count.get(g, 0) + 1
    targets = [g for g, n in count.items() if n > 1]
    if len(targets) < FEWEST:
        raise ResultsError(
            f"{asked.target} was not measured, and a prediction needs at least {FEWEST} targets that were, "
            f"each by two {asked.source.lower()}s; the study has {len(targets)}: run it with --targets "
            f"{asked.target}"
        )
    effects = {(f, g): x for (f, g), x in effects.items() if g in targets}
    wanted = [(f, asked.target) for f in sources]
    # What is known of no pair with this target must not help on targets that are left out either: their
    # regret would be that of a better informed choice.
    features = {
        name: table for name, table in asked.features.items() if any(pair in table for pair in wanted)
    }
    predictor = Predictor(effects, features, asked.apart, wanted)
    found = shortlisted(effects, predictor, asked.target, sources)
    tried = checked(effects, predictor)

    def ours(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        said = predictor.left_out[target].order
        return {f: said[f] for f in candidates if f in said}

    rules = {PREDICTION: ours, **asked.rules, "best donor overall": best_donor}
    costs = {title: regret(effects, targets, rule) for title, rule in rules.items()}
    lines = (*_answer(asked, found), *_promise(asked, found, tried, len(sources)), _compared(costs))
    title = f"Recommendation: {asked.task} on {asked.reading.name(asked.target)}"
    return Page(asked.task, title, lines, (_ranked(asked, found, tried), _costs(costs, len(targets))))


def _answer(asked: Asked, found: Shortlisted) -> list[str]:
    first, value = next(iter(found.predicted.items()))
    number = Number(value, signed=asked.signed)
    within = ""
    if found.is_sure:
        low, high = (number.text(value + side * found.reach) for side in (-1, 1))
        within = f" ({_SHARE} prediction interval {low} to {high})"
    lines = [
        f"Not measured: a prediction. {asked.reading.name(first)} comes first, with a {asked.what} of "
        f"{number.text()} {asked.unit}{within}."
    ]
    if asked.signed and value <= 0:
        lines.append(f"No {asked.source.lower()} is predicted to help.")
    return lines


def _promise(asked: Asked, found: Shortlisted, tried: Checked, sources: int) -> list[str]:
    if not found.is_sure:
        return [
            f"No shortlist can be guaranteed: that takes {ENOUGH} measured targets, and the study has "
            f"{tried.targets}; add some with --targets."
        ]
    names = ", ".join(asked.reading.name(f) for f in found.listed[:_FEW])
    more = f" and {len(found.listed) - _FEW} more" if len(found.listed) > _FEW else ""
    return [
        f"Shortlist ({len(found.listed)} of {sources}): {names}{more}. For {_SHARE} of targets like the "
        f"measured ones, such a list has a {asked.source.lower()} whose {asked.what} is within {_CLOSE} of "
        "the best.",
        f"Checked on the {tried.targets} measured targets, each left out: {tried.held} shortlists had one, "
        f"with {tried.size:.1f} of {sources} {asked.source.lower()}s on average; "
        f"{tried.covered:.0f}% of {asked.what}s were within their prediction intervals.",
    ]


_FEW = 8
"""Names of a shortlist that are spelled out."""


def _ranked(asked: Asked, found: Shortlisted, tried: Checked) -> Table:
    name, seen = asked.reading.name, asked.reading.seen
    reach = found.reach if found.is_sure else None
    rows: tuple[tuple[Value | Number, ...], ...] = tuple(
        (
            name(f),
            seen(f),
            Number(x, signed=asked.signed)
            if reach is None
            else Number(x, x - reach, x + reach, signed=asked.signed),
            *([] if reach is None else ["yes" if f in found.listed else "no"]),
        )
        for f, x in found.predicted.items()
    )
    sure = (
        f" In brackets: {_SHARE} prediction intervals (conformal, over targets). Shortlist: for {_SHARE} of "
        f"targets it has one within {_CLOSE} of the best."
        if reach is not None
        else ""
    )
    return Table(
        f"Predicted for {name(asked.target)}{asked.where}",
        (
            asked.source,
            "Seen",
            f"Predicted {asked.what}",
            *([] if reach is None else ["Shortlist"]),
        ),
        rows,
        f"What each does for other targets, the target's level, and a ridge regression on what is known of "
        f"the pair and on nearby targets; off by {Number(tried.error).text()} {asked.unit} (root mean "
        f"square) on targets that it has not seen.{sure}",
    )


def _costs(costs: Mapping[str, Regret], targets: int) -> Table:
    return Table(
        "What choices cost, each measured target in turn left out",
        ("Choice", "Regret", "Best chosen", f"Within {_CLOSE}", "Targets"),
        tuple(
            (
                title,
                x.mean,
                x.best if x.mean is not None else None,
                x.close if x.mean is not None else None,
                targets,
            )
            for title, x in costs.items()
        ),
        "Regret: mean of what is lost against the target's best. Blank: the study does not say what the rule "
        f"needs. Best chosen: targets for which the choice is the best one; within {_CLOSE}: for which it is "
        f"within {_CLOSE} of the best.",
    )


def _compared(costs: Mapping[str, Regret]) -> str:
    ours = costs[PREDICTION].mean
    plain = {title: x.mean for title, x in costs.items() if title != PREDICTION and x.mean is not None}
    ours = math.inf if ours is None else ours
    better = [title for title, x in plain.items() if x <= ours]
    if better:
        return (
            f"The prediction does not beat plain rules here ({', '.join(better)}); it is no better than "
            "those."
        )
    return "On measured targets the prediction costs less than each of the plain rules."
