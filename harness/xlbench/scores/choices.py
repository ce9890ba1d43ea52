"""What it costs to choose a source by a rule, each target in turn left out of what the rule knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.contracts.mixture import has
from xlbench.scores.predict import additive

if TYPE_CHECKING:
    from xlbench.scores.crossed import Pair

Chooser = Callable[["Mapping[Pair, float]", str, Sequence[str]], "Mapping[str, float] | None"]
"""(measured effects, target, candidates) to a number for each candidate, higher is better; None: no idea."""
CLOSE = 0.05
"""A source is close to the best if it loses at most this share of what the best one does."""


class Regret(NamedTuple):
    """What choices cost, each target in turn left out of what they are made from."""

    mean: float | None
    """Points lost against the best transfer language of each target; None: no choice is made."""
    best: int
    """Targets for which the choice is the best one."""
    close: int = 0
    """Targets for which it is close to the best one (`CLOSE`)."""


def is_close(value: float, best: float) -> bool:
    """Whether an effect is close to the best one."""
    return best - value <= CLOSE * abs(best) + 1e-12


def own_effects(effects: Mapping[Pair, float], target: str) -> dict[str, float]:
    """By source other than the target: its effect on it."""
    return {f: x for (f, g), x in effects.items() if g == target and not has(f, target)}


def best_donor(
    effects: Mapping[Pair, float], target: str, candidates: Sequence[str]
) -> dict[str, float] | None:
    """The plain rule: mean effect on other targets."""
    found: dict[str, list[float]] = {}
    for (f, g), x in effects.items():
        if g != target and not has(f, target) and not has(f, g):
            found.setdefault(f, []).append(x)
    return {f: float(np.mean(found[f])) for f in candidates if f in found} or None


def centred_donor(
    effects: Mapping[Pair, float], target: str, candidates: Sequence[str]
) -> dict[str, float] | None:
    """The same, of effects less each target's level: sources that were measured on other targets, or that are
    targets themselves, are compared fairly.
    """
    rest = {pair: x for pair, x in effects.items() if pair[1] != target and not has(pair[0], target)}
    sources = list(dict.fromkeys(f for f, _ in rest))
    targets = list(dict.fromkeys(g for _, g in rest))
    y = np.array([[np.nan if has(f, g) else rest.get((f, g), np.nan) for g in targets] for f in sources])
    if not y.size:
        return None
    found = dict(zip(sources, map(float, additive(y)[0]), strict=True))
    return {f: found[f] for f in candidates if f in found} or None


def regret(effects: Mapping[Pair, float], targets: Collection[str], choose: Chooser) -> Regret:
    """Leave one target out, choose for it from the others, and see what the choice costs.

    Among candidates that the choice ranks first alike, the mean of what they cost.
    """
    lost: list[float] = []
    hits, close = 0, 0.0
    for target in targets:
        own = own_effects(effects, target)
        said = choose(effects, target, list(own))
        if not said:
            return Regret(None, 0)
        best = max(own.values())
        top = [own[f] for f, x in said.items() if x == max(said.values())]
        lost.append(best - float(np.mean(top)))
        hits += lost[-1] == 0
        close += float(np.mean([is_close(x, best) for x in top]))
    return Regret(float(np.mean(lost)), hits, round(close)) if lost else Regret(None, 0)
