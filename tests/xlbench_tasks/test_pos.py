"""Part-of-speech tags: the reader of CoNLL-U against `conllu`, and the real treebanks."""

from pathlib import Path

import conllu
import pytest
from manifest import sizes

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench_tasks import pos
from xlbench_tasks._conllu import read_conllu

WORD = "{}\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n"


def read(path: Path, text: str | bytes, limit: int | None = None) -> list[Tagged]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_conllu(path, limit, pos.LABEL_MAP)


def test_the_task() -> None:
    (task,) = pos.xlbench_tasks()
    assert len(set(task.labels)) == 17
    assert (task.training.learning_rate, task.training.batch_size, task.training.epochs) == (5e-4, 36, 5)
    assert (task.metric.name, task.max_length) == ("accuracy", 256)


def test_only_syntactic_words_count(tmp_path: Path) -> None:
    text = (
        "# text = im _ x\n"
        + WORD.format("1-2", "im", "_")
        + WORD.format(1, "in", "ADP")
        + WORD.format(2, "dem", "DET")
        + WORD.format("2.1", "leer", "VERB")
        + WORD.format(3, "_", "SYM")
        + "\n"
        + WORD.format(1, "10 000", "NUM")
        + "\n"
    )
    assert read(tmp_path / "a", text) == [
        Tagged(("in", "dem", "_"), ("ADP", "DET", "SYM")),
        Tagged(("10 000",), ("NUM",)),
    ]
    assert len(read(tmp_path / "a", text, 1)) == 1


GOOD = WORD.format(1, "a", "X")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "2\tb\tc\n\n", r"a:2: 3 columns where CoNLL-U has 10"),
        (GOOD + WORD.format(3, "b", "X") + "\n", r"a:2: ID '3' where 2 was due"),
        (GOOD + WORD.format("x", "b", "X") + "\n", r"a:2: ID 'x'"),
        (GOOD + WORD.format(2, "b", "FOO") + "\n", r"a:2: column 4: 'FOO' is no UPOS tag"),
        (GOOD + WORD.format(2, "b", "_") + "\n", r"a:2: column 4: '_' is no UPOS tag"),
        (GOOD + WORD.format(2, "", "X") + "\n", r"a:2: a word without form"),
        (GOOD, r"a: ends within a sentence"),
        (GOOD + "\n# text = b\n", r"a: ends within a sentence"),
        ("# text = b\n\n" + GOOD + "\n", r"a:2: a sentence without words"),
        ((GOOD + "\n" + GOOD)[:-5], r"a:3: breaks off"),
        ("", r"a: empty file"),
        (GOOD.encode() + b"\n# \xe9\n", r"a:3: byte 3: not UTF-8"),
        (WORD.format(1, "_", "X") + WORD.format(2, "_", "X") + "\n", r"a: every word is `_`"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


def test_all_real_treebanks_against_conllu(shared_data: Path) -> None:
    data = pos.folder([shared_data / "ud"])
    found = {}
    for split in ("train", "dev", "test"):
        for language in data.languages(split):
            ours = data.examples(language, split)
            found[language, split] = len(ours)
            if split == "test":
                raw = "\n\n".join(data.files[language, split].read_text(encoding="utf-8").split("\n\n")[:100])
                theirs = [
                    [(word["form"], word["upos"]) for word in one if isinstance(word["id"], int)]
                    for one in conllu.parse(raw)
                ]
                assert [list(zip(x.words, x.tags, strict=True)) for x in ours[:100]] == theirs, language
    assert found == sizes(shared_data, "ud/")
