"""The family tree: which languages there are, what they descend from, and what changed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from xlbench_tasks.artificial.phonology import SoundSystem

Side = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The grammatical type of a language."""

    clause: Literal["SVO", "SOV", "VSO"] = "SVO"
    adjective: Side = "before"
    """Of the noun; so is each of the next three."""
    adposition: Side = "before"
    genitive: Side = "after"
    quantifier: Side = "before"
    """Numerals, articles and demonstratives."""
    suffixing: bool = True
    """Number and tense are suffixes; else they are words of their own."""
    cases: bool = False
    """Object, owner, place and recipient are marked by suffixes."""
    article: bool = True


ORDERS = ("clause", "adjective", "adposition", "genitive", "quantifier")
"""The word-order parameters among the fields of `Grammar`."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A language, living (with code and script) or reconstructed, and what sets it off from its parent."""

    name: str
    changes: tuple[str, ...] = ()
    """Sound changes, in order."""
    grammar: Mapping[str, object] = field(default_factory=dict)
    """Fields of `Grammar` that differ from the parent's."""
    renewed: float = 0.08
    """Share of the roots that were replaced by new ones."""
    lender: str | None = None
    """Code of the living language that roots were borrowed from; it stands earlier in the tree."""
    borrowed: float = 0.2
    """Share of the roots borrowed, where there is a lender."""
    code: str = ""
    script: str = ""
    habit: str = "plain"
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A top-level family: sounds of the proto-language, endings of its word classes, and its branches."""

    name: str
    sounds: SoundSystem
    endings: Mapping[str, tuple[str, ...]]
    """By word class (noun, verb, quality): what roots end in."""
    grammar: Grammar
    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A living language with everything that it inherits."""

    code: str
    name: str
    family: Family
    lineage: tuple[Node, ...]
    """From the branch down to the language itself."""
    grammar: Grammar
    script: str
    habit: str


