"""Entities with the labels of MasakhaNER 2.0."""

from collections import Counter
from pathlib import Path

import pytest
from manifest import sizes

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench.readers.hub_sets import HubData
from xlbench_tasks import ner_masakhane


def test_the_task_has_dates() -> None:
    (task,) = ner_masakhane.xlbench_tasks()
    assert set(task.labels) == {"O", *(f"{x}-{t}" for x in "BI" for t in ("PER", "LOC", "ORG", "DATE"))}
    (data,) = ner_masakhane.xlbench_task_data()
    assert len(data.languages("train")) == 20
    assert data.languages("train") == data.languages("dev") == data.languages("test")


def test_other_sets_of_entities_have_other_labels(shared_data: Path) -> None:
    data = ner_masakhane.folder([shared_data / "ner" / "fin_turku"])
    with pytest.raises(DataError, match=r"test\.conll:\d+: column 2: unknown label '.-PRO'"):
        data.examples("fin", "test")


def test_all_real_sets(shared_data: Path) -> None:
    data = ner_masakhane.folder(sorted((shared_data / "ner").glob("*_masakhaner2")))
    found, tags = {}, Counter[str]()
    for split in ("train", "dev", "test"):
        for language in data.languages(split):
            ours = data.examples(language, split)
            found[language, split] = len(ours)
            tags.update(tag for one in ours for tag in one.tags)
    assert found == sizes(shared_data, "ner/", "_masakhaner2")
    raw = Counter(
        line.split("\t")[1]
        for path in (shared_data / "ner").glob("*_masakhaner2/*.conll")
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    )
    assert tags == raw
    assert set(raw) == set(ner_masakhane.LABELS)


def test_stray_tags_of_the_hub_are_repaired_as_those_of_files_are(tmp_path: Path) -> None:
    words, tags = ("a", "b", "c", "d"), ("I-PER", "I-PER", "B-LOC", "I-DATE")
    (data,) = ner_masakhane.xlbench_task_data()
    assert isinstance(data, HubData)
    assert data.repair is not None
    ours = data.repair(ner_masakhane.decode(words, tags))
    text = "".join(f"{w} {t}\n" for w, t in zip(words, tags, strict=True))
    (tmp_path / "hau").mkdir()
    (tmp_path / "hau" / "test.txt").write_text(text + "\n")
    assert [ours] == ner_masakhane.folder([tmp_path]).examples("hau", "test")
    assert isinstance(ours, Tagged)
    assert ours.tags == ("B-PER", "I-PER", "B-LOC", "B-DATE")
