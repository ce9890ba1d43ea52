"""Sets in folders: which are found, and what is said of bad ones."""

import pickle
from pathlib import Path

import pytest

from xlbench.contracts import Choosable, Split, TaskData
from xlbench.errors import DataError
from xlbench_tasks import ner, nli, pos

CONLL = "Ada\tB-PER\nschläft\tO\n\nRom\tB-GPE\n\n"
CONLLU = (
    "# text = Ja.\n1\tJa\tja\tINTJ\t_\t_\t0\troot\t_\tSpaceAfter=No\n2\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_\n\n"
)
PAIRS = "premise\thypothesis\tlabel\nEs regnet.\tEs ist nass.\tentailment\n"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_a_parent_folder_and_its_sets_are_the_same_data(tmp_path: Path) -> None:
    put(tmp_path / "de_one" / "test.conll", CONLL)
    put(tmp_path / "fin_two" / "train.conll", CONLL)
    put(tmp_path / "notes" / "read.me", "no set")
    parent = ner.folder([tmp_path])
    assert isinstance(parent, TaskData)
    assert parent.languages("test") == ("deu",)
    assert parent.languages("train") == ("fin",)
    assert parent.languages("dev") == ()
    assert (parent.name, parent.source) == (str(tmp_path), "folders de_one, fin_two")
    one = ner.folder([tmp_path / "de_one"])
    assert one.examples("deu", "test") == parent.examples("deu", "test")
    assert one.fingerprint("deu", "test") == parent.fingerprint("deu", "test")
    assert ner.folder([tmp_path, tmp_path / "de_one"]).languages("test") == ("deu",)


def test_an_unpacked_release(tmp_path: Path) -> None:
    put(tmp_path / "UD_German-GSD" / "de_gsd-ud-test.conllu", CONLLU)
    put(tmp_path / "UD_Northern_Sami-Giella" / "sme_giella-ud-train.conllu", CONLLU)
    put(tmp_path / "UD_Northern_Sami-Giella" / "stats.xml", "<x/>")
    data = pos.folder([tmp_path])
    assert (data.languages("test"), data.languages("train")) == (("deu",), ("sme",))
    assert [x.words for x in data.examples("deu", "test")] == [("Ja", ".")]


def test_fingerprints_follow_the_content_and_nothing_else(tmp_path: Path) -> None:
    for name, text in (("a", CONLL), ("b", CONLL), ("c", CONLL + CONLL)):
        put(tmp_path / name / "eng_x" / "test.conll", text)
    marks = [ner.folder([tmp_path / x]).fingerprint("eng", "test") for x in "abc"]
    assert marks[0] == marks[1] != marks[2]


def test_data_travel_to_other_processes(tmp_path: Path) -> None:
    put(tmp_path / "eng_x" / "test.conll", CONLL)
    data = ner.folder([tmp_path])
    again = pickle.loads(pickle.dumps(data))
    assert again.examples("eng", "test") == data.examples("eng", "test")


def test_two_sets_of_one_language_stop_nobody_who_does_not_read_it(tmp_path: Path) -> None:
    put(tmp_path / "eng_sick" / "test.tsv", PAIRS)
    put(tmp_path / "en_xnli" / "test.tsv", PAIRS + "A\tB\tneutral\n")
    put(tmp_path / "deu_xnli" / "test.tsv", PAIRS)
    data = nli.folder([tmp_path])
    assert len(data.examples("deu", "test")) == 1
    with pytest.raises(DataError) as error:
        data.examples("eng", "test")
    assert "en_xnli" in str(error.value)
    assert "eng_sick" in str(error.value)
    assert "--data 'nli.eng=en_xnli'" in str(error.value)
    assert isinstance(data, Choosable)
    assert len(data.choose({"eng": "*_xnli"}).examples("eng", "test")) == 2
    assert len(data.choose({"eng": "ENG_SICK"}).examples("eng", "test")) == 1
    assert len(data.choose({"eng": str(tmp_path / "eng_sick")}).examples("eng", "test")) == 1
    with pytest.raises(DataError, match="no set of eng of this name; there are en_xnli, eng_sick"):
        data.choose({"eng": "*_anli"})
    with pytest.raises(DataError, match="several sets of eng of this name; there are en_xnli, eng_sick"):
        data.choose({"eng": "en*"})
    assert nli.folder(sorted(tmp_path.glob("en_xnli"))).languages("test") == ("eng",)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("zzz_x/test.conll", CONLL, "'zzz_x' has to begin or end with a language code"),
        ("eng_x/test.conllu", CONLLU, r"no ner data in it; it needs .*\.conll"),
    ],
)
def test_bad_folders(tmp_path: Path, name: str, text: str, said: str) -> None:
    put(tmp_path / name, text)
    with pytest.raises(DataError, match=said):
        ner.folder([tmp_path])


def test_an_empty_file_stops_those_who_read_it(tmp_path: Path) -> None:
    put(tmp_path / "eng_x" / "test.conll", "")
    put(tmp_path / "deu_x" / "test.conll", CONLL)
    data = ner.folder([tmp_path])
    assert len(data.examples("deu", "test")) == 2
    with pytest.raises(DataError, match=r"test\.conll: empty file"):
        data.examples("eng", "test")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: no such folder"):
        ner.folder([tmp_path / "none"])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    put(tmp_path / "eng_x" / "test.conll", CONLL)
    data = ner.folder([tmp_path])
    splits: tuple[Split, ...] = ("train", "test")
    for language, split in zip(("eng", "deu"), splits, strict=True):
        with pytest.raises(DataError, match=f"no {split} data of {language} for ner"):
            data.examples(language, split)
        with pytest.raises(DataError, match=f"no {split} data of {language} for ner"):
            data.fingerprint(language, split)
