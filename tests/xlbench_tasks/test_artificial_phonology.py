"""Sounds, sound changes, spelling and names."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench_tasks.artificial.lexicon import Lexicon, roots
from xlbench_tasks.artificial.names import NAMES
from xlbench_tasks.artificial.phonology import CHANGES, CONSONANTS, VOWELS, SoundSystem, adapt, evolve
from xlbench_tasks.artificial.scripts import HABITS, Spelling, alphabet
from xlbench_tasks.artificial.tree import FAMILIES, LEAVES

EXAMPLES = {
    "final devoicing": ("rabed", "rabet"),
    "intervocalic voicing": ("tapak", "tabak"),
    "spirantisation": ("pakat", "faxat"),
    "devoicing": ("bagad", "pakat"),
    "palatalisation": ("kisata", "Cisata"),
    "lenition": ("bidoga", "bizoja"),
    "debuccalisation": ("sasta", "hasta"),
    "h-loss": ("hahi", "ai"),
    "rhotacism": ("masiz", "mariz"),
    "betacism": ("vava", "baba"),
    "raising": ("tone", "tune"),
    "lowering": ("tuni", "toni"),
    "fronting": ("tuku", "tyky"),
    "unrounding": ("tyky", "tiki"),
    "backing": ("tanaka", "tonaka"),
    "final reduction": ("bana", "bane"),
    "apocope": ("panaka", "panak"),
    "prothesis": ("stana", "estana"),
    "cluster reduction": ("krasna", "kasna"),
    "gliding": ("wawa", "vava"),
}
words = st.text(st.sampled_from(VOWELS + CONSONANTS), min_size=1, max_size=9).filter(
    lambda x: any(y in VOWELS for y in x)
)


def test_every_sound_change_has_an_example() -> None:
    assert set(EXAMPLES) == set(CHANGES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_sound_change(name: str) -> None:
    before, after = EXAMPLES[name]
    assert evolve(before, (name,)) == after


def test_every_change_happened_somewhere() -> None:
    used = {x for family in FAMILIES for b in family.branches for n in (b, *b.children) for x in n.changes}
    assert used == set(CHANGES)


@given(words, st.lists(st.sampled_from(sorted(CHANGES)), max_size=6))
def test_words_stay_words(word: str, changes: list[str]) -> None:
    changed = evolve(word, changes)
    assert set(changed) <= set(VOWELS + CONSONANTS)
    assert any(x in VOWELS for x in changed)
    assert evolve(word, changes) == changed


@given(words)
def test_a_change_is_regular(word: str) -> None:
    """The same sound in the same place changes alike, whatever the rest of the word is."""
    assert evolve(f"{word}ba", ("betacism",)) == evolve(word, ("betacism",)) + "ba"


@pytest.mark.parametrize("code", LEAVES)
def test_names_are_adapted_to_the_sounds_of_the_language(code: str) -> None:
    inventory = frozenset("".join(roots(code).values()))
    for name in NAMES.values():
        adapted = adapt(name, inventory)
        assert len(adapted) == len(name)
        assert [x in VOWELS for x in adapted] == [x in VOWELS for x in name]
        assert set(adapted) <= inventory


def test_names_are_shared_between_kinds_but_mostly_distinct() -> None:
    values = list(NAMES.values())
    assert 0.85 < len(set(values)) / len(values) < 1
    assert all(
        re.fullmatch(f"(?:[{CONSONANTS}]{{0,3}}[{VOWELS}]{{1,2}})+[{CONSONANTS}]{{0,3}}", x) for x in values
    )


@pytest.mark.parametrize("code", LEAVES)
def test_words_can_be_told_apart(code: str) -> None:
    """Few homophones, and words short enough to be said."""
    found = list(roots(code).values())
    assert len(set(found)) > 0.93 * len(found)
    assert max(map(len, found)) <= 10
    assert not any(re.search(f"[{CONSONANTS}]{{4}}", x) for x in found)


def test_spelling() -> None:
    assert Spelling("Latn").write("CaSy") == "chashy"
    assert Spelling("Latn", "hacek").write("CaSy") == "čašü"
    assert Spelling("Cyrl").write("Zaveli") == "жавели"
    assert Spelling("Grek").write("kibas") == "κιμπας"
    assert Spelling("Grek").capitalise("ουμα") == "Ουμα"
    assert Spelling("Geor").capitalise("ბა") == "ბა"


@pytest.mark.parametrize("habit", HABITS)
def test_the_alphabet_has_every_letter_that_is_written(habit: str) -> None:
    letters = set(alphabet())
    for script in ("Latn", "Cyrl", "Grek", "Geor"):
        written = Spelling(script, habit).write(VOWELS + CONSONANTS)
        assert set(written) | set(written.upper() if script != "Geor" else "") <= letters


def test_suffixes_are_joined_without_hiatus() -> None:
    lexicon = Lexicon("qaa")
    stem, ending = roots("qaa")["farmer"], roots("qaa")["-plural"]
    expected = (stem[:-1] if stem[-1] in VOWELS and ending[0] in VOWELS else stem) + ending
    assert lexicon.form("farmer", "-plural") == lexicon.spelling.write(expected)


def test_a_sound_system_makes_words_of_its_own_sounds() -> None:
    system = SoundSystem(("k", "tr"), "ai", ("n", ""))
    for seed in range(50):
        assert re.fullmatch("(?:(?:k|tr)[ai]){3}n?", system.word(random.Random(seed), 3))
