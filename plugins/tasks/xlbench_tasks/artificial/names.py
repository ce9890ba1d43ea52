"""Names of persons, places and organisations, the same everywhere; languages adapt and transliterate them.

Part of the places share their form with a surname or an organisation, so that a name alone does not tell.
"""

from __future__ import annotations

import random

from xlbench_tasks.artificial.phonology import SoundSystem

_SOUNDS = SoundSystem(
    ("p", "b", "t", "d", "k", "g", "f", "v", "s", "z", "m", "n", "l", "r", "S", "h", "br", "kr", "tr"),
    "aeiou",
    ("", "n", "r", "l", "s", "k"),
)
_COUNTS = {"given": 200, "surname": 300, "place": 240, "organisation": 160}
_ENDINGS = {
    "given": ("a", "o", "i", ""),
    "surname": ("man", "ski", "ov", ""),
    "place": ("ia", "grad", "ton", ""),
    "organisation": ("eks", "ko", "ium", ""),
}


def _make() -> dict[str, str]:
    rng, taken = random.Random("xlbench artificial names"), set[str]()
    names: dict[str, str] = {}
    for kind, count in _COUNTS.items():
        for index in range(count):
            while True:
                ending = rng.choice(_ENDINGS[kind])
                name = _SOUNDS.word(rng, 2, coda=not ending)
                name = (name[:-1] if ending[:1] in tuple("aeiou") else name) + ending
                if name not in taken:
                    break
            taken.add(name)
            names[f"{kind} {index}"] = name
    # One place in eight is called like a family, and one organisation in eight like a place.
    for index in range(0, _COUNTS["place"], 8):
        names[f"place {index}"] = names[f"surname {index}"]
    for index in range(0, _COUNTS["organisation"], 8):
        names[f"organisation {index}"] = names[f"place {index + 1}"]
    return names


NAMES = _make()
"""Names in international phonemic form by id: "given 0", "surname 17", "place 3", "organisation 5"."""
GIVEN, SURNAMES, TOWNS, FIRMS = (
    tuple(f"{kind} {index}" for index in range(count)) for kind, count in _COUNTS.items()
)
