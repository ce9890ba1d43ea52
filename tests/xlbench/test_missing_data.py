"""Languages whose data is missing or malformed: told, or skipped where that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from elsewhere import Elsewhere
from made import Made

from xlbench import Study, api
from xlbench.cli import reporting
from xlbench.contracts import Classified, Example, Resolved, Split, Tagged
from xlbench.errors import StudyError
from xlbench.spec.study import as_json, as_toml, command, parse
from xlbench.stored import Stored
from xlbench.studies.missing_data import check_data

GONE = "ben"


@pytest.fixture
def study(checkpoint: Path, tmp_path: Path) -> Study:
    """Entities and text in English and German; a broken test file in Finnish, broken text in Turkish."""
    for code in ("eng", "deu", "fin"):
        (tmp_path / "ner" / f"{code}_made").mkdir(parents=True)
        for split in ("train", "test"):
            text = "".join(f"Ana\tB-PER\n{code}{split}{i}\tO\n\n" for i in range(4))
            (tmp_path / "ner" / f"{code}_made" / f"{split}.conll").write_text(text)
    (tmp_path / "ner" / "fin_made" / "test.conll").write_text("Ana\tO\nEva\tB-FOO\n\n")
    (tmp_path / "text").mkdir()
    for code in ("eng", "deu"):
        (tmp_path / "text" / f"{code}.txt").write_text(f"one line of {code}\n{code} has another\n" * 9)
    (tmp_path / "text" / "tur.txt").write_bytes(b"fine\n\xff\n")
    return Study(
        model=str(checkpoint), tasks=("ner",), train_languages=("eng",), transfer=("deu", "tur", GONE),
        targets=("deu", "fin", GONE), data={"ner": (f"{tmp_path}/ner",)}, text=f"{tmp_path}/text",
        steps=(1,), seeds=(0,), controls=("target",), mlm={"chunk": 16, "batch_size": 2},
        adapter={"epochs": 1},
    )  # fmt: skip


def test_it_stops_the_study_with_a_line_each(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        api.prepare(api.Request(study))
    assert len(str(error.value).splitlines()) == 3
    assert "fin_made/test.conll:2: column 2: unknown label 'B-FOO'" in str(error.value)
    assert f"no test data in {GONE}" in str(error.value)
    assert f"no text in {GONE}" in str(error.value)
    there = replace(study, transfer=("deu", "tur"), targets=("deu", "fin"))
    with pytest.raises(StudyError) as error:
        api.prepare(api.Request(there))
    assert str(error.value).splitlines() == [
        f"{tmp_path}/ner/fin_made/test.conll:2: column 2: unknown label 'B-FOO'; rename it in the "
        "file to one of B-LOC, B-ORG, B-PER, I-LOC, I-ORG, I-PER, O",
        f"{tmp_path}/text/tur.txt:2: byte 1: not UTF-8 (invalid start byte); convert the file",
    ]


def test_what_is_left_is_the_study_without_those_languages(study: Study, tmp_path: Path) -> None:
    skipping = api.prepare(api.Request(replace(study, skip_unavailable=True), results=tmp_path))
    without = api.prepare(api.Request(replace(study, transfer=("deu",), targets=("deu",)), results=tmp_path))
    assert [x.identity for x in skipping.plan.jobs] == [x.identity for x in without.plan.jobs]
    said = skipping.plan.left_out
    assert [x.partition(":")[0] for x in said] == [
        f"ner in {GONE}", f"text of {GONE}", "ner in fin", "text of tur",
    ]  # fmt: skip
    assert all("\n" not in x for x in said)
    assert without.plan.left_out == ()


def test_a_run_says_so_and_so_do_its_pages(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    # Other processes resolve the study again, and must not stumble over what is skipped.
    ready = api.prepare(api.Request(replace(study, skip_unavailable=True), results=results))
    done = api.carry_out(replace(ready, executor=Elsewhere()), workers=1, device="cpu")
    assert done.failed == {}
    assert done.run == 2
    read = Stored(results, None)
    reporting.details(read, reporting.Details(tables=(reporting.ALL,)))
    assert "left out: ner in fin:" in " ".join(capsys.readouterr().out.split())
    reporting.leaderboard(read, tmp_path / "board")
    for probe in ("transfer", "zero-shot"):
        (page,) = (tmp_path / "board").glob(f"{probe}-ner-*.md")
        text = page.read_text("utf-8")
        assert "left out: ner in fin: " in text
        assert "left out: text of tur: " in text
        assert "Lines of text left out" in text
        assert "deu 16 repeated and 0 of test sets" in text


def test_nothing_left_is_no_study(study: Study) -> None:
    with pytest.raises(StudyError, match="no languages remain after skipping these") as error:
        api.prepare(api.Request(replace(study, transfer=("tur",), targets=("deu",), skip_unavailable=True)))
    assert "text of tur" in str(error.value)
    with pytest.raises(StudyError, match=f"no test data in {GONE}"):
        api.prepare(api.Request(replace(study, targets=(GONE,), transfer=("deu",), skip_unavailable=True)))


def test_a_training_language_is_left_out_of_all_tasks(study: Study) -> None:
    asked = replace(study, train_languages=("eng", GONE), transfer=("deu",), targets=("deu",))
    with pytest.raises(StudyError, match=f"no training data in {GONE} for ner"):
        api.prepare(api.Request(asked))
    found = api.prepare(api.Request(replace(asked, skip_unavailable=True)))
    assert found.resolved.study.train_languages == ("eng",)
    assert set(found.resolved.adapter_identity("ner")["train"]) == {"eng"}


def test_a_reference_without_text_takes_its_control_along(study: Study, tmp_path: Path) -> None:
    asked = replace(study, transfer=("deu",), targets=("deu",), controls=("reference",), reference="tur")
    found = api.prepare(api.Request(replace(asked, skip_unavailable=True), results=tmp_path))
    assert found.resolved.study.controls == ()
    assert len(found.plan.jobs) == 2


def test_every_training_language_has_a_share(study: Study) -> None:
    there = replace(study, train_languages=("eng", "deu"), transfer=("deu",), targets=("deu",))
    assert (
        api.prepare(api.Request(replace(there, adapter={"examples": 2}))).resolved.size("ner", "eng", "train")
        == 1
    )
    with pytest.raises(StudyError, match=r"adapter\.examples: 1 leave none for deu; give more"):
        api.prepare(api.Request(replace(there, adapter={"examples": 1})))
    with pytest.raises(StudyError, match=r"adapter\.temperature says how adapter\.examples are shared out"):
        api.prepare(api.Request(replace(there, adapter={"temperature": 2})))


def test_three_spellings() -> None:
    study = Study(skip_unavailable=True)
    assert command(study).endswith(" --skip-unavailable")
    assert "skip_unavailable = true" in as_toml(study)
    assert parse(as_json(study)) == study
    assert "skip" not in command(Study()) + as_toml(Study())
    with pytest.raises(StudyError, match="skip_unavailable must be true or false, not 'yes'"):
        parse({"skip_unavailable": "yes"})


@dataclass
class Odd(Made):
    """Data of a plugin that breaks its promise in one example."""

    odd: object = None

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        if isinstance(self.odd, Exception):
            raise self.odd
        found = list(super().examples(language, split, limit))
        return [*found[:3], cast("Example", self.odd), *found[4:]]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (Tagged(("ana",), ("X",)), r"example 4: label 'X' is not one of the task's \(NOUN, VERB, ADJ\)"),
        (Tagged(("ana", "oru"), ("NOUN",)), "example 4: 2 words with 1 labels"),
        (Classified(("ana",), "NOUN"), "example 4: a Classified where a Tagged is due"),
        (KeyError("row 7"), "KeyError: 'row 7'"),
    ],
)
def test_what_a_plugins_data_break_is_found_in_planning(resolved: Resolved, odd: object, said: str) -> None:
    broken = replace(resolved, data={**resolved.data, "tags": Odd("tags", odd=odd)})
    with pytest.raises(StudyError, match=rf"made(: tags in qaa, test data| \(tags\): test of qaa).*{said}"):
        check_data(broken)
