"""What a transfer page says of the texts that it fine-tuned on, and what effects are held against."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from synthetic import CODES, Synthetic

from xlbench.contracts import Page, Records, Subwords, Table, TextFacts
from xlbench_probes import transfer_advice, transfer_pages
from xlbench_probes.transfer_features import pair_features

DONORS = CODES[3:7]
"""Two of them seen, two not."""
TEXTS = {
    DONORS[0]: TextFacts(100, 900, 4500, "prompts"),
    DONORS[1]: TextFacts(100, 1000, 5000, "prompts"),
    DONORS[2]: TextFacts(50, 1200, 6000, "news"),
    DONORS[3]: TextFacts(80, None, 9000, "news, web"),
}


def read(text: str, seed: int, steps: int) -> dict[str, float]:
    """What a fine-tuning is said to have read."""
    amount = float(1000 * (1 + DONORS.index(text)) + 10 * seed)
    found = {"tokens_read": amount, "bytes_read": 5 * amount, "times_read": amount / 800 * steps / 10}
    return found if text == DONORS[3] else {**found, "words_read": amount / 2}


@pytest.fixture(scope="module")
def records() -> Records:
    made = Synthetic(
        tasks=("pos",),
        transfer=DONORS,
        targets=CODES[:9],
        steps=(1, 10),
        seeds=(0, 1),
        controls=("shuffled",),
    )
    found = made.records(
        texts=TEXTS,
        domains={"pos": {CODES[0]: "news", CODES[1]: "verses", CODES[5]: "web, blogs"}},
        subwords={"pos": Subwords({x: 1.5 + i / 3 for i, x in enumerate(DONORS[:3])}, {}, {})},
    )
    some = []
    for one in found.records:
        condition: Any = one.condition
        if one.probe == "transfer":
            variant = 7.0 if condition["variant"] == "shuffled" else 1.0
            said = read(condition["text"]["language"], condition["seed"], condition["steps"])
            extra = {**one.evaluation.extra, **{k: variant * x for k, x in said.items()}}
            one = replace(one, evaluation=replace(one.evaluation, extra=extra))
        some.append(one)
    return replace(found, records=tuple(some))


def task_page(records: Records) -> Page:
    return next(x for x in transfer_pages.pages(records) if x.title == "Transfer: pos")


def table(records: Records) -> Table:
    page = task_page(records)
    return next(x for x in page.parts if isinstance(x, Table) and x.title.startswith("Text of the transfer"))


def test_each_row_has_its_text_and_what_was_read_of_it(records: Records) -> None:
    found = table(records)
    assert found.title == "Text of the transfer languages, 10 steps"
    rows = {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}
    for number, code in enumerate(DONORS):
        row, one = rows[records.languages[code].label], TEXTS[code]
        assert row["Seen"] == ("yes" if number < 2 else "no")
        assert (row["Domain"], row["Lines"], row["Words"]) == (one.domain, one.lines, one.words)
        assert row["Words per line"] == (None if one.words is None else round(one.words / one.lines, 1))
        assert row["Tokens per word"] == (round(1.5 + number / 3, 2) if number < 3 else None)
        mean = 1000 * (1 + number) + 5  # of seeds 0 and 1, plain text, 10 steps
        assert (row["Tokens read"], row["Bytes read"]) == (mean, 5 * mean)
        assert row["Words read"] == (round(mean / 2) if number < 3 else None)
        assert row["Times read"] == round(mean / 800, 2)
    assert "the same number of chunks in every language" in found.note


def test_the_note_says_what_was_matched(records: Records) -> None:
    study = {**records.study, "match": "words", "reference": CODES[0]}
    spaced = {x: replace(one, words=one.words or 700) for x, one in TEXTS.items()}
    note = table(replace(records, study=study, texts=spaced)).note
    assert note.startswith("Each step has as many words in every language: as many as")
    assert f"text of {records.languages[CODES[0]].label}." in note


def test_records_of_earlier_versions_show_what_they_have(records: Records) -> None:
    old = Synthetic(
        tasks=("pos",), transfer=DONORS, targets=CODES[:9], steps=(10,), controls=(), examples=8
    ).records()
    page = task_page(old)
    assert not any("Text of the transfer" in x.title for x in page.parts)
    found = table(replace(old, texts={x: TextFacts(100) for x in DONORS}))
    assert found.columns == ("Transfer language", "Seen", "Domain", "Lines")
    assert {row[2] for row in found.rows} == {"not known"}


def test_the_page_warns_where_seen_and_domain_coincide(records: Records) -> None:
    page = task_page(records)
    assert any(
        x.startswith("Text of unseen transfer languages is news, web, text of seen") for x in page.summary
    )
    shared = {**TEXTS, DONORS[2]: replace(TEXTS[DONORS[2]], domain="prompts")}
    page = task_page(replace(records, texts=shared))
    assert not any("cannot be told apart" in x for x in page.summary)


def test_texts_are_among_what_effects_are_held_against(records: Records) -> None:
    pairs = [(f, g) for f in DONORS for g in CODES[:9] if f != g]
    found = pair_features(records, "pos", pairs)
    domain = found["same domain"]
    assert {g for _, g in domain} == {CODES[0], CODES[1], CODES[5]}
    assert {pair for pair, x in domain.items() if x} == {
        (DONORS[2], CODES[0]), (DONORS[3], CODES[0]), (DONORS[3], CODES[5]),
    }  # fmt: skip
    words = found["text of the transfer language (log words)"]
    length = found["mean sentence length of the transfer language (words)"]
    assert words[DONORS[2], CODES[0]] == math.log(1200)
    assert length[DONORS[2], CODES[0]] == 24
    assert not any(f == DONORS[3] for f, _ in (*words, *length))
    assert found["text of the transfer language (log lines)"][DONORS[3], CODES[0]] == math.log(80)


def test_the_rule_of_most_text_goes_by_words(records: Records) -> None:
    rules = transfer_advice.rules
    candidates = list(DONORS[:3])
    pairs = [(f, CODES[0]) for f in candidates]
    said = rules(pair_features(records, "pos", pairs))["most text"]({}, CODES[0], candidates)
    assert said is not None
    assert max(said, key=said.__getitem__) == DONORS[2]  # most words in the fewest lines
    # Where words of one are not known, all go by lines.
    pairs = [(f, CODES[0]) for f in DONORS]
    said = rules(pair_features(records, "pos", pairs))["most text"]({}, CODES[0], list(DONORS))
    assert said == {f: math.log(TEXTS[f].lines) for f in DONORS}
