"""Text in Latin script, by uroman (Hermjakob, May and Knight 2018): a control for a difference of scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def romaniser() -> Callable[[Sequence[str], str, int], list[str]]:
    """Load uroman's tables; gives the treatment. It is told the language, since some letters are read
    otherwise in some languages.
    """
    from uroman import Uroman

    tables: Any = Uroman()

    def romanise(lines: Sequence[str], language: str, seed: int) -> list[str]:
        return [str(tables.romanize_string(line, lcode=language)) for line in lines]

    return romanise
