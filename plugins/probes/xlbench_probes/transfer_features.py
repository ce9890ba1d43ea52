"""What is known of pairs of languages without measuring anything."""

from __future__ import annotations

import math
from collections.abc import Collection
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
        found = {}
        for f, g in pairs:
            if f in languages and g in languages:
                found[f, g] = float(_fact(languages[f], what) == _fact(languages[g], what))
        return found

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


def _fact(language: Language, what: str) -> str:
    value: str = getattr(language, what)
    return value
