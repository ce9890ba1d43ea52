"""Names of texts: a language, or several with their shares ("deu+tur", "deu:0.7+tur:0.3")."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

from xlbench.errors import StudyError


def parts(text: str) -> dict[str, float]:
    """Languages of a text and their parts as its name says them; 1 where it says none. Raises StudyError, one
    line, for a part that is no number above 0 and a language named twice.
    """
    found: dict[str, float] = {}
    for one in text.split("+"):
        language, colon, said = (x.strip() for x in one.partition(":"))
        part = _number(said) if colon else 1.0
        if not language or not (math.isfinite(part) and part > 0):
            raise StudyError(f"{text!r}: write a mixture as deu+tur or deu:0.7+tur:0.3, with shares above 0")
        if language in found:
            raise StudyError(f"{text!r}: {language} is named twice; leave one out")
        found[language] = part
    return found


def languages(text: str) -> tuple[str, ...]:
    """The languages of a text, in its order. Raises StudyError as `parts` does."""
    return tuple(parts(text))


@cache
def _all(text: str) -> frozenset[str]:
    return frozenset(parts(text))


def is_several(text: str) -> bool:
    """Whether a text is of several languages."""
    return "+" in text


def has(text: str, language: str) -> bool:
    """Whether a language is among those of a text."""
    return language in _all(text) if is_several(text) else language == text


def each(texts: Iterable[str]) -> tuple[str, ...]:
    """The languages of several texts, each once. Raises StudyError as `parts` does."""
    return tuple(dict.fromkeys(x for text in texts for x in parts(text)))


def shares(text: str) -> dict[str, float]:
    """Languages of a text and their shares, which add up to 1. Raises StudyError as `parts` does."""
    found = parts(text)
    total = math.fsum(found.values())
    return {x: part / total for x, part in found.items()}


def spelled(found: Mapping[str, float]) -> str:
    """The one name of a text with these parts: in the order of their codes, to 6 digits, and without numbers
    where they are equal.
    """
    numbers = {x: f"{part:g}" for x, part in found.items()}
    if len({*numbers.values()}) == 1:
        return "+".join(sorted(found))
    return "+".join(f"{x}:{numbers[x]}" for x in sorted(found))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
