"""Tests that stay valid when seeds come one by one, and what more seeds could still show.

An estimate of n seeds has the variance V + S / n: test examples (V) are the same for all seeds, so that more
seeds take away the part of seeds (S) alone. Any two looks have the covariance of the later one's variance,
which makes estimates a process of independent increments in the information 1 / (V + S / n), as in any group
sequential test (Jennison & Turnbull 2000, chapter 3): where S is small, the first look has most of it.
`docs/explanation/adaptive.md` has the method whole.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from xlbench.scores.significance import RATE, benjamini_hochberg, p_value, randomisation
from xlbench.scores.spread import spreads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Verdict
    from xlbench.scores.estimate import Estimate

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A difference, as it was after each of its seeds."""

    after: tuple[Estimate, ...]
    """With the first seed, with the first two, and so on; empty where the first is missing."""


class Standing(NamedTuple):
    """Where one difference stands."""

    value: float
    seeds: int
    examples: float
    """V: variance by the choice of test examples."""
    run: float
    """S: variance over seeds, of one run."""
    freedom: float
    """Degrees of freedom with which that is known; infinite where it is assumed, after one seed."""
    swapped: float
    """Standard error by approximate randomisation of examples, as its p-value has it."""
    p: float
    """Sequential p-value: the lowest level at which a test of all looks would have claimed it by now. 1 after
    one seed, which says nothing of others."""


class Followed(NamedTuple):
    """What can be said of one difference by now, with its whole table, and what more seeds could add."""

    word: Verdict
    p: float
    """Sequential p-value, not adjusted."""
    chance: float
    """To be claimed with all seeds, 0 to 1, by what is known now; 1 of what is claimed."""
    seeds: int
    """That it has."""
    q: float
    """p corrected over the table, which the word comes from."""


def standings(courses: Mapping[Key, Course], seeds: int) -> dict[Key, Standing]:
    """Of each difference that has a seed, in a study of `seeds` at most.

    A look n is judged by what was there at that look, so what comes later changes nothing in it: the spread
    of its seeds is backed by the others of the table with n seeds, and by those that ended earlier.
    The test is that of O'Brien & Fleming (1979), one boundary for score times root of information share,
    from the second seed on; p-values of a look are turned into normal scores (Jennison & Turnbull 2000,
    section 3.8).
    """
    found: dict[Key, Standing] = {}
    highest: dict[Key, float] = {}
    shares: dict[Key, list[float]] = {}
    for key, course in courses.items():
        if course.after:
            first = course.after[0]
            own = first.spread()
            if first.value is not None and own is not None:
                found[key] = Standing(
                    first.value, 1, own.error**2, own.error**2, np.inf, _swapped(first), 1.0
                )
    for n in range(2, seeds + 1):
        here = {key: courses[key].after[n - 1] for key in found if len(courses[key].after) >= n}
        ended = [courses[key].after for key in found if 2 <= len(courses[key].after) < n]
        backed = spreads([*here.values(), *(_as_if(each[-1], len(each), n) for each in ended)])
        for (key, estimate), spread in zip(here.items(), backed, strict=False):
            if spread is None or estimate.value is None:
                continue
            p = p_value(estimate, spread)
            examples = spread.error**2 * (1 - spread.share)
            run = spread.error**2 * spread.share * n
            before = found[key]
            whole = examples + run / seeds
            if whole > 0 and p is not None:
                share = whole / (examples + run / n)
                score = _score(p) * share**0.5
                highest[key] = max(highest.get(key, 0.0), score)
                shares.setdefault(key, []).append(share)
                coming = [whole / (examples + run / m) for m in range(n + 1, seeds)]
                looks = [*shares[key], *coming][: max(0, seeds - 2)]
                p = min(before.p, crossing(highest[key], looks))
            else:
                p = before.p
            found[key] = Standing(estimate.value, n, examples, run, spread.freedom, _swapped(estimate), p)
    return found


