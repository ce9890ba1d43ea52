"""Inference: the reader of pairs, and the real sets."""

from pathlib import Path

import pytest
from manifest import sizes

from xlbench.contracts import Classified
from xlbench.errors import DataError
from xlbench.readers.tables import read_table
from xlbench_tasks import nli

HEAD = "premise\thypothesis\tlabel\n"


def read(path: Path, text: str | bytes, limit: int | None = None) -> list[Classified]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, limit, form=nli.FORM)


def test_the_task() -> None:
    (task,) = nli.xlbench_tasks()
    assert (task.training.learning_rate, task.training.batch_size, task.training.epochs) == (5e-5, 32, 5)
    assert (task.kind, task.max_length) == ("classification", 128)


def test_quotes_are_ordinary_and_columns_go_by_name(tmp_path: Path) -> None:
    text = 'label\tpremise\thypothesis\nneutral\t"a\tb"\r\ncontradiction\tc\td\n'
    assert read(tmp_path / "a", text) == [
        Classified(('"a', 'b"'), "neutral"),
        Classified(("c", "d"), "contradiction"),
    ]
    assert len(read(tmp_path / "a", text, 1)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tb\tc\n", r"a:1: header"),
        ("a\tneutral\n", r"a:1: header"),
        ("a\tb\tc\tneutral\n", r"a:1: header"),
        (HEAD + "a\tb\n", r"a:2: 2 columns where 3 are due"),
        (HEAD + "a\tb\tmaybe\n", r"a:2: column 3: unknown label 'maybe'"),
        (HEAD + "a\t \tneutral\n", r"a:2: column 2: an empty hypothesis"),
        (HEAD + "a\tb\tneutral\na\tb\tneut", r"a:3: column 3: unknown label 'neut'"),
        (HEAD, r"a: a header and nothing else"),
        (HEAD.encode() + b"a\t\x80\tneutral\n", r"a:2: byte 3: not UTF-8"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("end", ["_xnli", "_anli", "_sick", "_ocnli", "_jnli"])
def test_all_real_sets(shared_data: Path, end: str) -> None:
    data = nli.folder(sorted((shared_data / "nli").glob(f"*{end}")))
    found = {}
    for split in ("train", "dev", "test"):
        for language in data.languages(split):
            ours = data.examples(language, split)
            found[language, split] = len(ours)
            raw = data.files[language, split].read_text(encoding="utf-8").split("\n")[1:-1]
            assert ["\t".join((*x.texts, x.label)) for x in ours] == raw
    assert found == sizes(shared_data, "nli/", end)
