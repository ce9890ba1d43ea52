"""What is known of pairs of languages without measuring anything."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from xlbench.contracts import Subwords
from xlbench.data import domains

if TYPE_CHECKING:
    from xlbench.contracts import Language, Records

Pair = tuple[str, str]
LINES = "text of the transfer language (log lines)"
WORDS = "text of the transfer language (log words)"


def pair_features(records: Records, task: str, pairs: Collection[Pair]) -> dict[str, dict[Pair, float]]:
    """By name, numbers by (transfer, target); a pair of which one is not known is not in it.

    The first are the first to be used where languages are too few for all. A distance that is known of no
    pair is not there: it is between other languages.
    """
    languages, seen, texts = records.languages, records.seen, records.texts
    words = {x: one.words for x, one in texts.items() if one.words}
    tested = records.domains.get(task, {})
    cut = records.subwords.get(task, Subwords({}, {}, {}))
    distances = {
        f"{x.name} distance": {p: float(x.table[p]) for p in pairs if p in x.table} for x in records.distances
    }

    def same(what: str) -> dict[Pair, float]:
        found = {pair: _same(languages, pair, what) for pair in pairs}
        return {pair: float(x) for pair, x in found.items() if x is not None}

    return {
        "transfer language seen": {p: float(x) for p in pairs if (x := seen.get(p[0])) is not None},
        "target language seen": {p: float(x) for p in pairs if (x := seen.get(p[1])) is not None},
        "same script": same("script"),
        "same family": same("family"),
        "same genus": same("genus"),
        "vocabulary overlap": {p: cut.overlap[p] for p in pairs if p in cut.overlap},
        "subword fertility of the transfer language": {p: cut.text[p[0]] for p in pairs if p[0] in cut.text},
        "subword fertility of the target language": {p: cut.tests[p[1]] for p in pairs if p[1] in cut.tests},
        **{name: table for name, table in distances.items() if table},
        LINES: {p: math.log(texts[p[0]].lines) for p in pairs if p[0] in texts and texts[p[0]].lines},
        WORDS: {p: math.log(words[p[0]]) for p in pairs if p[0] in words},
        "mean sentence length of the transfer language (words)": {
            p: words[p[0]] / texts[p[0]].lines for p in pairs if p[0] in words
        },
        "same domain": {
            (f, g): float(domains.share(domain, tested[g]))
            for f, g in pairs
            if g in tested and f in texts and (domain := texts[f].domain) is not None
        },
    }


def apart(records: Records, codes: Collection[str]) -> dict[Pair, float]:
    """How far languages are from one another, 0 to 1: the mean of what is known of known distances, each in
    parts of its largest, and of whether script and family differ. Pairs of which nothing is known are not in
    it.
    """
    pairs = [(a, b) for a in codes for b in codes if a < b]
    parts: dict[Pair, list[float]] = {}
    for distance in records.distances:
        known = {pair: float(distance.table[pair]) for pair in pairs if pair in distance.table}
        largest = max(known.values(), default=0.0)
        for pair, x in known.items():
            parts.setdefault(pair, []).append(x / largest if largest > 0 else 0.0)
    for pair in pairs:
        for what in ("script", "family"):
            if (same := _same(records.languages, pair, what)) is not None:
                parts.setdefault(pair, []).append(1.0 - same)
    return {pair: math.fsum(x) / len(x) for pair, x in parts.items()}


def _same(languages: Mapping[str, Language], pair: Pair, what: str) -> bool | None:
    """Whether two languages have this in common; None where it is not known of both."""
    if not all(x in languages for x in pair):
        return None
    one, other = (str(getattr(languages[x], what)) for x in pair)
    return None if "unknown" in (one, other) else one == other
