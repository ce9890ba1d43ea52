"""Subword fertility and vocabulary overlap, against plain loops over one text at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import Made, MadeText, study_over
from transformers import AutoTokenizer

from xlbench.contracts import Answered, Classified, Example, Language, Resolved, Split, Tagged
from xlbench.lab import Lab, subwords
from xlbench.lab.encode import blank_pieces

TASKS = ("tags", "trees", "pairs", "questions")


class Text(MadeText):
    """Few words, some of which the tokenizer does not know, and a line more than are read."""

    def lines(self, language: str, limit: int) -> Sequence[str]:
        few = "ana  koli ŵ" if language == "qaa" else "beka"
        return [few, *["lakomi"] * 999, "dumo sira tavo"][:limit]


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> Resolved:
    made = study_over(checkpoint, TASKS)
    return replace(made, study=replace(made.study, transfer=("qaa", "qab")), corpus=Text())


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Path) -> Any:
    return AutoTokenizer.from_pretrained(checkpoint)


def texts(example: Example) -> Iterable[str]:
    if isinstance(example, Classified):
        return example.texts
    if isinstance(example, Answered):
        return example.question, example.context
    return example.words


def test_numbers_are_those_of_one_text_after_the_other(study: Resolved, tokenizer: Any) -> None:
    found = subwords.measure(study, tokenizer, blank_pieces(tokenizer))
    assert tuple(found) == TASKS
    shares = set()
    for task, one in found.items():
        assert one.text.keys() == one.tests.keys() == {"qaa", "qab"}
        for f in ("qaa", "qab"):
            lines = study.corpus.lines(f, 1_000)
            pieces = [p for line in lines for p in tokenizer.tokenize(line)]
            assert one.text[f] == pytest.approx(len(pieces) / sum(len(line.split()) for line in lines))
            for g in ("qaa", "qab"):
                inputs = [x for e in study.examples(task, g, "test") for x in texts(e)]
                read = [p for x in inputs for p in tokenizer.tokenize(x)]
                assert one.tests[g] == pytest.approx(len(read) / sum(len(x.split()) for x in inputs))
                running = [p for p in read if p != "▁"]
                share = sum(p in pieces for p in running) / len(running)
                assert one.overlap[f, g] == pytest.approx(share)
                shares.add(share)
    assert len(shares) > 4, "not all the same, nor all 1"


class Short(Made):
    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        if self.task == "tags":
            return [Tagged(("ana", "ŵŵ"), ("NOUN", "VERB"))]
        return [Classified(("ana ŵŵ", "oru"), "no")]


def test_an_unknown_piece_is_text_that_nothing_else_has(study: Resolved, tokenizer: Any) -> None:
    def pieces(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    unknown = tokenizer.unk_token_id
    assert unknown in pieces("ŵŵ")
    short = replace(study, data={x: Short(x) for x in TASKS}, targets={"tags": ("qaa",)})
    blank = blank_pieces(tokenizer)
    one = subwords.measure(short, tokenizer, blank)["tags"]
    read = [*pieces("ana"), *pieces("ŵŵ")]
    assert one.tests["qaa"] == len(read) / 2
    running = [p for p in read if p not in blank]
    assert one.overlap["qaa", "qaa"] == (len(running) - running.count(unknown)) / len(running)


def test_where_nothing_parts_words_only_the_datas_own_are_counted(study: Resolved, tokenizer: Any) -> None:
    def at(script: str) -> dict[str, Language]:
        return {"qaa": Language("qaa", "A", "", "", script), "qab": Language("qab", "B", "", "", "Latn")}

    blank = blank_pieces(tokenizer)
    plain = subwords.measure(replace(study, languages=at("Latn")), tokenizer, blank)
    found = subwords.measure(replace(study, languages=at("Thai")), tokenizer, blank)
    for task in TASKS:
        assert found[task].overlap == plain[task].overlap
        assert found[task].text == plain[task].text
    assert found["tags"].tests == plain["tags"].tests
    assert found["trees"].tests == plain["trees"].tests
    for task in ("pairs", "questions"):
        assert found[task].tests == {"qab": plain[task].tests["qab"]}

    class Thai(Text):
        def lines(self, language: str, limit: int) -> Sequence[str]:
            return ["เขาไปที่ตลาด แล้วกลับบ้าน"] * 9 if language == "qaa" else super().lines(language, limit)

    other = subwords.measure(replace(study, languages=at("Latn"), corpus=Thai()), tokenizer, blank)
    for task in TASKS:
        assert other[task].text == {"qab": plain[task].text["qab"]}
        assert other[task].tests == plain[task].tests


def test_a_language_without_text_is_left_out(study: Resolved, tokenizer: Any) -> None:
    class One(Text):
        def languages(self) -> Sequence[str]:
            return ("qab",)

    one = subwords.measure(replace(study, corpus=One()), tokenizer, blank_pieces(tokenizer))["tags"]
    assert set(one.overlap) == {("qab", "qaa"), ("qab", "qab")}
    assert set(one.text) == {"qab"}
    assert set(one.tests) == {"qaa", "qab"}


def test_the_lab_takes_its_own_tokenizer(
    study: Resolved, checkpoint: Path, tokenizer: Any, tmp_path: Path
) -> None:
    lab = Lab(study, str(checkpoint), tmp_path, device="cpu", threads=1)
    assert lab.subwords() == subwords.measure(study, tokenizer, blank_pieces(tokenizer))
