"""Answers to questions against the definitions of SQuAD 1.1 and, for Chinese, MLQA, written another way."""

import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench.metrics import answer_f1, answers

METRIC = answer_f1()


def squad_words(text: str) -> list[str]:
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return [w for part in re.split(r"\b(?:a|an|the)\b", kept) for w in part.split()]


def squad_f1(said: str, true: str) -> float:
    a, b = Counter(squad_words(said)), Counter(squad_words(true))
    same = sum(min(a[w], b[w]) for w in a)
    if same == 0:
        return 0.0
    precision, recall = same / sum(a.values()), same / sum(b.values())
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(
    ("said", "true", "exact", "f1"),
    [
        ("The Force", "force", True, 1.0),
        ("a  cat", "an cat", True, 1.0),
        ("another", "other", False, 0.0),  # an article is a word of its own
        ("U.S.", "us", True, 1.0),
        ("well-known fact", "wellknown", False, 2 / 3),
        ("", "force", False, 0.0),
        ("the", "a", True, 0.0),  # nothing is left of either: the same, but no word in common
        ("cat cat dog", "cat dog dog", False, 2 / 3),  # as often as it occurs
        ("«Reise»", "Reise", False, 0.0),  # only ASCII punctuation goes
        ("ÄRGER", "ärger", True, 1.0),
        ("北京大学", "北京", False, 2 / 3),
        ("在 北京", "北京", False, 4 / 5),
        ("20 世纪", "20世纪", False, 1.0),  # spaces are no difference between characters, but not the same
        ("กรุงเทพ", "กรุง", False, 2 * 4 / 11),
        ("東京タワー", "タワー", False, 3 * 2 / 8),
        ("서울 대학교", "서울", False, 2 / 3),  # Korean has spaces
        ("नई दिल्ली", "दिल्ली", False, 2 / 3),
    ],
)
def test_edge_cases(said: str, true: str, exact: bool, f1: float) -> None:
    assert answers.exact(said, true) is exact
    assert answers.f1(said, true) == pytest.approx(f1)


SPACED = st.text(st.sampled_from("aeth nAN.,-'üпривет\u0645"), max_size=12)


@given(SPACED, SPACED)
def test_scripts_with_spaces_score_as_squad_has_it(said: str, true: str) -> None:
    assert answers.f1(said, true) == pytest.approx(squad_f1(said, true), abs=1e-12)
    assert answers.exact(said, true) == (squad_words(said) == squad_words(true))


@given(
    st.lists(st.sampled_from("北京大学中文"), max_size=8),
    st.lists(st.sampled_from("北京大学中文"), min_size=1, max_size=8),
)
def test_chinese_scores_over_characters(said: list[str], true: list[str]) -> None:
    apart = squad_f1(" ".join(said), " ".join(true))
    assert answers.f1("".join(said), "".join(true)) == pytest.approx(apart, abs=1e-12)


def test_the_best_of_several_gold_answers_counts() -> None:
    assert METRIC.count(("a dog", "big red dog"), ("red dog",)) == (800_000_000, 0, 1)
    assert METRIC.count(("red dog", "big red dog"), ("the red dog",)) == (1_000_000_000, 1, 1)


@given(st.lists(st.tuples(SPACED, st.lists(SPACED, min_size=1, max_size=3)), min_size=1, max_size=30))
def test_the_score_is_the_mean_over_questions(pairs: list[tuple[str, list[str]]]) -> None:
    counts = np.array([METRIC.count(tuple(true), (said,)) for said, true in pairs], np.int32)
    sums = counts.sum(0, dtype=np.float64)
    f1 = 100 * np.mean([max(squad_f1(said, x) for x in true) for said, true in pairs])
    exact = 100 * np.mean([any(squad_words(said) == squad_words(x) for x in true) for said, true in pairs])
    assert float(METRIC.score(sums)) == pytest.approx(f1, abs=1e-6)
    ((name, score),) = METRIC.others
    assert name == "exact match"
    assert float(score(sums)) == pytest.approx(exact)


def test_of_no_question_the_score_is_zero() -> None:
    assert float(METRIC.score(np.zeros(3))) == 0
