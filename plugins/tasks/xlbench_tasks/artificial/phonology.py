"""Sounds: an inventory of phonemes, made-up words, regular sound changes, and adaptation of foreign words.

A word is a string with one character a phoneme: five vowels and `y` (a front rounded vowel), plain
consonants, and `S` `Z` `C` for the sounds of *ship*, *measure* and *church*, `x` for that of *loch*.
That string is also the romanised form over which lexical distance is measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import random

VOWELS = "aeiouy"
CONSONANTS = "pbtdkgfvszSZCxhmnlrjw"

Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"


@dataclass(frozen=True, slots=True)
class SoundSystem:
    """What syllables of a proto-language look like."""

    onsets: tuple[str, ...]
    vowels: str
    codas: tuple[str, ...]

    def word(self, rng: random.Random, syllables: int, coda: bool = True) -> str:
        """A word of open syllables, the last one closed by a coda where `coda` is true."""
        parts = [rng.choice(self.onsets) + rng.choice(self.vowels) for _ in range(syllables)]
        return "".join(parts) + (rng.choice(self.codas) if coda else "")


def _shift(source: str, target: str) -> Replacement:
    table = dict(zip(source, target, strict=True))
    return lambda match: table[match[0]]


_V = f"[{VOWELS}]"
_C = f"[{CONSONANTS}]"

CHANGES: dict[str, tuple[str, Replacement]] = {
    "final devoicing": (r"[bdgvzZ]$", _shift("bdgvzZ", "ptkfsS")),
    "intervocalic voicing": (rf"(?<={_V})[ptkfs](?={_V})", _shift("ptkfs", "bdgvz")),
    "spirantisation": (r"[ptk](?!$)", _shift("ptk", "fsx")),
    "devoicing": (r"[bdg]", _shift("bdg", "ptk")),
    "palatalisation": (r"[ktsz](?=[ie])", _shift("ktsz", "CCSZ")),
    "lenition": (rf"(?<={_V})[bdg](?={_V})", _shift("bdg", "vzj")),
    "debuccalisation": (rf"(?:^|(?<={_V}))s(?={_V})", "h"),
    "h-loss": (r"h", ""),
    "rhotacism": (rf"(?<={_V})[zs](?={_V})", "r"),
    "betacism": (r"v", "b"),
    "raising": (r"[eo](?!$)", _shift("eo", "iu")),
    "lowering": (r"[iu](?!$)", _shift("iu", "eo")),
    "fronting": (r"u", "y"),
    "unrounding": (r"y", "i"),
    "backing": (r"a(?=[lrnm])", "o"),
    "final reduction": (rf"(?<={_C})[ao]$", "e"),
    "apocope": (rf"(?<={_V}{_C}){_V}$", ""),
    "prothesis": (r"^s(?=[ptkl])", "es"),
    "cluster reduction": (rf"(?<=[ptkbdgsx])[lr](?={_V})", ""),
    "gliding": (r"w", "v"),
}
"""Regular changes by name: where (a pattern) and what replaces it."""

_COMPILED = {name: (re.compile(pattern), new) for name, (pattern, new) in CHANGES.items()}


def evolve(word: str, changes: Sequence[str]) -> str:
    """The word after the named changes, in order. A change that would leave no vowel is not made."""
    for name in changes:
        pattern, new = _COMPILED[name]
        changed = pattern.sub(new, word)
        if any(sound in VOWELS for sound in changed) or not any(sound in VOWELS for sound in word):
            word = changed
    return word


_NEAREST_FIRST = (
    "pbf bpv tds dtz kgx gkj fpv vbw szS zsZ SsC ZzS CSt xhk hxk mn nm lr rl ji wvu aeo eia iey oua uoy yiu"
)
_NEAREST = {sounds[0]: sounds[1:] for sounds in _NEAREST_FIRST.split()}
"""By sound: the sounds that stand in for it, best first."""


@cache
def _substitutes(inventory: frozenset[str]) -> dict[int, str]:
    found = {}
    for sound in _NEAREST:
        tried = [sound]
        # Breadth first: the nearest, then what is nearest to these.
        for candidate in tried:
            if candidate in inventory:
                found[ord(sound)] = candidate
                break
            tried += [x for x in _NEAREST[candidate] if x not in tried]
    return found


def adapt(word: str, inventory: frozenset[str]) -> str:
    """A foreign word with every sound that is not in the inventory replaced by the nearest that is."""
    return word.translate(_substitutes(inventory))
