"""Words of a language: proto-roots carried down the family tree, inflected, and spelled."""

from __future__ import annotations

import random
from functools import cache

from xlbench_tasks.artificial import concepts
from xlbench_tasks.artificial.names import NAMES
from xlbench_tasks.artificial.phonology import VOWELS, adapt, evolve
from xlbench_tasks.artificial.scripts import Spelling
from xlbench_tasks.artificial.tree import LEAVES, Family, Node

TREE_SEED = "xlbench artificial languages, first tree"


def _root(family: Family, concept: str, rng: random.Random) -> str:
    if concept in concepts.SUFFIXES:
        vowel, coda = rng.choice(family.sounds.vowels), rng.choice("nmrlstkd")
        return rng.choice((vowel + coda, coda + vowel))
    if concept in concepts.SHORT:
        return family.sounds.word(rng, 2 if concept in concepts.MANNERS + concepts.TIMES else 1)
    kind = "noun" if concept in concepts.NOUNS else "verb" if concept in concepts.VERBS else "quality"
    return family.sounds.word(rng, 2, coda=False) + rng.choice(family.endings[kind])


def _fresh(family: Family, concept: str, rng: random.Random, taken: set[str]) -> str:
    """A root unlike those of other concepts; suffixes, being few and short, only differ among themselves."""
    while True:
        root = _root(family, concept, rng)
        if root not in taken:
            taken.add(root)
            return root


@cache
def _proto(family: Family) -> dict[str, str]:
    rng, taken = random.Random(f"{TREE_SEED}/{family.name}"), set[str]()
    return {x: _fresh(family, x, rng, taken) for x in concepts.CONCEPTS}


@cache
def _stage(family: Family, lineage: tuple[Node, ...]) -> dict[str, str]:
    """Roots in romanised form at the end of a line of descent."""
    if not lineage:
        return _proto(family)
    node = lineage[-1]
    older = _stage(family, lineage[:-1])
    rng, taken = random.Random(f"{TREE_SEED}/{node.name}"), set(older.values())
    lent = roots(node.lender) if node.lender else {}
    here: dict[str, str] = {}
    for concept, root in older.items():
        draw = rng.random()
        if concept in concepts.CORE:
            if draw < node.renewed:
                root = _fresh(family, concept, rng, taken)
            elif lent and draw < node.renewed + node.borrowed:
                here[concept] = lent[concept]
                continue
        changed = evolve(root, node.changes)
        # Sound changes merge words; a language repairs what would leave it with one word for two things.
        if concept in concepts.CORE and changed in here.values():
            changed = evolve(_fresh(family, concept, rng, taken), node.changes)
        here[concept] = changed
    return here


def roots(code: str) -> dict[str, str]:
    """Roots of a living language by concept, in romanised phonemes."""
    leaf = LEAVES[code]
    return _stage(leaf.family, leaf.lineage)


class Lexicon:
    """Spelled words of one language. Every form is made once and kept."""

    def __init__(self, code: str) -> None:
        leaf = LEAVES[code]
        self.code = code
        self.grammar = leaf.grammar
        self.spelling = Spelling(leaf.script, leaf.habit)
        self._roots = roots(code)
        self._inventory = frozenset("".join(self._roots.values()))
        self._forms: dict[tuple[str, str, str], str] = {}

    def _join(self, stem: str, suffix: str) -> str:
        ending = self._roots[suffix]
        return (stem[:-1] if stem[-1] in VOWELS and ending[0] in VOWELS else stem) + ending

    def form(self, concept: str, first: str = "", second: str = "") -> str:
        """The spelled word for a concept, or a name, with up to two suffixes ("" is none)."""
        key = (concept, first, second)
        if key not in self._forms:
            name = NAMES.get(concept)
            stem = self._roots[concept] if name is None else adapt(name, self._inventory)
            for suffix in (first, second):
                if suffix:
                    stem = self._join(stem, suffix)
            word = self.spelling.write(stem)
            self._forms[key] = word if name is None else self.spelling.capitalise(word)
        return self._forms[key]


@cache
def lexicon(code: str) -> Lexicon:
    """The lexicon of a living language, made once a process."""
    return Lexicon(code)
