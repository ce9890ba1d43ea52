"""The data are what the package says of them."""

from collections import Counter
from pathlib import Path

import pytest

from xlbench.contracts import Classified
from xlbench.errors import DataError
from xlbench_sentiment import LABELS, Opinions, folder


@pytest.mark.parametrize("language", Opinions().languages("train"))
def test_splits_are_apart_and_every_label_is_in_both(language: str) -> None:
    data = Opinions()
    sets = {split: data.examples(language, split) for split in ("train", "test")}
    assert not {x.texts for x in sets["train"]} & {x.texts for x in sets["test"]}
    for examples in sets.values():
        assert all(isinstance(x, Classified) for x in examples)
        assert Counter(x.label for x in examples).keys() == set(LABELS)


def test_a_limit_takes_the_first_and_these_have_all_labels() -> None:
    data = Opinions()
    first = data.examples("deu", "train", 20)
    assert list(first) == list(data.examples("deu", "train"))[:20]
    assert {x.label for x in first} == set(LABELS)


def test_a_folder_of_tables_is_read_and_a_wrong_label_is_named_with_its_line(tmp_path: Path) -> None:
    table = tmp_path / "ita.test.tsv"
    table.write_text("text\tlabel\nAdoro il pane.\tPOSITIVE\nDetesto il gioco.\tnegative\n", "utf-8")
    data = folder([tmp_path])
    assert [(x.texts, x.label) for x in data.examples("ita", "test")] == [
        (("Adoro il pane.",), "positive"),
        (("Detesto il gioco.",), "negative"),
    ]
    table.write_text("text\tlabel\nAdoro il pane.\tgreat\n", "utf-8")
    with pytest.raises(DataError, match=r"ita\.test\.tsv:2: column 2: unknown label 'great'"):
        folder([tmp_path]).examples("ita", "test")
