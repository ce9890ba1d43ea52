"""Files as they come out of tools and downloads: read whole and counted, or refused in one line."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from xlbench import api
from xlbench.contracts import Answered, Choosable, Classified, Explained, Study, Tagged
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError, StudyError
from xlbench.readers.conll import read_conll
from xlbench.readers.conllu import read_conllu
from xlbench.readers.squad import read_squad
from xlbench.readers.tables import read_table
from xlbench_tasks import ner, nli, pos

HEAD = "premise\thypothesis\tlabel\n"
WORD = "1\t{}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n"
ENTITIES = "Ada\tB-PER\nLovelace\tI-PER\nschrieb\tO\n\nRom\tB-LOC\n\n"


def put(top: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return top


def words(top: Path, text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    put(top, {"test.conll": text})
    return [(x.words, x.tags) for x in read_conll(top / "test.conll", None, ner.LABEL_MAP)]


@pytest.mark.parametrize(
    "written",
    [
        ENTITIES.replace("\n\n", "\n\t\n"),
        ENTITIES.replace("\n", " \n").replace("\n \n", "\n\n"),
        ENTITIES.replace("\t", " \t "),
        ENTITIES.replace("\t", "  "),
        ENTITIES.replace("PER", "per").replace("LOC", "Location"),
        ENTITIES.replace("B-", "B_").replace("I-", "I_"),
        "".join(f"{i}\t{x}\n" if x else "\n" for i, x in zip("7777888", ENTITIES.split("\n"), strict=False)),
        "".join(f"{i}\t{x}\n" if x else "\n" for i, x in zip("3456789", ENTITIES.split("\n"), strict=False)),
    ],
    ids=["tab on blank lines", "space at ends", "spaces and tab", "two spaces", "case", "underscore",
         "numbers of sentences", "numbers of words"],
)  # fmt: skip
def test_columns_of_tools(tmp_path: Path, written: str) -> None:
    assert words(tmp_path, written) == words(tmp_path, ENTITIES)


def test_a_column_that_is_no_words_changes_the_fingerprint_and_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"deu_x/test.conll": "s1 Rom B-LOC\ns1 ist O\n\ns2 Ja O\n"})
    data = ner.folder([tmp_path])
    assert isinstance(data, Explained)
    assert data.fingerprint("deu", "test").endswith("-ids")
    assert data.notes("deu", "test") == ("column 1 names sentences or counts words, and is left out",)


def test_words_without_blank_lines_are_said(tmp_path: Path) -> None:
    put(tmp_path, {"deu_x/test.conll": "Rom B-LOC\nist O\n" * 300})
    data = ner.folder([tmp_path])
    assert isinstance(data, Explained)
    assert "a sentence of 600 words" in data.notes("deu", "test")[0]


def test_a_header_of_words_and_tags_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test\.conll:1: column 2: .*'tag'; remove it if it is a header"):
        words(tmp_path, "word\ttag\nRom\tB-LOC\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "a pointer of Git LFS"),
        ("\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n", "a web page, not the data"),
        ("Ja.\n".encode("utf-16"), "not UTF-8 .UTF-16."),
    ],
)
def test_what_a_download_left_instead_of_the_data(tmp_path: Path, text: str | bytes, said: str) -> None:
    put(tmp_path, {"deu.txt": text.lstrip()})
    with pytest.raises(DataError, match=said):
        read_folder(tmp_path).lines("deu", 9)
    put(tmp_path, {"deu.txt": text})
    with pytest.raises(DataError, match=said):
        read_conllu(tmp_path / "deu.txt", None, {})


def test_text_that_is_packed_or_a_folder(tmp_path: Path) -> None:
    put(tmp_path, {"a/deu.txt.gz": "x", "b/deu.txt/x": "x", "b/ENG.TXT": "A sentence.\n"})
    with pytest.raises(DataError, match=r"no <ISO 639-3>\.txt in it, such as eng\.txt; unpack deu\.txt\.gz"):
        read_folder(tmp_path / "a")
    assert read_folder(tmp_path / "b").languages() == ("eng",)
    with pytest.raises(DataError, match=r"compressed files such as test\.conllu\.gz; unpack them"):
        pos.folder([put(tmp_path / "c", {"deu/test.conllu.gz": "x"})])


def test_a_split_that_is_there_whole_and_in_parts_counts_once(tmp_path: Path) -> None:
    bank = "UD_German-HDT/de_hdt-ud-"
    a, b = WORD.format("Ja"), WORD.format("Nein")
    put(tmp_path, {f"{bank}train-a.conllu": a, f"{bank}train-b.CONLLU": b, f"{bank}train.conllu": a + b})
    data = pos.folder([tmp_path])
    assert [x.words for x in data.examples("deu", "train") if isinstance(x, Tagged)] == [("Ja",), ("Nein",)]
    assert isinstance(data, Explained)
    assert data.remarks() == ["deu: 2 parts of a split that is there as a whole are left out"]


def test_releases_side_by_side_are_told_by_their_folders(tmp_path: Path) -> None:
    for version in ("v2.14", "v2.15"):
        put(tmp_path, {f"{version}/UD_German-GSD/de_gsd-ud-test.conllu": WORD.format(version)})
    put(tmp_path, {"v2.15/UD_German-GSD/not-to-release/de_gsd-ud-test.conllu": "junk"})
    data = pos.folder([tmp_path])
    assert [x.words for x in data.examples("deu", "test") if isinstance(x, Tagged)] == [("v2.15",)]
    assert isinstance(data, Explained)
    assert isinstance(data, Choosable)
    (said,) = data.remarks()
    assert said.startswith(f"deu: {tmp_path}/v2.15/UD_German-GSD; not {tmp_path}/v2.14/UD_German-GSD (choose")
    older = data.choose({"deu": f"{tmp_path}/v2.14/UD_German-GSD"})
    assert [x.words for x in older.examples("deu", "test") if isinstance(x, Tagged)] == [("v2.14",)]


def test_sets_that_have_other_splits_serve_together(tmp_path: Path) -> None:
    put(tmp_path, {
        "xnli.test.tsv": "language\tgold_label\tsentence1\tsentence2\nde\tneutral\tJa\tNein\n"
        "fr\tneutral\tA\tB\n",
        "multinli.train.de.tsv": "premise\thypo\tlabel\nEr kam\tEr ging\tcontradictory\n",
    })  # fmt: skip
    data = nli.folder([tmp_path])
    assert data.examples("deu", "test") == [Classified(("Ja", "Nein"), "neutral")]
    assert data.examples("deu", "train") == [Classified(("Er kam", "Er ging"), "contradiction")]
    assert isinstance(data, Explained)
    assert data.remarks()[0] == "deu: multinli and xnli, each for the splits that it has"
    put(tmp_path, {"other/deu/train.tsv": HEAD + "a\tb\tneutral\n"})
    with pytest.raises(DataError, match="two nli sets of deu"):
        nli.folder([tmp_path]).examples("deu", "test")


def test_sentences_unlike_their_text_are_counted(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"deu_x/test.conllu": f"# text = Ja\n{WORD.format('Ja')}# text = Doch\n{WORD.format('Nein')}"},
    )
    data = pos.folder([tmp_path])
    assert isinstance(data, Explained)
    assert data.notes("deu", "test") == (
        "1 sentences are not their `# text`, and are put together from their words",
    )


def test_tables_of_tools(tmp_path: Path) -> None:
    rows = 'a\tb\t0\n\n\t\t\n"c"\t"d"\t2\ne\tf\t-1\n'
    put(
        tmp_path,
        {"a.tsv": HEAD + rows, "r.tsv": '"premise"\t"hypothesis"\t"label"\n"Er \\"kam\\""\t"b"\t"neutral"\n'},
    )
    read = read_table(tmp_path / "a.tsv", None, form=nli.FORM)
    assert [x.label for x in read] == ["entailment", "contradiction"]
    assert read.notes == (
        "2 labels are numbers, read as 0 entailment, 1 neutral, 2 contradiction",
        "1 rows without a label left out",
    )
    assert read_table(tmp_path / "r.tsv", None, form=nli.FORM) == [Classified(('Er "kam"', "b"), "neutral")]
    put(tmp_path, {"q.tsv": HEAD + '"a"\t"b"\tneutral\n"c"\t"d"\tneutral\n', "n.tsv": HEAD + "a\tb\t-\n"})
    assert "every text is in quotation marks" in read_table(tmp_path / "q.tsv", None, form=nli.FORM).notes[0]
    with pytest.raises(DataError, match="none of its 1 rows has a label"):
        read_table(tmp_path / "n.tsv", None, form=nli.FORM)


def test_ids_of_questions_may_be_numbers(tmp_path: Path) -> None:
    question = '{"id": 7, "question": "Wo?", "answers": [{"text": "o", "answer_start": 1}]}'
    whole = f'{{"data": [{{"paragraphs": [{{"context": "Rom", "qas": [{question}]}}]}}]}}'
    put(tmp_path, {"a.json": whole, "b.json": whole.replace('_start": 1', '_start": true')})
    read = read_squad(tmp_path / "a.json", None)
    assert (list(read), read.ids) == ([Answered("Wo?", "Rom", ("o",), (1,))], ("7",))
    with pytest.raises(DataError, match="answer_start True does not match"):
        read_squad(tmp_path / "b.json", None)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Of German and Serbian; the Serbian text is in another script than the test data."""
    put(tmp_path, {
        "ner/deu_x/train.conll": ENTITIES, "ner/deu_x/test.conll": ENTITIES + "Wien\tB-LOC\n",
        "ner/srp_x/test.conll": "Beograd\tB-LOC\nje\tO\nglavni\tO\ngrad\tO\nSrbije\tB-LOC\n",
        "text/srp.txt": "Београд је главни град Србије.\nНови Сад је на Дунаву.\n",
        "text/deu.txt": "Heute regnet es in ganz Deutschland.\n", "text/de.dev": "",
    })  # fmt: skip
    return Study(
        model="tiny", probes=("transfer",), tasks=("ner",), transfer=("srp",), targets=("deu", "srp"),
        train_languages=("deu",), data={"ner": (f"{tmp_path}/ner",)}, text=f"{tmp_path}/text", seeds=(0,),
        steps=(1,),
    )  # fmt: skip


