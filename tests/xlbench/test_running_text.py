"""Words as tokens of running text, with the settings of published tokenizers, against plain text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import study_over
from published_tokenizers import MAKERS, TEXT, tokenizer, wrapped

from xlbench.contracts import Parsed, Resolved, Tagged, digest
from xlbench.errors import DataError
from xlbench.lab import running_text, subwords
from xlbench.lab.encode import Tokenization, Words, blank_pieces, encode_words
from xlbench.models import word_tokens
from xlbench.models.checkpoints import Checkpoint

LONG = 10_000
SENTENCES = TEXT[:10]
AS_EVER = {"roberta with prefix", "xlm-r", "xlm-r as it was", "mbert", "bert lowercase"}
"""Whose words were cut as in running text before."""


def tagged(words: list[str], text: str | None = None, spans: Any = None) -> Tagged:
    return Tagged(tuple(words), ("X",) * len(words), text, None if spans is None else tuple(spans))


def cut(text: str) -> Tagged:
    """A sentence in its own text: runs of letters and digits, and other marks one by one."""
    found = list(re.finditer(r"\w+|[^\w\s]", text))
    return tagged([x[0] for x in found], text, [x.span() for x in found])


def encoded(name: str, sentences: list[Tagged], length: int = LONG) -> Words:
    one = tokenizer(name)
    return encode_words(sentences, Tokenization(one, length, blank_pieces(one)))


@pytest.mark.parametrize("name", MAKERS)
def test_words_without_a_text_are_tokens_of_the_words_joined(name: str) -> None:
    sentences = [tagged(x.split()) for x in SENTENCES]
    plain = tokenizer(name)(SENTENCES)["input_ids"]
    assert [x.tolist() for x in encoded(name, sentences).ids] == plain


@pytest.mark.parametrize("name", MAKERS)
def test_words_in_their_own_text_are_its_tokens(name: str) -> None:
    sentences = [cut(x) for x in SENTENCES]
    plain = tokenizer(name)(SENTENCES)["input_ids"]
    read = running_text.tokenize(sentences, tokenizer(name))
    whole = [x.line.text == y for x, y in zip(read, SENTENCES, strict=True)]
    assert sum(whole) >= 7  # in others a token covers two words, which are set apart
    for one, ids, kept in zip(read, plain, whole, strict=True):
        assert (one.encoding.ids == ids) == kept


@pytest.mark.parametrize("name", MAKERS)
def test_all_types_of_tokens_are_those_of_plain_text(name: str) -> None:
    """What the fault was: word by word, a third of the types of byte-level tokenizers never occur in text."""
    one = tokenizer(name)
    texts = [x for x in SENTENCES if x.isascii() or "ä" in x or "ü" in x]
    plain = {i for x in texts for i in one(x)["input_ids"]}
    mine = {i for x in encoded(name, [tagged(x.split()) for x in texts]).ids for i in x.tolist()}
    assert mine == plain
    alone = {i for x in texts for word in x.split() for i in one(word)["input_ids"]}
    share = len(alone & plain) / len(alone)
    assert (share == 1) == (name in AS_EVER | {"llama", "metaspace first"})


LETTERS = st.characters(categories=("L", "N", "P", "S"), exclude_characters="<>▁")
MORE = st.characters(categories=("L", "M", "N", "P", "S"))
WORDS = st.lists(
    st.one_of(
        st.tuples(LETTERS, st.text(MORE, max_size=5)).map("".join),
        st.sampled_from(sorted({y for x in SENTENCES for y in re.findall(r"\w+|[^\w\s]", x)})),
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip
GAPS = st.lists(st.sampled_from(["", "", " ", "  ", "\u00a0", " \u3000"]), min_size=8, max_size=8)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=40, deadline=None)
@given(words=WORDS, gaps=GAPS, own=st.booleans())
def test_every_word_has_a_token_of_its_own_within_it(
    name: str, words: list[str], gaps: list[str], own: bool
) -> None:
    one = tokenizer(name)
    sentence = tagged(words)
    if own:
        text, spans = "", []
        for word, gap in zip(words, gaps, strict=False):
            spans.append((len(text), len(text) + len(word)))
            text += word + gap
        sentence = tagged(words, text, spans)
    found = encoded(name, [sentence])
    (read,) = running_text.tokenize([sentence], one)
    labelled, first, ends = found.labelled[0], found.first[0], found.ends[0]
    assert re.sub(r"\s", "", read.line.text) == "".join("".join(words).split())
    for number, (start, end) in enumerate(read.line.places):
        assert read.line.text[start:end] == words[number]
        at = labelled[number]
        if at < 0:  # a normalizer may leave nothing of it, such as of a mark without its letter
            assert not _pieces_in(read, start, end)
            continue
        covered = [i for i in range(*read.encoding.offsets[at]) if not read.line.text[i].isspace()]
        assert number not in read.shared
        assert start <= covered[0] < end if covered else at == first[number]
        assert first[number] <= at < ends[number]


def _pieces_in(read: running_text.Tokens, start: int, end: int) -> list[int]:
    return [
        i
        for i, (a, b) in enumerate(read.encoding.offsets)
        if max(a, start) < min(b, end) and not read.encoding.special_tokens_mask[i]
    ]


@pytest.mark.parametrize("name", sorted(AS_EVER))
@settings(max_examples=40, deadline=None)
@given(words=WORDS)
def test_tokens_are_those_of_given_words_where_results_are_kept(name: str, words: list[str]) -> None:
    one = tokenizer(name)
    kept = [x for x in words if not _spaced(x, one)]
    before = one(kept, is_split_into_words=True)["input_ids"]
    (after,) = encoded(name, [tagged(kept)]).ids
    assert after.tolist() == before


def _spaced(word: str, one: Any) -> bool:
    """Whether the normalizer makes a space of a character, or nothing of the word (NFKC: "´" is " ́")."""
    core = one.backend_tokenizer.normalizer
    normal = core.normalize_str(word) if core else word
    return " " in normal or not normal.strip()


def test_tiny_cuts_words_as_it_always_has() -> None:
    from transformers import AutoTokenizer

    from xlbench_models.tiny import xlbench_models
    from xlbench_tasks.artificial.data import ArtificialData

    model = next(x for x in xlbench_models() if x.name == "tiny")
    assert word_tokens.version(Checkpoint(model.checkpoint, None, "", 0)) == 1
    one = AutoTokenizer.from_pretrained(model.checkpoint)
    sentences = [
        x for task in ("pos", "ner") for g in ("qac", "qap")
        for x in ArtificialData(task).examples(g, "test", 40)
    ]  # fmt: skip
    before = one([list(x.words) for x in sentences], is_split_into_words=True, truncation=True, max_length=20)  # type: ignore[union-attr]
    found = encode_words(sentences, Tokenization(one, 20, blank_pieces(one)))  # type: ignore[arg-type]
    assert [x.tolist() for x in found.ids] == before["input_ids"]
    for encoding, first, ends in zip(before.encodings, found.first, found.ends, strict=True):
        for word, (a, b) in enumerate(zip(first, ends, strict=True)):
            assert (
                [i for i, x in enumerate(encoding.word_ids) if x == word] == list(range(a, b))
                if a >= 0
                else True
            )


@pytest.mark.parametrize("name", MAKERS)
def test_only_tokenizers_that_cut_words_otherwise_have_another_identity(name: str, tmp_path: Path) -> None:
    tokenizer(name).save_pretrained(tmp_path)
    now = word_tokens.version(Checkpoint(str(tmp_path), None, "", 0))
    assert now == (1 if name in AS_EVER else word_tokens.VERSION)
    assert word_tokens.version(Checkpoint("org/name", "0" * 40, "", 0)) == word_tokens.VERSION


def test_it_is_in_the_identity_of_tasks_over_words_alone(checkpoint: Path) -> None:
    study = study_over(checkpoint, ("tags", "pairs", "trees", "questions"))
    other = replace(study, word_tokens=2)
    for task in study.tasks:
        same = digest(study.adapter_identity(task)) == digest(other.adapter_identity(task))
        assert same == (task in ("pairs", "questions"))
        assert "word_tokens" not in study.adapter_identity(task)


def level(vocabulary: list[str], pre: Any) -> Any:
    from published_tokenizers import SPECIAL
    from tokenizers import Tokenizer, models

    known = {x: i for i, x in enumerate([*SPECIAL, *vocabulary])}
    core = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    core.pre_tokenizer = pre
    return wrapped(core)


def test_two_words_in_one_token_are_set_apart() -> None:
    from tokenizers.pre_tokenizers import Whitespace

    one = level(["we", "cannot", "can", "not", "gonna", "gon", "na"], Whitespace())
    sentence = tagged(
        ["we", "can", "not", "gon", "na"], "we cannot gonna", [(0, 2), (3, 6), (6, 9), (10, 13), (13, 15)]
    )
    found = encode_words([sentence, tagged(["cannot"])], Tokenization(one, LONG, frozenset()))
    assert one.convert_ids_to_tokens(found.ids[0]) == ["<s>", "we", "can", "not", "gon", "na", "</s>"]
    assert found.labelled[0].tolist() == [1, 2, 3, 4, 5]
    assert one.convert_ids_to_tokens(found.ids[1]) == ["<s>", "cannot", "</s>"]


def test_a_token_over_spaces_is_read_by_all_its_words() -> None:
    from tokenizers.pre_tokenizers import Sequence

    one = level(["of the", "a"], Sequence([]))
    found = encode_words([tagged(["of", "the"])], Tokenization(one, LONG, frozenset()))
    assert one.convert_ids_to_tokens(found.ids[0]) == ["<s>", "of the", "</s>"]
    assert found.labelled[0].tolist() == found.first[0].tolist() == [1, 1]
    assert found.ends[0].tolist() == [2, 2]
    assert found.truncated == 0


def test_words_of_a_contraction_are_written_out() -> None:
    sentence = tagged(
        ["di", "l'", "arte", "di", "le"], "dell'arte delle", [(0, 5), (0, 5), (5, 9), (10, 15), (10, 15)]
    )
    assert running_text.written(sentence).text == "di l'arte di le"
    for name in MAKERS:
        assert encoded(name, [sentence]).ids[0].tolist() == tokenizer(name)("di l'arte di le")["input_ids"]


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_beyond_the_longest_input_is_cut_off(name: str) -> None:
    sentences = [cut(x) for x in SENTENCES]
    whole = encoded(name, sentences)
    for longest in (3, 9, 14):
        short = encoded(name, sentences, longest)
        for i in range(len(sentences)):
            assert len(short.ids[i]) <= longest
            if short.ids[i].tolist()[:-1] == whole.ids[i].tolist()[: longest - 1]:
                reached = whole.labelled[i] < longest - 1
                assert short.labelled[i].tolist() == np.where(reached, whole.labelled[i], -1).tolist()
                assert (short.first[i] >= 0).tolist() == reached.tolist()
        assert short.truncated == sum(int((x < 0).sum()) for x in short.labelled) > 0


@pytest.mark.parametrize("name", ["roberta", "gemma", "xlm-r", "mbert"])
def test_fertility_is_that_of_the_text_itself(name: str, checkpoint: Path) -> None:
    one = tokenizer(name)
    cuts = [cut(x) for x in SENTENCES]
    read = running_text.tokenize(cuts, one)
    sentences = [x for x, y in zip(cuts, read, strict=True) if x.text == y.line.text]
    assert len(sentences) >= 7

    class Own:
        task = name = source = "own"

        def languages(self, split: str) -> tuple[str, ...]:
            return ("qaa",)

        def fingerprint(self, language: str, split: str) -> str:
            return ""

        def examples(self, language: str, split: str, limit: int | None = None) -> list[Tagged]:
            return sentences

    made: Resolved = study_over(checkpoint, ("tags",))
    study = replace(made, data={"tags": Own()}, targets={"tags": ("qaa",)})
    found = subwords.measure(study, one, blank_pieces(one))["tags"]
    tokens = sum(len(one(x.text, add_special_tokens=False)["input_ids"]) for x in sentences)
    assert found.tests["qaa"] == tokens / sum(len(x.words) for x in sentences)


@pytest.mark.parametrize(
    ("text", "spans", "said"),
    [
        ("a b", None, "`text` without `spans`"),
        (None, [(0, 1), (2, 3)], "`spans` without `text`"),
        ("a b", [(0, 1)], "2 words has 1 spans"),
        ("a b", [(0, 1), (2, 4)], "'b' has the characters 2 to 4 of a text of 3"),
        ("a b", [(2, 3), (0, 1)], "'b' has the characters 0 to 1 .* ends at 3"),
        ("a b", [(0, 2), (1, 3)], "'b' has the characters 1 to 3"),
        ("a b", [(0, 0), (0, 1)], "'a' has the characters 0 to 0"),
    ],
)
def test_words_that_do_not_stand_in_the_text_are_refused(text: str | None, spans: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        tagged(["a", "b"], text, spans)
    with pytest.raises(DataError, match=said):
        Parsed(("a", "b"), (0, 1), ("root", "obj"), text, None if spans is None else tuple(spans))
