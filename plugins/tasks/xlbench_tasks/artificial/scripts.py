"""Spelling: from phonemes to letters of a real script, with spelling habits of single languages."""

from __future__ import annotations

from collections.abc import Mapping

_ROMAN = "aeiouypbtdkgfvszSZCxhmnlrjw"
_PLAIN = {
    "Latn": ["a", "e", "i", "o", "u", "y", *"pbtdkgfvsz", "sh", "zh", "ch", "kh", *"hmnlrjw"],
    "Cyrl": list("аеиоуыпбтдкгфвсзшжчхһмнлрйў"),
    "Grek": [
        *("α", "ε", "ι", "ο", "ου", "υ", "π", "μπ", "τ", "ντ", "κ", "γ", "φ", "β", "σ", "ζ"),
        *("σσ", "ζζ", "τσ", "χ", "χ", "μ", "ν", "λ", "ρ", "γι", "ου"),
    ],
    "Geor": list("აეიოუჲპბტდკგფვსზშჟჩხჰმნლრიჳ"),
}
HABITS: dict[str, Mapping[str, str]] = {
    "plain": {},
    "hacek": {"S": "š", "Z": "ž", "C": "č", "x": "h", "y": "ü"},
    "romance": {"k": "c", "S": "x", "C": "tx", "Z": "j", "j": "i", "x": "qu", "w": "u"},
    "doubled": {"S": "sz", "C": "cz", "Z": "rz", "v": "w", "w": "ł", "x": "ch"},
    "steppe": {"h": "ғ", "y": "ү", "w": "у", "j": "ј"},
}
"""Spelling habits by name: what differs from the script's plain spelling."""
CASED = frozenset({"Latn", "Cyrl", "Grek"})


class Spelling:
    """How one language is written."""

    def __init__(self, script: str, habit: str = "plain") -> None:
        self.script = script
        table = dict(zip(_ROMAN, _PLAIN[script], strict=True)) | dict(HABITS[habit])
        self._table = {ord(sound): letters for sound, letters in table.items()}

    def write(self, phonemes: str) -> str:
        """A word in this script, in lower case where the script has cases."""
        text = phonemes.translate(self._table)
        final = self.script == "Grek" and text.endswith("σ") and not text.endswith("σσ")
        return text[:-1] + "ς" if final else text

    def capitalise(self, word: str) -> str:
        """The word as a name or at the head of a sentence is written."""
        return word[:1].upper() + word[1:] if self.script in CASED else word


def alphabet() -> list[str]:
    """Every letter that any of the languages is written with, in both cases, sorted."""
    tables = [*_PLAIN.values(), *(x.values() for x in HABITS.values())]
    letters = {letter for table in tables for text in table for letter in text} | {"ς"}
    return sorted({form for x in letters for form in (x, x.upper()) if len(form) == 1})