def test_scripts_and_shared_examples_are_said_in_a_plan(study: Study, tmp_path: Path) -> None:
    plan = api.plan(study, results=tmp_path / "results")
    assert plan.notes == (
        "srp: scripts differ: test data Latn, text Cyrl; what is learnt in one may not help in another",
        "ner deu test: 2 of 3 examples are in the training data too",
    )


def test_a_reference_that_nobody_named_stops_nothing(study: Study, tmp_path: Path) -> None:
    assert (
        api.prepare(api.Request(study)).resolved.study.reference == "deu"
    )  # the training language, which has text
    (tmp_path / "text/deu.txt").unlink()
    plan = api.plan(study, results=tmp_path / "results")
    assert plan.study.controls == ("shuffled",)
    assert plan.left_out[0].startswith("text of deu: none in ")
    with pytest.raises(StudyError, match="no text in deu, the reference language"):
        api.plan(replace(study, controls=("reference",)))


def test_without_training_data_a_plan_says_how_to_go_on(study: Study, tmp_path: Path) -> None:
    (tmp_path / "ner/deu_x/train.conll").unlink()
    put(tmp_path, {"ner/deu_x/test.conll": "Rom B-LOC\rist O\r"})
    with pytest.raises(StudyError) as error:
        api.plan(study)
    first, second = str(error.value).splitlines()
    assert first.endswith(
        "which has none in any language; add a train file to it, or a folder that has one "
        "(--data ner=THIS,OTHER) and its language with --train-languages"
    )
    assert "test.conll:1: a CR without LF" in second
