"""Sentences that are equal but for one word, against edit distances."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench.data.near_duplicates import SHARED_LETTERS, SHARED_WORDS, NearDuplicates, words

CONTEXT = "der alte Mann geht nach Hause"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Das ist, kurz gesagt: so!", ["das", "ist", "kurz", "gesagt", "so"]),
        ("don't GROẞ", ["don", "t", "gross"]),
        ("n\u0303 हिन्दी ½", ["ñ", "हिन्दी", "½"]),
        ("東京に行く 2007年", ["東", "京", "に", "行", "く", "2007", "年"]),
        ("_ … !", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("line", "is_near"),
    [
        (CONTEXT, True),
        ("Der alte Mann geht nach Haus.", True),
        ("Der ganz alte Mann geht nach Hause!", True),
        ("Der Mann geht nach Hause", True),
        ("Alte Mann geht nach Hause", True),
        ("Der alte Mann geht nach Hause zurück", True),
        ("Der alte Mann nach Hause geht", False),
        ("Der Mann geht nach Haus", False),
        ("Der alte Mann", False),
        ("", False),
    ],
)
def test_one_word_replaced_added_or_taken_away(line: str, is_near: bool) -> None:
    assert NearDuplicates([CONTEXT]).among(["x", line, "y"]) == ([1] if is_near else [])


def test_little_in_common_is_no_duplicate() -> None:
    few = NearDuplicates(["ja ich komme", "ja du da zu", "我們去學校", "我們昨天去了他的學校"])
    assert few.among(["ja ich gehe", "ja du da so", "他們去學校", "我們昨天去了你的學校"]) == [3]


def test_nothing_to_compare_with() -> None:
    assert NearDuplicates([]).among(["a b c d e f g h i"]) == []
    assert NearDuplicates([CONTEXT]).among([]) == []


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's, over words."""
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        before, row = row, [i]
        for j, y in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y)))
    return row[-1]


WORD = st.sampled_from(["anna", "bert", "carl", "dora"])
SENTENCE = st.lists(WORD, max_size=7).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(SENTENCE, max_size=6), st.lists(SENTENCE, max_size=6))
def test_they_are_those_at_an_edit_distance_of_one(sentences: list[str], lines: list[str]) -> None:
    def near(line: str, sentence: str) -> bool:
        x, y = line.split(), sentence.split()
        apart = distance(x, y)
        # What is shared: the shorter one, less the word that was replaced.
        shared = min(len(x), len(y)) - (len(x) == len(y))
        return apart <= 1 and shared >= SHARED_WORDS and 4 * shared >= SHARED_LETTERS

    assert NearDuplicates(sentences).among(lines) == [
        i for i, line in enumerate(lines) if any(near(line, x) for x in sentences)
    ]


@settings(deadline=None)
@given(st.text(max_size=30))
def test_words_are_letters_marks_and_digits(text: str) -> None:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    assert "".join(words(text)) == "".join(x for x in folded if unicodedata.category(x)[0] in "LMN")