FAMILIES = (
    Family(
        "Velmic",
        SoundSystem(
            ("p", "b", "t", "d", "k", "g", "s", "m", "n", "l", "r", "v", "tr", "kl", "st"), "aeiou", ("",)
        ),
        {"noun": ("a", "o", "a", "e"), "verb": ("n", "r", "s", "l"), "quality": ("",)},
        Grammar(),
        (
            Node(
                "North Velmic",
                ("spirantisation", "final reduction"),
                children=(
                    Node("Arvel", ("palatalisation",), code="qaa", script="Latn"),
                    Node(
                        "Orvil",
                        ("raising", "lenition"),
                        {"genitive": "before"},
                        code="qab",
                        script="Latn",
                        habit="hacek",
                    ),
                ),
            ),
            Node(
                "South Velmic",
                ("intervocalic voicing", "prothesis"),
                {"adjective": "after"},
                children=(
                    Node("Savelo", ("rhotacism",), code="qac", script="Latn", habit="romance"),
                    Node(
                        "Zaveli",
                        ("betacism", "fronting"),
                        {"clause": "VSO", "article": False},
                        code="qad",
                        script="Cyrl",
                    ),
                ),
            ),
        ),
    ),
    Family(
        "Torran",
        SoundSystem(
            ("p", "t", "k", "b", "d", "g", "s", "m", "n", "l", "r", "j", "h"),
            "aeiouy",
            ("k", "n", "t", "r", "l", "m"),
        ),
        {"noun": ("k", "n", "t", "r"), "verb": ("",), "quality": ("l", "m")},
        Grammar("SOV", "before", "after", "before", "before", suffixing=True, cases=True, article=False),
        (
            Node(
                "West Torran",
                ("unrounding", "devoicing"),
                {"clause": "SVO"},
                children=(
                    Node("Tarrun", ("palatalisation",), code="qae", script="Latn", habit="doubled"),
                    Node(
                        "Torrem",
                        ("lowering", "h-loss"),
                        {"adposition": "before", "cases": False},
                        code="qaf",
                        script="Cyrl",
                    ),
                ),
            ),
            Node(
                "East Torran",
                ("final devoicing", "backing"),
                children=(
                    Node("Toruk", ("intervocalic voicing",), code="qag", script="Cyrl", habit="steppe"),
                    Node(
                        "Turoki",
                        ("raising", "debuccalisation"),
                        {"adjective": "after"},
                        code="qah",
                        script="Cyrl",
                        habit="steppe",
                    ),
                ),
            ),
        ),
    ),
    Family(
        "Oshem",
        SoundSystem(
            ("b", "t", "d", "k", "g", "s", "S", "h", "m", "n", "l", "r", "w"),
            "aaiiueo",
            ("m", "n", "l", "r", "S", "b"),
        ),
        {"noun": ("m", "n", "l", "r"), "verb": ("b", "S", "d"), "quality": ("i",)},
        Grammar("VSO", "after", "before", "after", "before", suffixing=False),
        (
            Node(
                "Inner Oshem",
                ("debuccalisation",),
                children=(
                    Node("Oshemi", ("final devoicing",), code="qai", script="Grek"),
                    Node("Ushim", ("raising", "lenition"), {"clause": "SVO"}, code="qaj", script="Grek"),
                ),
            ),
            Node(
                "Outer Oshem",
                ("gliding", "h-loss"),
                {"quantifier": "after"},
                children=(
                    Node(
                        "Vashen", ("lowering",), {"suffixing": True}, code="qak", script="Latn", habit="plain"
                    ),
                    Node("Oseme", ("betacism", "backing"), {"article": False}, code="qal", script="Grek"),
                ),
            ),
        ),
    ),
    Family(
        "Kirul",
        SoundSystem(
            ("k", "g", "C", "x", "s", "z", "l", "r", "m", "n", "t", "p", "v", "kr", "sk"), "aeiou", ("z", "l")
        ),
        {"noun": ("u", "i", "e"), "verb": ("z", "x", "k"), "quality": ("ar", "or")},
        Grammar("SOV", "after", "after", "before", "after", suffixing=False, article=False),
        (
            Node(
                "Upper Kirul",
                ("intervocalic voicing",),
                children=(
                    Node("Kirulan", ("final devoicing",), code="qam", script="Geor"),
                    Node(
                        "Girula", ("palatalisation", "backing"), {"article": True}, code="qan", script="Geor"
                    ),
                ),
            ),
            Node(
                "Lower Kirul",
                ("cluster reduction", "apocope"),
                {"adposition": "before"},
                children=(
                    Node(
                        "Chirul",
                        ("palatalisation",),
                        {"clause": "SVO"},
                        lender="qaa",
                        code="qao",
                        script="Latn",
                    ),
                    Node(
                        "Kiral",
                        ("lowering", "betacism"),
                        {"suffixing": True},
                        lender="qag",
                        code="qap",
                        script="Latn",
                        habit="hacek",
                    ),
                ),
            ),
        ),
    ),
)


def _leaves() -> dict[str, Leaf]:
    names = {x.name for x in fields(Grammar)}
    found: dict[str, Leaf] = {}

    def descend(family: Family, node: Node, above: tuple[Node, ...], grammar: Grammar) -> None:
        if unknown := set(node.grammar) - names:
            raise ValueError(f"{node.name}: no such grammar parameter: {', '.join(sorted(unknown))}")
        grammar = replace(grammar, **node.grammar)  # type: ignore[arg-type]
        lineage = (*above, node)
        if node.code:
            found[node.code] = Leaf(node.code, node.name, family, lineage, grammar, node.script, node.habit)
        for child in node.children:
            descend(family, child, lineage, grammar)

    for family in FAMILIES:
        for branch in family.branches:
            descend(family, branch, (), family.grammar)
    return found


LEAVES = _leaves()
"""The living languages by code, in the order of the tree."""
