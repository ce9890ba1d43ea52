"""Rated pairs and translations: in folders, and of the artificial languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from xlbench.contracts import Explained, Rated, Study, Translated
from xlbench.errors import DataError
from xlbench.lab import subwords
from xlbench.lab.encode import blank_pieces
from xlbench.plugins import load
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve
from xlbench_tasks import retrieval, sts
from xlbench_tasks.artificial.data import ArtificialData
from xlbench_tasks.artificial.meanings import Event, Thing
from xlbench_tasks.artificial.sts import rating


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


def test_rated_pairs_are_read_by_the_names_of_columns(tmp_path: Path) -> None:
    write(tmp_path, "deu/train.tsv", "id\tscore\tsentence1\tsentence2\n1\t4.25\tEin Hund\tEin Tier\n")
    write(tmp_path, "deu/test.csv", "Ein Hund,Ein Boot,0\nEine Katze,Ein Tier,3.5\n")
    data = sts.folder([tmp_path])
    assert data.examples("deu", "train") == [Rated(("Ein Hund", "Ein Tier"), 4.25)]
    assert data.examples("deu", "test")[1] == Rated(("Eine Katze", "Ein Tier"), 3.5)
    assert data.examples("deu", "test", 1) == [Rated(("Ein Hund", "Ein Boot"), 0.0)]


def test_pairs_without_a_score_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "deu/test.tsv", "score\tsentence1\tsentence2\n\ta\tb\n1\tc\td\n")
    data = sts.folder([tmp_path])
    assert data.examples("deu", "test") == [Rated(("c", "d"), 1.0)]
    assert isinstance(data, Explained)
    assert data.notes("deu", "test") == ("1 rows without a label left out",)


@pytest.mark.parametrize("score", ["high", "nan", "inf", "1_0", "4,5"])
def test_a_score_that_is_no_number_is_told(tmp_path: Path, score: str) -> None:
    write(tmp_path, "deu/test.tsv", f"score\tsentence1\tsentence2\n1\ta\tb\n{score}\tc\td\n")
    with pytest.raises(DataError, match=rf"test.tsv:3: column 1: '{score}' is not a number; repair the line"):
        sts.folder([tmp_path]).examples("deu", "test")


def test_translations_are_read_by_the_names_of_columns(tmp_path: Path) -> None:
    write(tmp_path, "deu/test.tsv", "sentence\ttranslation\nEin Hund\tA dog\nEin Boot\tA boat\n")
    data = retrieval.folder([tmp_path])
    assert data.examples("deu", "test") == [Translated("Ein Hund", "A dog"), Translated("Ein Boot", "A boat")]
    assert not data.languages("train")


def test_which_column_is_the_translation_is_never_guessed(tmp_path: Path) -> None:
    write(tmp_path, "deu/test.tsv", "Ein Hund\tA dog\nEin Boot\tA boat\n")
    with pytest.raises(DataError, match="it has to name the columns sentence, translation"):
        retrieval.folder([tmp_path]).examples("deu", "test")
    write(tmp_path, "deu/test.tsv", "sentence\ttranslation\nEin Hund\tA dog\nEin Boot\t \n")
    with pytest.raises(DataError, match=r"test.tsv:3: column 2: an empty translation; repair the line"):
        retrieval.folder([tmp_path]).examples("deu", "test")


def test_a_rating_is_the_share_of_what_both_say() -> None:
    dog, boy, girl = (Thing("noun", x, determiner="the") for x in ("dog", "child", "widow"))
    event = Event("follow", dog, boy, time="summer", tense="past")
    assert rating(event, event) == 5
    # Said by both: action, agent, tense; said by one: two patients, two times.
    assert rating(event, event._replace(patient=girl, time="winter")) == round(5 * 3 / 7, 1)
    # A quality is said by one of them alone, and so is a denial.
    assert rating(event, event._replace(agent=dog._replace(quality="old"))) == round(5 * 5 / 6, 1)
    assert rating(event, event._replace(negated=True)) == round(5 * 5 / 6, 1)


def test_artificial_pairs_say_the_same_in_all_languages_and_vary() -> None:
    first, second = (ArtificialData("sts").examples(x, "test", 300) for x in ("qaa", "qap"))
    ratings = [x.rating for x in first if isinstance(x, Rated)]
    assert ratings == [x.rating for x in second if isinstance(x, Rated)]
    assert {x.sentences() for x in first}.isdisjoint(x.sentences() for x in second)
    assert min(ratings) < 1
    assert max(ratings) == 5
    assert len(set(ratings)) > 20
    train = [ArtificialData("sts").rated(x, "train", 50) for x in ("qaa", "qap")]
    assert train[0] != train[1]


def test_translations_say_nothing_of_how_a_language_is_written(tmp_path: Path) -> None:
    """Neither of its script nor of its tokens: they are in another language."""
    study = Study(
        model="tiny", tasks=("retrieval",), probes=("zero-shot",), targets=("qag",), transfer=("qag",),
        data={"retrieval": ("artificial",)}, limit=40, text="artificial", mlm={"lines": 50},
    )  # fmt: skip
    data = ArtificialData("retrieval").examples("qag", "test", 40)
    registry = load()
    task = next(iter(retrieval.xlbench_tasks()))
    provided = {**registry.provided, "task": {**registry.tasks, "retrieval": task}}
    registry = replace(registry, provided=provided)
    found = check_data(resolve(study, registry))
    assert found.languages["qag"].script == "Cyrl"
    assert not found.remarks
    tokenizer = AutoTokenizer.from_pretrained(found.model.checkpoint)
    texts = [x.text for x in data if isinstance(x, Translated)]
    tokens = sum(len(x) for x in tokenizer(texts, add_special_tokens=False)["input_ids"])
    expected = tokens / sum(len(x.split()) for x in texts)
    measured = subwords.measure(found, tokenizer, blank_pieces(tokenizer))["retrieval"]
    assert measured.tests == {"qag": pytest.approx(expected)}


def test_artificial_translations_are_rows_of_two_languages() -> None:
    data = ArtificialData("retrieval")
    said, pool = (ArtificialData("retrieval").sentences(x, "test", 20) for x in ("qag", "qaa"))
    expected = [Translated(x.text, y.text) for x, y in zip(said, pool, strict=True)]
    assert data.examples("qag", "test", 20) == expected
    assert "qaa" not in data.languages("test")
    with pytest.raises(DataError, match="language qaa has no test data for retrieval"):
        data.examples("qaa", "test")
