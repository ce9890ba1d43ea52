"""How many examples are used of data, and which."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from xlbench.contracts.examples import Example
from xlbench.contracts.reading import Identified, is_in_random_order
from xlbench.errors import DataError, XlbenchError, said_of

if TYPE_CHECKING:
    from xlbench.contracts.data import Split, TaskData

_T = TypeVar("_T")
DRAW = 1
"""Version of what a limit takes; part of the identities of what is limited."""


def shares(sizes: Mapping[str, int], examples: int | None, temperature: float) -> dict[str, int]:
    """Examples of each language, of `examples` in all; None is everything there is.

    In proportion to size ** (1 / temperature), as in the exponentially smoothed sampling of multilingual
    pretraining (Arivazhagan et al. 2019, arXiv 1907.05019): 1 keeps the sizes' proportions, a large
    temperature makes the shares even. No example comes twice: what a language lacks goes to the others by the
    same rule. Shares are rounded so that they add up (largest remainder, ties in order).
    """
    if examples is None or examples >= sum(sizes.values()):
        return dict(sizes)
    weights = {x: size ** (1 / temperature) for x, size in sizes.items()}
    found: dict[str, int] = {}
    left = examples
    while True:
        unsettled = [x for x in sizes if x not in found]
        total = sum(weights[x] for x in unsettled)
        quotas = {x: left * weights[x] / total for x in unsettled}
        exhausted = [x for x in unsettled if quotas[x] >= sizes[x]]
        if not exhausted:
            break
        for language in exhausted:
            found[language] = sizes[language]
            left -= sizes[language]
    found |= {x: int(quota) for x, quota in quotas.items()}
    left -= sum(found[x] for x in quotas)
    for language in sorted(quotas, key=lambda x: found[x] - quotas[x])[:left]:
        found[language] += 1
    return {x: found[x] for x in sizes}


def drawn(items: Sequence[_T], count: int, seed: int, name: str) -> list[_T]:
    """`count` of the items in their order, drawn without replacement; the same for the same seed and name.

    Not the first ones: some sets are sorted by label.
    """
    chosen = random.Random(f"{seed}/{name}").sample(range(len(items)), count)
    return [items[i] for i in sorted(chosen)]


def limited(data: TaskData, language: str, split: Split, limit: int | None) -> Sequence[Example]:
    """At most `limit` examples of a split, in file order: the first ones of data in random order
    (`RandomOrder`), otherwise a draw that is the same whenever it is made (`sample`). Raises DataError.
    """
    if limit is None or is_in_random_order(data):
        return _read(data, language, split, limit)
    whole = _read(data, language, split, None)
    if len(whole) <= limit:
        return whole
    names = data.ids(language, split) if isinstance(data, Identified) else None
    strata = [x.stratum() for x in whole]
    return [whole[i] for i in sample(strata, limit, names)]


def _read(data: TaskData, language: str, split: Split, limit: int | None) -> Sequence[Example]:
    """The examples; whatever a plugin's reading of them raises is a DataError that says whose they are."""
    try:
        found = data.examples(language, split, limit)
    except XlbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise DataError(f"{data.name} ({data.task}): {split} of {language}: {said_of(error)}") from error
    if not isinstance(found, Sequence):  # what is no list may never end
        what = f"{data.name} ({data.task}): {split} of {language}: examples gives a {type(found).__name__}"
        raise DataError(f"{what}, not a list; the plugin is at fault")
    for number, one in enumerate(found, 1):
        if not isinstance(one, Example):
            what = f"{data.name} ({data.task}): {split} of {language}, example {number}"
            raise DataError(f"{what}: a {type(one).__name__} is no example; the plugin is at fault")
        if type(one).__module__ != Example.__module__ and (why := _unsound(one)):
            what = f"{data.name} ({data.task}): {split} of {language}, example {number}"
            raise DataError(f"{what}: {type(one).__name__}.{why}; the plugin is at fault")
    return found


def _unsound(one: Example) -> str:
    """What is wrong with the methods of an example of a plugin's own class; empty where nothing is."""
    for name, method in (("sentences", one.sentences), ("own_sentences", one.own_sentences)):
        try:
            found = method()
        except (Exception, SystemExit) as error:
            return f"{name} raises {said_of(error)}"
        if not isinstance(found, tuple | list) or not all(isinstance(x, str) for x in found):
            return f"{name} must give a tuple of texts, not a {type(found).__name__}"
    try:
        stratum, tested = one.stratum(), list(one.tested())
    except (Exception, SystemExit) as error:
        return f"stratum or tested raises {said_of(error)}"
    sound = all(isinstance(x, str) for x in (stratum, *tested))
    return "" if sound else "stratum must give a text, and tested texts"


def is_drawn(data: TaskData, limit: int | None) -> bool:
    """Whether a limit draws from these data, rather than taking what comes first."""
    return limit is not None and not is_in_random_order(data)


def sample(strata: Sequence[str], count: int, names: Sequence[str] | None = None) -> list[int]:
    """Places of `count` of the examples, in order, drawn without replacement; `strata` says the stratum of
    each.

    A systematic draw: in each stratum of n examples, in random order, the one at place r (from 0) has the
    rank (r + u) / n, with one random u of [0, 1) for the stratum; the examples of the lowest ranks are
    taken. So every example has the same chance, a stratum has its share of the draw rounded up or down, and
    a larger draw has the smaller one in it. What is random follows from the examples' names, or from their
    places where they have none: of sets whose rows are parallel the same rows are taken.
    """
    keys = [_uniform(x) for x in _distinct(names or [str(i) for i in range(len(strata))])]
    members: dict[str, list[int]] = {}
    for place, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(place)
    ranks: list[tuple[float, float, int]] = []
    for places in members.values():
        places.sort(key=keys.__getitem__)
        start = _uniform(f"start {keys[places[0]]}")
        ranks += (((r + start) / len(places), keys[x], x) for r, x in enumerate(places))
    return sorted(x for _, _, x in sorted(ranks)[:count])


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that are there once, where some come again."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(f"{name} #{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def _uniform(text: str) -> float:
    """A number of [0, 1) that follows from a text alone."""
    return (
        int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6).digest()) / 2**48
    )