def follow(courses: Mapping[Key, Course], seeds: int) -> dict[Key, Followed]:
    """Words of a whole table by now, corrected over it (Benjamini & Hochberg 1995), and chances of what is
    open, in a study of `seeds` at most; nothing of what has no seed, which counts as a test without effect.

    Sequential p-values are p-values whenever one stops, for whatever reason, which is what the correction
    needs (Posch, Zehetmayer & Bauer 2009 for looks at a whole table). Chances are conditional power under the
    current estimate, at the level that the correction is expected to leave in the end: 5% x (k + 1) / tests,
    where k is the largest number of claims that the chances at k add up to.
    """
    found = standings(courses, seeds)
    each, tests = list(found.values()), len(courses)
    adjusted = benjamini_hochberg([*(x.p for x in each), *[1.0] * (tests - len(each))])[: len(each)]
    claimed = adjusted <= RATE
    expected = tests + 1
    while True:
        level = RATE * min(1.0, (expected + 1) / max(1, tests))
        chances = np.where(claimed, 1.0, _power(each, seeds, level))
        if int(chances.sum()) >= expected or expected == 0:
            break
        expected = int(chances.sum())
    return {
        key: Followed(
            "no clear effect" if not yes or x.value == 0 else "helps" if x.value > 0 else "harms",
            x.p,
            float(chance),
            x.seeds,
            float(q),
        )
        for (key, x), yes, chance, q in zip(found.items(), claimed, chances, adjusted, strict=True)
    }


def crossing(height: float, shares: Sequence[float]) -> float:
    """Chance that a Brownian motion is at least `height` from 0 at time 1, or was at one of `shares` before.

    An upper bound: the end, plus each earlier crossing that comes back, but no more than the end twice, which
    is the bound for looks at all times (reflection principle).
    """
    from scipy.special import ndtr

    end = 2 * float(ndtr(-height))
    if height <= 0:
        return 1.0
    back = 0.0
    steps, weights = np.polynomial.laguerre.laggauss(24)
    for share in shares:
        if 0 < share < 1:
            # The integral over w > height of the density at `share` times the chance to be below at time 1.
            rate = height / share
            w = height + steps / rate
            log = -(w * w) / (2 * share) + steps - 0.5 * np.log(2 * np.pi * share) - np.log(rate)
            back += 2 * float(weights @ (np.exp(log) * ndtr((height - w) / (1 - share) ** 0.5)))
    return min(1.0, end + min(end, back))


def _power(each: Sequence[Standing], seeds: int, level: float) -> NDArray[np.float64]:
    """Chance that each, with all seeds, is beyond the quantile of a two-sided test at `level`: its value
    moves by what seeds still to come may add, and not by test examples, which stay (conditional power, Lan,
    Simon & Halperin 1982).
    """
    from scipy.special import ndtr, ndtri, stdtrit

    value, n, examples, run, freedom = (
        np.array([x[i] for x in each], dtype=np.float64).reshape(-1) for i in range(5)
    )
    swapped = np.array([x.swapped for x in each], dtype=np.float64)
    whole = examples + run / seeds
    error = np.sqrt(whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole > 0, run / seeds / whole, 0.0)
        later = np.where(n > 1, freedom * (seeds - 1) / np.maximum(n - 1, 1), np.inf)
        normal = float(ndtri(1 - level / 2))
        student = np.where(
            np.isinf(later), normal, stdtrit(np.where(np.isinf(later), 1e6, later), 1 - level / 2)
        )
        needed = np.maximum((normal + share * (student - normal)) * error, normal * swapped)
        moves = np.sqrt(run * np.maximum(1 / n - 1 / seeds, 0))
        power = ndtr((value - needed) / moves) + ndtr((-value - needed) / moves)
    settled: NDArray[np.float64] = np.where(moves > 0, power, np.abs(value) >= needed)
    return np.where(whole > 0, settled, 0.0)


def _swapped(estimate: Estimate) -> float:
    """The error with which a normal test would give the p-value of randomisation."""
    if estimate.null is None or not estimate.value:
        return 0.0
    score = _score(randomisation(estimate.value, estimate.null))
    return abs(estimate.value) / score if score > 0 else float("inf")


def _score(p: float) -> float:
    """The normal score of a two-sided p-value."""
    from scipy.special import ndtri

    return max(0.0, -float(ndtri(max(p, 1e-300) / 2)))


def _as_if(estimate: Estimate, seeds: int, n: int) -> Estimate:
    """With the spread over its seeds that a mean of `n` would have."""
    scale = (seeds / n) ** 0.5
    return replace(estimate, seeds={key: scale * own for key, own in estimate.seeds.items()})
