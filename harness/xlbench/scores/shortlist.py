"""Shortlists and intervals with a guarantee, by jackknife conformal prediction over targets.

Each measured target is left out in turn, and predicted from the others. What would have been needed for that
target (how far down the list, how wide an interval) is what an unmeasured target is given, in all but the
worst tenth: if it is a target as those were (exchangeable), that suffices with a chance of 90%. Conformal
prediction: Vovk, Gammerman & Shafer 2005; by the jackknife: Barber, Candès, Ramdas & Tibshirani 2021; with
several numbers of each target: Lee, Barber & Willett 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.scores.choices import is_close, own_effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.crossed import Pair
    from xlbench.scores.predict import Predictor

HOLD = 0.9
"""Share of targets for which a shortlist holds what it promises, and an interval its effect."""
ENOUGH = math.ceil(HOLD / (1 - HOLD) - 1e-9)
"""Targets below which nothing short can be promised."""


class Shortlisted(NamedTuple):
    """What is promised of a target that was not measured."""

    predicted: dict[str, float]
    """By source, the best first."""
    listed: tuple[str, ...]
    """The first of them: with a chance of 90%, one is close to the best of all."""
    reach: float
    """How far an effect may be from what is predicted of it, either way; inf where too few targets say."""

    @property
    def is_sure(self) -> bool:
        """Whether enough targets were measured for a promise; otherwise all sources are listed."""
        return math.isfinite(self.reach)


class Checked(NamedTuple):
    """What the same promises came to on measured targets, each left out."""

    held: int
    """Targets whose shortlist has a source that is close to the best."""
    size: float
    """Mean number of sources on a shortlist."""
    covered: float
    """Share of effects within their interval, in percent."""
    error: float
    """Root mean square of what predictions miss, in the effects' unit."""
    targets: int


def shortlisted(
    effects: Mapping[Pair, float], predictor: Predictor, target: str, candidates: Sequence[str]
) -> Shortlisted:
    """The promise for a target, whose own effects, if there are any, are not read."""
    said = predictor.of(target).order
    order = {f: said[f] for f in sorted(candidates, key=lambda f: (-said.get(f, -math.inf), f)) if f in said}
    gaps, misses = _needed(effects, predictor, target)
    return Shortlisted(order, _first(order, _enough(gaps)), _reach(misses))


def checked(effects: Mapping[Pair, float], predictor: Predictor) -> Checked:
    """How the promises hold on the measured targets."""
    gaps, misses = _needed(effects, predictor, "")
    targets = list(gaps)
    held = size = inside = 0.0
    squares: list[float] = []
    for g in targets:
        own = own_effects(effects, g)
        said = predictor.left_out[g].order
        order = {f: said[f] for f in sorted(own, key=lambda f: (-said.get(f, -math.inf), f)) if f in said}
        listed = _first(order, _enough({k: x for k, x in gaps.items() if k != g}))
        reach = _reach({k: x for k, x in misses.items() if k != g})
        held += any(is_close(own[f], max(own.values())) for f in listed)
        size += len(listed)
        inside += float(np.mean(misses[g] <= reach))
        squares.append(float(np.mean(misses[g] ** 2)))
    n = max(1, len(targets))
    return Checked(int(held), size / n, 100 * inside / n, float(np.mean(squares)) ** 0.5, len(targets))


def _needed(
    effects: Mapping[Pair, float], predictor: Predictor, but: str
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """By measured target: how far below its first a source that is close to the best was predicted; and how
    far each effect is from its prediction.
    """
    gaps: dict[str, float] = {}
    misses: dict[str, NDArray[np.float64]] = {}
    for g, left in predictor.left_out.items():
        own = {f: x for f, x in own_effects(effects, g).items() if f in left.order}
        if g == but or not own:
            continue
        best = max(own_effects(effects, g).values())
        close = [left.order[f] for f, x in own.items() if is_close(x, best)]
        gaps[g] = max(left.order[f] for f in own) - max(close) if close else math.inf
        misses[g] = np.array([abs(x - left.order[f]) for f, x in own.items()])
    return gaps, misses


def _enough(gaps: Mapping[str, float]) -> float:
    """The gap that suffices for 90% of targets, one to come among them; inf where that cannot be said."""
    place = math.ceil(HOLD * (len(gaps) + 1) - 1e-9)
    return sorted(gaps.values())[place - 1] if place <= len(gaps) else math.inf


def _reach(misses: Mapping[str, NDArray[np.float64]]) -> float:
    """The same of intervals: each target weighs 1 / (n + 1), shared out among its pairs, the rest at inf."""
    if not misses:
        return math.inf
    values = np.concatenate(list(misses.values()))
    weights = np.concatenate([np.full(len(x), 1 / len(x)) for x in misses.values()]) / (len(misses) + 1)
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    place = int(np.searchsorted(total, HOLD - 1e-9))
    return float(values[order][place]) if place < len(values) else math.inf


def _first(order: Mapping[str, float], gap: float) -> tuple[str, ...]:
    """Sources predicted within `gap` of the first."""
    top = max(order.values(), default=0.0)
    return tuple(f for f, x in order.items() if top - x <= gap + 1e-12)
