"""Part-of-speech tags: the reader of CoNLL-U against `conllu`, and the real treebanks."""

import hashlib
from pathlib import Path

import conllu
import pytest
from manifest import sizes

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench.readers.conllu import read_conllu
from xlbench_tasks import pos

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
        Tagged(("in", "dem", "_"), ("ADP", "DET", "SYM"), "im _", ((0, 2), (0, 2), (3, 4))),
        Tagged(("10 000",), ("NUM",), "10 000", ((0, 6),)),
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
        (GOOD + WORD.format("3-4", "b", "_") + "\n", r"a:2: ID '3-4' in a sentence of 1 word"),
        (GOOD + WORD.format(2, "b", "X").replace("\t0\t", "\t3\t"), r"a: ends within a sentence"),
        ("# text = a b\n" + GOOD, r"a: ends within a sentence"),
        (GOOD + WORD.format("2-3", "b", "_"), r"a: ends within a sentence"),
        (GOOD + "\n# text = b\n", r"a:4: a sentence without words"),
        (GOOD.replace("\n", "\r") + "\r", r"a:1: a CR without LF: lines end in CR alone"),
        (GOOD + "\n" + GOOD.replace("\n", "\r"), r"a:3: a CR without LF"),
        ("# text = b\n\n" + GOOD + "\n", r"a:2: a sentence without words"),
        ((GOOD + "\n" + GOOD)[:-5], r"a:3: 8 columns where CoNLL-U has 10"),
        ("", r"a: empty file"),
        (GOOD.encode() + b"\n# \xe9\n", r"a:3: byte 3: not UTF-8"),
        (WORD.format(1, "_", "X") + WORD.format(2, "_", "X") + "\n", r"a: every word is `_`"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


@pytest.mark.slow
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


def lines(*words: str, **misc: str) -> str:
    """A sentence of words; `misc` by word number."""
    rows = enumerate(words, 1)
    return "".join(WORD.format(i, w, "X")[:-2] + misc.get(f"w{i}", "_") + "\n" for i, w in rows)


@pytest.mark.parametrize("end", ["\n", "", " \t\n", "\n\n", "\r\n", " "])
@pytest.mark.parametrize("between", ["\n", " \n", "\t\n", "\n \n", "\r\n"])
def test_blank_lines_may_hold_space_and_the_last_may_lack(tmp_path: Path, between: str, end: str) -> None:
    text = lines("a", "b") + between + "# text = c\n" + lines("c") + end
    assert [x.words for x in read(tmp_path / "a", text)] == [("a", "b"), ("c",)]
    assert [x.words for x in read(tmp_path / "b", text.rstrip())] == [("a", "b"), ("c",)]


def test_the_text_is_what_the_comment_says_if_it_is_just_the_words(tmp_path: Path) -> None:
    said = "# text = «Ich\u00a0 weiß nicht», sagt er.\n"
    words = ("«", "Ich", "weiß", "nicht", "»", ",", "sagt", "er", ".")
    (one,) = read(tmp_path / "a", said + lines(*words) + "\n")
    assert one.text == "«Ich\u00a0 weiß nicht», sagt er."
    assert one.spans is not None
    assert [one.text[a:b] for a, b in one.spans] == list(words)
    # Otherwise it is put together from the words, and what they say about the space after them.
    for other in ("# text = «Ich weiß es nicht», sagt er.\n", "# text_en = I know.\n", ""):
        (one,) = read(tmp_path / "a", other + lines(*words, w1="SpaceAfter=No", w4="a|SpaceAfter=No") + "\n")
        assert one.text == "«Ich weiß nicht» , sagt er ."
        assert one.spans is not None
        assert [one.text[a:b] for a, b in one.spans] == list(words)


def test_words_of_a_contraction_stand_at_their_parts_or_at_the_whole(tmp_path: Path) -> None:
    text = (
        "# text = Dámelo delle cannot.\n"
        + WORD.format("1-3", "Dámelo", "_")
        + lines("da", "me", "lo")
        + WORD.format("4-5", "delle", "_")
        + WORD.format(4, "di", "ADP")
        + WORD.format(5, "le", "DET")
        + WORD.format("6-7", "cannot", "_")[:-2]
        + "SpaceAfter=No\n"
        + WORD.format(6, "can", "AUX")
        + WORD.format(7, "not", "PART")
        + WORD.format(8, ".", "PUNCT")
        + "\n"
    )
    for content in (text, text.partition("\n")[2]):
        (one,) = read(tmp_path / "a", content)
        assert one.text == "Dámelo delle cannot."
        assert one.spans == ((0, 2), (2, 4), (4, 6), (7, 12), (7, 12), (13, 16), (16, 19), (19, 20))


def test_rows_of_the_hub_are_found_in_their_text() -> None:
    rows = ("delle", "di", "le", "x", "case", "dell'", "di", "l'", "arte", ".")
    tags = ("_", "ADP", "DET", "_", "NOUN", "_", "ADP", "DET", "NOUN", "PUNCT")
    one = pos.decode(rows, tags, "delle case dell'arte.")
    assert one.words == ("di", "le", "case", "di", "l'", "arte", ".")
    assert one.spans == ((0, 5), (0, 5), (6, 10), (11, 16), (11, 16), (16, 20), (20, 21))
    for other in (None, "delle case di arte."):
        plain = pos.decode(rows, tags, other)
        assert (plain.words, plain.text, plain.spans) == (one.words, None, None)


def test_real_treebanks_stand_in_their_own_text(shared_data: Path) -> None:
    data = pos.folder([shared_data / "ud"])
    for language in data.languages("test"):
        path = data.files[language, "test"]
        said = [x[9:] for x in path.read_text("utf-8").split("\n") if x.startswith("# text = ")]
        ours = data.examples(language, "test")
        assert [x.text for x in ours] == said, language
        hashed = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        assert data.fingerprint(language, "test") == f"{hashed}-text"


def test_rows_of_real_treebanks_are_found_without_their_numbers(shared_data: Path) -> None:
    path = shared_data / "ud" / "he_htb" / "test.conllu"
    ours = read_conllu(path, 100, pos.LABEL_MAP)
    for one, parsed in zip(ours, conllu.parse(path.read_text("utf-8")), strict=False):
        shown = [x for x in parsed if not isinstance(x["id"], tuple) or x["id"][1] == "-"]
        rows, tags = [x["form"] for x in shown], [x["upos"] for x in shown]
        assert pos.decode(rows, tags, parsed.metadata["text"]) == one


def test_a_text_column_is_read_where_a_table_has_one(tmp_path: Path) -> None:
    from datasets import List, Value
    from hub_sets import parquet

    from xlbench.readers.hub_sets import rows

    features = {"tokens": List(Value("string")), "upos": List(Value("string"))}
    row = {"tokens": ["delle", "di", "le"], "upos": ["_", "ADP", "DET"]}
    with_text = {**features, "text": Value("string")}
    (tmp_path / "a").write_bytes(parquet(with_text, [{**row, "text": "delle"}]))
    (tmp_path / "b").write_bytes(parquet(features, [row]))
    (data,) = pos.xlbench_task_data()
    read = [
        data.decode(*x) for x in rows([tmp_path / "a", tmp_path / "b"], data.columns, "here", data.optional)
    ]  # type: ignore[attr-defined]
    assert [x.words for x in read] == [("di", "le")] * 2
    assert [(x.text, x.spans) for x in read] == [("delle", ((0, 5), (0, 5))), (None, None)]
