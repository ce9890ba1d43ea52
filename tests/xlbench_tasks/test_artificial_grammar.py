"""Sentences: trees, order, morphology and entities, and that related languages look alike."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench_tasks.artificial.data import ArtificialData, ArtificialText
from xlbench_tasks.artificial.meanings import Event, Meaning, Thing, draw_meaning
from xlbench_tasks.artificial.sentence import Sentence
from xlbench_tasks.artificial.speaker import speaker
from xlbench_tasks.artificial.tree import LEAVES

RELATIONS = {"root", "nsubj", "obj", "obl", "advmod", "amod", "nmod", "case", "det", "nummod", "aux"} | {
    *("cc", "conj", "mark", "ccomp", "advcl", "punct", "flat")
}
DOG_SEES = Event(
    "watch",
    Thing("noun", "dog", quality="old", determiner="the"),
    Thing("noun", "bird", plural=True, number="three", determiner="the"),
    relation="near",
    place=Thing("place", "place 3"),
    negated=True,
)


@given(st.integers(0, 10**6), st.sampled_from(sorted(LEAVES)))
@settings(max_examples=300, deadline=None)
def test_every_sentence_is_one_well_formed_tree(seed: int, code: str) -> None:
    meaning = draw_meaning(random.Random(seed), "train")
    sentence = speaker(code).say(meaning)
    size = len(sentence.words)
    assert size == len(sentence.upos) == len(sentence.heads) == len(sentence.relations)
    assert all(x and not x.isspace() for x in sentence.words)
    assert set(sentence.relations) <= RELATIONS
    assert sentence.heads.count(0) == 1
    assert sentence.relations[sentence.heads.index(0)] == "root"
    for start in range(1, size + 1):
        seen = set()
        word = start
        while word:
            assert word not in seen
            seen.add(word)
            word = sentence.heads[word - 1]
    for relation, upos in zip(sentence.relations, sentence.upos, strict=True):
        assert (relation == "case") == (upos == "ADP")
        assert (relation == "punct") == (upos == "PUNCT")
    assert speaker(code).say(meaning) == sentence


@given(st.integers(0, 10**6), st.sampled_from(sorted(LEAVES)))
@settings(max_examples=150, deadline=None)
def test_entities_are_the_proper_nouns(seed: int, code: str) -> None:
    meaning = draw_meaning(random.Random(seed), "train")
    sentence = speaker(code).say(meaning)
    inside = {i for start, end, _ in sentence.entities for i in range(start, end)}
    assert inside == {i for i, x in enumerate(sentence.upos) if x == "PROPN"}
    assert list(sentence.entities) == sorted(sentence.entities)
    assert Counter(k for *_, k in sentence.entities) == Counter(
        k for *_, k in speaker("qaa").say(meaning).entities
    )


def test_iob2_tags_begin_each_name_anew() -> None:
    sentence = Sentence(
        tuple("abcd"), ("PROPN",) * 4, (0, 1, 1, 1), ("root",) * 4, ((0, 2, "PER"), (2, 3, "PER"))
    )
    assert sentence.iob2 == ("B-PER", "I-PER", "B-PER", "O")


def test_text_joins_punctuation() -> None:
    sentence = Sentence(("A", ",", "b", "."), ("X",) * 4, (0, 1, 1, 1), ("root",) * 4, ())
    assert sentence.text == "A, b."


def before(sentence: Sentence, relation: str, upos: str = "") -> list[bool]:
    """For each word with the relation: whether it stands before its head."""
    return [
        i + 1 < head
        for i, (head, found, tag) in enumerate(
            zip(sentence.heads, sentence.relations, sentence.upos, strict=True)
        )
        if found == relation and (not upos or tag == upos)
    ]


@pytest.mark.parametrize("code", LEAVES)
def test_the_orders_of_the_grammar_are_those_of_the_text(code: str) -> None:
    """Word-order distance is computed from the table; here the table is read back from the sentences."""
    sentences = ArtificialData("pos").sentences(code, "test")
    grammar = LEAVES[code].grammar

    def always(relation: str, upos: str = "") -> bool:
        found = [x for s in sentences for x in before(s, relation, upos)]
        assert len(found) > 20
        assert len(set(found)) == 1
        return found[0]

    clause = {(True, False): "SVO", (True, True): "SOV", (False, False): "VSO"}
    assert clause[always("nsubj"), always("obj")] == grammar.clause
    assert always("amod") == (grammar.adjective == "before")
    assert always("case") == (grammar.adposition == "before")
    assert always("nummod") == always("det") == (grammar.quantifier == "before")
    assert always("nmod") == (grammar.genitive == "before")


@pytest.mark.parametrize("code", LEAVES)
def test_morphology(code: str) -> None:
    grammar = LEAVES[code].grammar
    say = speaker(code).say
    sentence = say(Meaning(DOG_SEES))
    one = say(Meaning(DOG_SEES._replace(tense="present")))
    assert ("AUX" in sentence.upos) != grammar.suffixing
    assert len(sentence.words) - len(one.words) == (0 if grammar.suffixing else 1)
    assert ("DET" in sentence.upos) == grammar.article
    assert "PART" in sentence.upos
    denied = len(sentence.words) - len(say(Meaning(DOG_SEES._replace(negated=False))).words)
    assert denied == 1
    # An object has an ending of its own where there are cases.
    bird = Thing("noun", "bird")
    bare = {x.lower() for x in say(Meaning(Event("sleep", bird))).words}
    marked = {x.lower() for x in say(Meaning(Event("watch", Thing("pronoun", "I"), bird))).words}
    assert (bare & marked == {"."}) == grammar.cases


def shared_trigrams(one: str, other: str) -> float:
    def of(code: str) -> set[str]:
        words = {w.strip(".,") for x in ArtificialText().lines(code, 1500) for w in x.split()}
        # Names are the same everywhere, so only what is not capitalised is compared.
        return {w[i : i + 3] for w in words if w.islower() for i in range(len(w) - 2)}

    a, b = of(one), of(other)
    return len(a & b) / len(a | b)


def test_relatives_in_one_script_share_more_of_their_words() -> None:
    assert shared_trigrams("qag", "qah") > 1.4 * shared_trigrams("qad", "qah")
    assert shared_trigrams("qaa", "qab") > 1.4 * shared_trigrams("qae", "qab")
    assert shared_trigrams("qak", "qaa") < 0.7 * shared_trigrams("qai", "qaj")
    assert shared_trigrams("qaa", "qad") == 0
