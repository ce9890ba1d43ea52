"""Paired tests, corrected for how many there are, and what they could have shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np

from xlbench.scores.spread import spreads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Number, Verdict
    from xlbench.scores.estimate import Estimate
    from xlbench.scores.spread import Spread

Key = TypeVar("Key", bound=Hashable)
Kind: TypeAlias = Literal[
    "helped by all", "harmed by all", "helped by some", "harmed by some", "mixed", "no clear effect",
    "this run only",
]  # fmt: skip

RATE = 0.05
"""False discoveries among the claims of a table, expected at most."""
POWER = 0.8
"""Chance to be found of an effect that is called detectable."""

_FEW = 10
"""Swapped draws as far out as the value below which their share is too rough for a tail."""


def p_value(difference: Estimate, spread: Spread | None = None) -> float | None:
    """Two-sided, the larger of two: that of the interval, and approximate randomisation.

    The first takes seeds and examples as drawn from more of them. The second asks whether the runs at hand
    could differ as much by the choice of examples alone, without a normal distribution of few examples;
    it knows nothing of other seeds. A claim needs both. None where something is missing.
    """
    spread = spread or difference.spread()
    if difference.value is None or spread is None:
        return None
    swapped = 0.0 if difference.null is None else randomisation(difference.value, difference.null)
    return max(spread.p_value(difference.value), swapped)


def randomisation(value: float, null: NDArray[np.float64]) -> float:
    """Share of swapped draws, shape (draws,), at least as far from 0 as `value`, itself counted among them
    (Phipson & Smyth 2010). Where they are few, the tail of a normal distribution of the draws' variance:
    swapped sums are as light-tailed (Hoeffding 1963).
    """
    from scipy.special import ndtr

    far = abs(value) * (1 - 1e-9)
    hits = int((np.abs(null) >= far).sum())
    share = (hits + 1) / (len(null) + 1)
    error = float(np.sqrt(np.mean(null * null)))
    if hits >= _FEW or error == 0:
        return min(1.0, share)
    return min(share, 2 * float(ndtr(-far / error)))


def benjamini_hochberg(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values, shape (n,): a claim at most RATE keeps the false discovery rate there
    (Benjamini & Hochberg 1995).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)[::-1]
    scaled = values[order] * len(values) / np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values, shape (n,): claims at most RATE are all true with a chance of 95%, however the tests
    depend on one another (Holm 1979).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def several(p: Sequence[float], least: int) -> float:
    """p-value of the hypothesis that fewer than `least` of these effects are there: (n - u + 1) p_(u), the
    partial conjunction of Bonferroni (Benjamini & Heller 2008), however the tests depend on one another.
    """
    if not 1 <= least <= len(p):
        raise ValueError(f"least must be between 1 and {len(p)}, not {least}")
    return min(1.0, (len(p) - least + 1) * sorted(p)[least - 1])


def words(tests: Sequence[tuple[float, float]]) -> list[Verdict]:
    """Of a whole table of (p, value), corrected together."""
    return [word for word, _ in corrected(tests)]


def corrected(tests: Sequence[tuple[float, float]]) -> list[tuple[Verdict, float]]:
    """As `words`, each with its adjusted p-value."""
    adjusted = benjamini_hochberg([p for p, _ in tests])
    return [
        ("no clear effect" if q > RATE or value == 0 else "helps" if value > 0 else "harms", float(q))
        for q, (_, value) in zip(adjusted, tests, strict=True)
    ]


class Judged(NamedTuple):
    """One cell of a table of differences."""

    number: Number
    """With its word, unless something is missing."""
    p: float | None
    detectable: float | None
    """The smallest true effect that would get a verdict in 80% of repetitions, in points."""
    q: float | None = None
    """p corrected over the table, which the verdict comes from; None where that holds for one run only."""


def judge(
    differences: Mapping[Key, Estimate], alike: Callable[[Key], Hashable] = lambda _: 0
) -> dict[Key, Judged]:
    """What a whole table of differences lets one claim; cells that are missing get no verdict.

    Tests are corrected over the table, and variances of cells for which `alike` is the same say
    something of one another (`spreads`).
    A missing cell counts as a test without effect, so that what is there claims no more for its absence; so
    does what was run with one seed, which is said to hold for this run only.
    What is detectable is (t(1 - a/2) + t(0.8)) standard errors (Bloom 1995), a being the level that the
    correction leaves one more claim: RATE (claims + 1) / tests, at most RATE.
    """
    spread: dict[Key, Spread | None] = {}
    families: dict[Hashable, list[Key]] = {}
    for key in differences:
        families.setdefault(alike(key), []).append(key)
    for keys in families.values():
        spread.update(zip(keys, spreads([differences[key] for key in keys]), strict=True))
    p = {key: 1.0 if x.alone else p_value(x, spread[key]) for key, x in differences.items()}
    said = corrected([(1.0 if x is None else x, differences[key].value or 0.0) for key, x in p.items()])
    claims = sum(word != "no clear effect" for word, _ in said)
    level = RATE * min(1.0, (claims + 1) / max(1, len(p)))
    found = {}
    for (key, x), (word, q) in zip(differences.items(), said, strict=True):
        own = spread[key]
        if own is None:
            found[key] = Judged(x.number(), None, None)
            continue
        if x.alone:
            found[key] = Judged(replace(x.number(own), word="this run only"), 1.0, None)
            continue
        least = (own.quantile(1 - level / 2) + own.quantile(POWER)) * own.error
        found[key] = Judged(replace(x.number(own), word=word), p[key], least, q)
    return found


def verdicts(differences: Mapping[Key, Estimate]) -> dict[Key, Verdict]:
    """The words of `judge`, of what is not missing."""
    found = {key: x.number.word for key, x in judge(differences).items()}
    return {key: word for key, word in found.items() if word is not None}


def kind(found: Iterable[Verdict]) -> Kind:
    """What all others together are to a language; of none of them nothing is clear."""
    each = list(found)
    if "this run only" in each:
        return "this run only"
    some = set(each) - {"no clear effect"}
    if len(some) != 1:
        return "mixed" if some else "no clear effect"
    how = "helped" if some == {"helps"} else "harmed"
    return f"{how} by {'some' if 'no clear effect' in each else 'all'}"  # type: ignore[return-value]
