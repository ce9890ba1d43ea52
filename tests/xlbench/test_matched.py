"""Amounts of text that fine-tunings read, against plain counting in the very batches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import MadeText, sentence
from published_tokenizers import TEXT, tokenizer

from xlbench.contracts import FinetuningSettings, Resolved
from xlbench.errors import DataError
from xlbench.lab import Lab
from xlbench.lab.chunks import drawn, measured_chunks
from xlbench.lab.matched import Amounts, Budget, budget, by_token
from xlbench.lab.objectives.masked import masked_batches

KINDS = ("tokens", "words", "bytes")


class Texts(MadeText):
    """`qab` has other words than `qaa`, which the tokenizer cuts to single letters, in shorter lines."""

    def languages(self) -> Sequence[str]:
        return ("qaa", "qab", "qac")

    def lines(self, language: str, limit: int) -> Sequence[str]:
        if language == "qac":
            return ["彼は東京に行くと言った"] * min(limit, 30)
        if language == "qaa":
            return [" ".join(sentence(i, 9).words) for i in range(min(limit, 90))]
        return [" ".join(f"x{w[::-1]}ŵ" for w in sentence(i, 3).words) for i in range(min(limit, 120))]


def budget_of(lab: Lab, language: str) -> Budget | None:
    return lab.texts.budget_of(language, "plain", lab.resolved.mlm, 0)


def counted(lines: Sequence[str], cut: Any) -> list[tuple[int, int, int]]:
    """For each token: whether it is text, words that begin in it, and bytes; character by character."""
    found = []
    for line in lines:
        one = cut(line, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
        own = [[int(not x), 0, 0] for x in one["special_tokens_mask"]]
        text = [i for i, x in enumerate(own) if x[0]]
        starts = {x.start() for x in re.finditer(r"\S+", line)}
        for place, character in enumerate(line) if text else ():
            # The first token that reaches beyond the character, or the last there is.
            holder = next((i for i in text if one["offset_mapping"][i][1] > place), text[-1])
            own[holder][1] += place in starts
            own[holder][2] += len(character.encode())
        found += [(a, b, c) for a, b, c in own]
    return found


@pytest.fixture(scope="module", params=["roberta", "qwen", "llama", "xlm-r", "bert lowercase"])
def published(request: pytest.FixtureRequest) -> Any:
    return tokenizer(request.param)


LINES = st.lists(
    st.one_of(
        st.sampled_from(TEXT),
        st.text("ab  дж\u00a0\u2003é́ﬁ東京𝒳👩\u200d🌾'.-_<s>", min_size=1, max_size=25).map(str.strip),
    ).filter(bool),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(lines=LINES)
def test_each_token_has_the_words_and_bytes_that_it_covers(published: Any, lines: list[str]) -> None:
    encodings = published(lines, verbose=False).encodings
    found = by_token(lines, encodings)
    assert [tuple(map(int, x)) for x in found] == counted(lines, published)
    at = 0
    for line, one in zip(lines, encodings, strict=True):
        own, at = found[at : at + len(one.ids)], at + len(one.ids)
        if own[:, 0].any():
            assert own[:, 1].sum() == len(line.split())
            assert own[:, 2].sum() == len(line.encode())


def study(resolved: Resolved, match: str | None, **mlm: Any) -> Resolved:
    asked = replace(resolved.study, match=match, reference="qaa", transfer=("qaa", "qab"))
    how = replace(FinetuningSettings(chunk=16, batch_size=6), **mlm)
    return replace(resolved, study=asked, corpus=Texts(), mlm=how)


@pytest.fixture
def lab_of(checkpoint: Path, tmp_path: Path) -> Any:
    return lambda one: Lab(one, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)


def read_plainly(lab: Lab, language: str, steps: int, seed: int, step: Budget | None) -> list[int]:
    """Tokens, words and bytes in the batches of a run, once what was masked is put back."""
    cut, mlm = lab.encoder.tokenizer, lab.resolved.mlm
    lines = lab.resolved.corpus.lines(language, mlm.lines)
    per_token = np.array(counted(lines, cut))
    text, _ = measured_chunks(lines, cut, mlm.chunk)
    size = lab.encoder.model.config.vocab_size
    total = np.zeros(3, int)
    for batch in islice(masked_batches(text, cut, size, mlm, seed, step), steps):
        ids = batch.ids.reshape(-1).copy()
        ids[batch.where] = batch.gold
        for row, number in zip(ids.reshape(batch.ids.shape), batch.chunks, strict=True):
            assert (row == text[number]).all()
            total += per_token[number * text.shape[1] :][: text.shape[1]].sum(axis=0)
    return [int(x) for x in total]


@pytest.mark.parametrize("match", [None, *KINDS])
def test_the_record_is_what_the_batches_hold(lab_of: Any, resolved: Resolved, match: str | None) -> None:
    lab: Lab = lab_of(study(resolved, match))
    step: dict[str, float] = {}
    for language in ("qaa", "qab"):
        lab.finetune(language, steps=4, seed=3)
        read = dict(lab.read())
        plainly = read_plainly(lab, language, 4, 3, budget_of(lab, language))
        assert [read[f"{x}_read"] for x in KINDS] == plainly
        lab.finetune(language, steps=4, seed=3, treatment="shuffled")
        assert lab.read() == read  # the same chunks, in random order
        if match:
            step[language] = read[f"{match}_read"]
    if match:
        # Within a chunk of what 4 steps of 6 chunks of the reference text hold, whatever is in it.
        for language, amount in step.items():
            one, reference = (lab.texts.measured(x, 10_000, 16)[1] for x in (language, "qaa"))
            wanted = 4 * 6 * float(reference.of(match).mean())
            assert abs(amount - wanted) <= one.of(match).max()
    lab.restore()
    assert lab.read() == {}


def test_equal_steps_are_what_they_were() -> None:
    """The chunks of each step by the rule that stored results were made with."""
    for number, batch_size, seed in ((7, 4, 0), (40, 8, 1), (1, 3, 2), (16, 8, 3)):
        rng = np.random.default_rng([seed, 0])
        waiting, expected = np.empty(0, np.int64), []
        other = np.random.default_rng([seed, 0])
        found = []
        for rows in islice(drawn(number, batch_size, None, other), 30):
            found.append(rows)
            other.random(5)  # as masking does between steps
        for _ in range(30):
            while len(waiting) < batch_size:
                waiting = np.concatenate([waiting, rng.permutation(number)])
            expected.append(waiting[:batch_size])
            waiting = waiting[batch_size:]
            rng.random(5)
        assert np.array_equal(found, expected)


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30),
    chunks=st.floats(2, 20),
    seed=st.integers(0, 9),
)
def test_a_run_is_within_a_chunk_of_its_amount(sizes: list[int], chunks: float, seed: int) -> None:
    some = np.array(sizes, np.int64)
    step = max(chunks * float(some.mean()), float(some.max()))
    read = 0.0
    taken = drawn(len(some), 8, Budget(some, step), np.random.default_rng(seed))
    for number, rows in enumerate(islice(taken, 25), 1):
        assert len(rows)
        read += float(some[rows].sum())
        assert abs(read - number * step) <= some.max() / 2 + 1e-6 * number * step


def test_a_step_holds_what_the_reference_language_has(resolved: Resolved, lab_of: Any) -> None:
    lab: Lab = lab_of(study(resolved, "words"))
    for language in ("qaa", "qab"):
        lab.finetune(language, steps=30, seed=0)
        assert len(lab.read()) == 4
    text, amount = lab.texts.measured("qaa", 10_000, 16)
    found = budget_of(lab, "qab")
    assert found is not None
    assert found.step == pytest.approx(6 * amount.of("words").sum() / len(text))


def test_a_text_of_less_than_a_chunk_is_read_over_and_over(resolved: Resolved, lab_of: Any) -> None:
    few = study(resolved, "bytes", chunk=40, lines=3)
    lab: Lab = lab_of(few)
    lab.finetune("qab", steps=5, seed=0)
    assert lab.read()["times_read"] > 5
    assert lab.read()["bytes_read"] == pytest.approx(5 * budget_of(lab, "qab").step, rel=0.1)  # type: ignore[union-attr]


def amounts(words: Sequence[int], *, spaced: bool = True) -> Amounts:
    column = np.array(words, np.int64)
    return Amounts(np.stack([column, column, column], axis=1), 16, spaced)


@pytest.mark.parametrize(
    ("mine", "reference", "says"),
    [
        (
            amounts([9, 9], spaced=False),
            amounts([9]),
            "match words: text in deu has no spaces .* match bytes",
        ),
        (amounts([9, 9]), amounts([9], spaced=False), "match words: text in eng has no spaces"),
        (amounts([0, 0]), amounts([9]), "match words: the text in deu has none"),
        (
            amounts([30, 30]),
            amounts([9]),
            "has to hold 54 words, as in eng, and one chunk of deu holds 30; raise",
        ),
    ],
)
def test_what_cannot_be_matched_is_refused(mine: Amounts, reference: Amounts, says: str) -> None:
    with pytest.raises(DataError, match=says):
        budget("words", mine, reference, 6 * 16, ("deu", "eng"))


@given(words=st.lists(st.integers(1, 10**6), min_size=1, max_size=9), length=st.integers(2, 512))
def test_two_chunks_of_the_reference_language_itself_are_enough(words: list[int], length: int) -> None:
    own = replace(amounts(words), length=length)
    assert budget("words", own, own, 2 * length, ("eng", "eng")).step == pytest.approx(2 * np.mean(words))


def test_text_without_spaces_has_no_words_read(resolved: Resolved, lab_of: Any) -> None:
    lab: Lab = lab_of(study(resolved, None))
    lab.finetune("qac", steps=1, seed=0)
    assert {*lab.read()} == {"tokens_read", "bytes_read", "times_read"}
    with pytest.raises(DataError, match="match words: text in qac has no spaces"):
        lab_of(study(resolved, "words")).finetune("qac", steps=1, seed=0)
