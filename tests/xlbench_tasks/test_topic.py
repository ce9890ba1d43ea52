"""Topics: the reader, the configurations, and the real sets."""

import csv
from pathlib import Path

import pytest
from manifest import sizes

from xlbench.contracts import Classified
from xlbench.data import languages
from xlbench.data.codes import to_iso639_3
from xlbench.errors import DataError
from xlbench.readers.tables import read_table
from xlbench_tasks import topic

HEAD = "index_id\tcategory\ttext\n"


def read(path: Path, text: str, limit: int | None = None) -> list[Classified]:
    path.write_text(text, "utf-8")
    return read_table(path, limit, form=topic.FORM)


def test_quotes_are_ordinary_and_columns_go_by_name(tmp_path: Path) -> None:
    text = 'text\tcategory\tindex_id\n"A," he said.\ttravel\t7\r\nB\tscience/technology\t9\n'
    assert read(tmp_path / "a", text) == [
        Classified(('"A," he said.',), "travel"),
        Classified(("B",), "science/technology"),
    ]
    assert len(read(tmp_path / "a", text, 1)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\tgenre\ttext\n1\ttravel\tA\n", r"a:1: header"),
        (HEAD + "1\ttravel\n", r"a:2: 2 columns where 3 are due"),
        (HEAD + "1\ttravel\tA\tB\n", r"a:2: 4 columns where 3 are due"),
        (HEAD + "1\ttravel\tA\n2\tTravel\tB\n", r"a:3: column 2: unknown label 'Travel'; .* sports, travel"),
        (HEAD + "1\ttravel\t\n", r"a:2: column 3: an empty text"),
        (HEAD, r"a: a header and nothing else"),
    ],
)
def test_bad_files_are_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


def test_each_language_has_one_configuration() -> None:
    (data,) = topic.xlbench_task_data()
    assert len(topic.SIB) == len(set(topic.SIB.values())) == 205 - 8
    assert set(data.languages("train")) == set(topic.SIB)
    for code, config in topic.SIB.items():
        assert to_iso639_3(code, topic.SIB) == code
        # What people write for the language is understood as the code that it has here.
        meant = to_iso639_3(config.partition("_")[0], languages.codes())
        assert meant == code or (config in ("pbt_Arab", "prs_Arab") and meant in ("pbt", "fas"))


def test_all_real_sets(shared_data: Path) -> None:
    data = topic.folder([shared_data / "topic"])
    found = {}
    for split in ("train", "dev", "test"):
        for language in data.languages(split):
            ours = data.examples(language, split)
            found[language, split] = len(ours)
            # The files were written as csv with tabs, so that quoted texts have doubled quotes in them.
            with data.files[language, split].open(encoding="utf-8", newline="") as file:
                raw = list(csv.reader(file, delimiter="\t"))[1:]
            assert [(x.texts[0], x.label) for x in ours] == [tuple(x[:0:-1]) for x in raw]
            assert topic.SIB[language] == data.files[language, split].parent.name
    assert found == sizes(shared_data, "topic/")
