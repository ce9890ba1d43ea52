"""Entities: labels, the reader of two-column CoNLL, and the real sets."""

from collections import Counter
from pathlib import Path

import pytest
from manifest import sizes

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench.readers.conll import read_conll
from xlbench_tasks import ner


def read(path: Path, text: str | bytes, limit: int | None = None) -> list[Tagged]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_conll(path, limit, ner.LABEL_MAP)


def test_the_task() -> None:
    (task,) = ner.xlbench_tasks()
    assert set(ner.LABEL_MAP.values()) == set(task.labels)
    assert (task.training.learning_rate, task.training.batch_size, task.training.epochs) == (5e-4, 36, 5)
    assert task.max_length == 256


def test_labels_are_reconciled(tmp_path: Path) -> None:
    text = "Ada\tB-PER\nLovelace\tI-PER\nin\tO\nNew\tB-GPE\nYork\tI-GPE\n1840\tB-DATE\nJanuar\tI-DATE\n"
    text += "\nDeutsche\tB-LOCderiv\n"
    assert read(tmp_path / "a", text) == [
        Tagged(
            ("Ada", "Lovelace", "in", "New", "York", "1840", "Januar"),
            ("B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O", "O"),
        ),
        Tagged(("Deutsche",), ("O",)),
    ]


def test_words_keep_odd_characters_and_limits_hold(tmp_path: Path) -> None:
    text = '"\tO\r\n#\tO\r\na\u2028b\tO\r\n\r\n\r\nx\tO\r\n\r\n'
    assert [x.words for x in read(tmp_path / "a", text)] == [('"', "#", "a\u2028b"), ("x",)]
    assert [x.words for x in read(tmp_path / "a", text, 1)] == [('"', "#", "a\u2028b")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tO\nb\tB-FOO\n", r"a:2: column 2: unknown label 'B-FOO'; .*B-LOC"),
        ("a\tO\nb\n\n", r"a:2: 1 columns where word and tag are due"),
        ("a\tO\n\tO\n", r"a:2: column 1: an empty word"),
        ("a\t\n", r"a:1: column 2: unknown label ''"),
        ("a\tb\tO\nc\tO\n", r"a:1: column 2: unknown label 'b'"),
        ("a\tb\tO\nc\td\tO\ne\tO\n", r"a:1: column 2: unknown label 'b'"),
        (" O\n", r"a:1: column 1: an empty word"),
        ("a\tO\nb\tB-PE", r"a:2: column 2: unknown label 'B-PE'"),
        ("\n\n", r"a: empty file"),
        (b"a\tO\nb\xff\tO\n", r"a:2: byte 2: not UTF-8"),
        (b"\xef\xbb\xbfa\tO\r\nb\0\tO\r\n", r"a:2: byte 2: a NUL"),
        ("a\tO\n".encode("utf-16"), r"a:1: byte 1: not UTF-8"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


def test_all_real_sets(shared_data: Path) -> None:
    data = ner.folder([shared_data / "ner"])
    expected = sizes(shared_data, "ner/")
    assert {
        (language, split): len(data.examples(language, split))
        for split in ("train", "dev", "test")
        for language in data.languages(split)
    } == expected
    assert len(data.languages("test")) == 19


def test_real_labels_against_the_raw_file(shared_data: Path) -> None:
    raw = Counter(
        line.split("\t")[1]
        for line in (shared_data / "ner/est_estner/test.conll").read_text(encoding="utf-8").split("\n")
        if line
    )
    data = ner.folder([shared_data / "ner" / "est_estner"])
    ours = Counter(tag for one in data.examples("est", "test") for tag in one.tags)
    assert ours["B-LOC"] == raw["B-LOC"] + raw["B-GPE"]
    assert ours["I-LOC"] == raw["I-LOC"] + raw["I-GPE"]
    assert ours["B-PER"] == raw["B-PER"]
    assert ours.total() == raw.total()
    assert set(ours) <= set(ner.LABELS)
