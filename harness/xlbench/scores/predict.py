"""Which transfer language an unmeasured target should take: a prediction, and what such choices cost.

In the manner of LangRank (Lin et al. 2019), with ridge regression in place of boosted trees: a matrix of
transfer experiments has tens of languages, not thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.scores.crossed import Pair

Chooser = Callable[["Mapping[Pair, float]", str, Sequence[str]], "Mapping[str, float] | None"]
"""(measured effects, target, candidates) to a number for each candidate, higher is better; None: no idea."""

FEWEST = 3
"""Targets below which nothing is predicted."""
_PENALTIES = 10.0 ** np.arange(-1, 5)


class Regret(NamedTuple):
    """What choices cost, each target in turn left out of what they are made from."""

    mean: float | None
    """Points lost against the best transfer language of each target; None: no choice is made."""
    best: int
    """Targets for which the choice is the best one."""


def predicted(
    effects: Mapping[Pair, float],
    features: Mapping[str, Mapping[Pair, float]],
    target: str,
    candidates: Sequence[str],
) -> dict[str, float]:
    """Predicted effect of each candidate on `target`, in points; its own effects in `effects` are not used.

    Ridge regression (Hoerl & Kennard 1970) on standardised features and on the transfer language's mean
    effect on other targets; the penalty by generalised cross-validation (Golub, Heath & Wahba 1979). What is
    not known of a pair is taken as the mean.
    """
    known = {(f, g): x for (f, g), x in effects.items() if target not in (f, g)}
    rows, wanted = list(known), [(f, target) for f in candidates]
    donor = {pair: _donation(known, pair[0], pair[1]) for pair in (*rows, *wanted)}
    columns = [*features.values(), {pair: x for pair, x in donor.items() if x is not None}]
    x = np.array([[column.get(pair, np.nan) for column in columns] for pair in (*rows, *wanted)])
    y = np.array(list(known.values()))
    n = len(rows)
    there = np.isfinite(x[:n]).any(axis=0)
    x = x[:, there]
    centre, scale = np.nanmean(x[:n], axis=0), np.nanstd(x[:n], axis=0)
    x = np.nan_to_num((x - centre) / np.where(scale > 0, scale, np.inf))
    found = y.mean() + x[n:] @ _ridge(x[:n], y - y.mean())
    return dict(zip(candidates, map(float, found), strict=True))


def _donation(effects: Mapping[Pair, float], transfer: str, but: str) -> float | None:
    others = [x for (f, g), x in effects.items() if f == transfer and g not in (transfer, but)]
    return float(np.mean(others)) if others else None


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    u, d, v = np.linalg.svd(x, full_matrices=False)
    rotated = u.T @ y
    best, chosen = np.inf, np.zeros(x.shape[1])
    for penalty in _PENALTIES:
        kept = d * d / (d * d + penalty)
        rest = y - u @ (kept * rotated)
        score = float(rest @ rest) / (len(y) - 1 - kept.sum()) ** 2
        if score < best:
            best, chosen = score, v.T @ (d / (d * d + penalty) * rotated)
    return chosen


def best_donor(
    effects: Mapping[Pair, float], target: str, candidates: Sequence[str]
) -> dict[str, float] | None:
    """The plain rule: mean effect on other targets."""
    known = {pair: x for pair, x in effects.items() if target not in pair}
    found = {f: _donation(known, f, target) for f in candidates}
    return {f: x for f, x in found.items() if x is not None} or None


def regret(effects: Mapping[Pair, float], targets: Collection[str], choose: Chooser) -> Regret:
    """Leave one target out, choose for it from the others, and see what the choice costs.

    Among candidates that the choice ranks first alike, the mean of what they cost.
    """
    lost: list[float] = []
    hits = 0
    for target in targets:
        own = {f: x for (f, g), x in effects.items() if g == target and f != target}
        said = choose(effects, target, list(own))
        if not said:
            return Regret(None, 0)
        top = [own[f] for f, x in said.items() if x == max(said.values())]
        lost.append(max(own.values()) - float(np.mean(top)))
        hits += lost[-1] == 0
    return Regret(float(np.mean(lost)), hits) if lost else Regret(None, 0)


def typical_error(
    effects: Mapping[Pair, float], features: Mapping[str, Mapping[Pair, float]], targets: Collection[str]
) -> float:
    """Root mean square of what `predicted` misses, each target in turn left out, in points."""
    missed = []
    for target in targets:
        own = {f: x for (f, g), x in effects.items() if g == target and f != target}
        said = predicted(effects, features, target, list(own))
        missed += [said[f] - x for f, x in own.items()]
    return float(np.sqrt(np.mean(np.square(missed))))
