"""How much text there is, in words and bytes.

A word is what stands between spaces. Scripts that put none between words have no words that could be counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import TextFacts
from xlbench.data.scripts import UNSPACED, letters, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlbench.contracts import Resolved


def is_spaced(texts: Iterable[str]) -> bool:
    """Whether texts are in a script that puts spaces between words."""
    return script(letters(texts), "Zzzz") not in UNSPACED


def words(texts: Sequence[str]) -> int | None:
    """How many there are; None in a script without spaces."""
    return sum(len(x.split()) for x in texts) if is_spaced(texts) else None


def facts(resolved: Resolved, language: str) -> TextFacts:
    """Of a language's text, as the study uses it. Raises DataError."""
    lines = resolved.corpus.lines(language, resolved.mlm.lines)
    size = sum(len(x.encode("utf-8", "surrogatepass")) for x in lines)
    return TextFacts(len(lines), words(lines), size, resolved.domains.get("text", {}).get(language))


def unmatched(resolved: Resolved) -> list[str]:
    """A line for each reason why steps cannot have equal amounts of what the study asks for."""
    amount, study = resolved.matched, resolved.study
    if amount is None or not study.transfer:
        return []
    reference = study.reference
    if reference is None or reference not in resolved.corpus.languages():
        return [
            f"match {amount}: a step holds as much as one of the reference language's text; there is no text "
            f"in {reference or 'any'}, name another with --reference"
        ]
    if amount != "words":
        return []
    return [
        f"match words: text in {x} is in a script without spaces between words, which cannot be counted; "
        "match bytes or tokens, or leave it out"
        for x in resolved.text_languages()
        if words(resolved.corpus.lines(x, resolved.mlm.lines)) is None
    ]
