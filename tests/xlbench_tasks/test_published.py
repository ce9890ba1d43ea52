"""Files as they are published: layouts, columns, schemes, and what is said of them."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xlbench.contracts import Explained, Narrowed, Split, Tagged, TaskData, limited
from xlbench.errors import DataError
from xlbench.readers.conll import read_conll
from xlbench.readers.reading import Reading
from xlbench.readers.squad import read_squad
from xlbench.readers.tables import read_table
from xlbench_tasks import ner, ner_masakhane, nli, pos, qa, topic


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def word(number: int, form: str) -> str:
    head = "0\troot" if number == 1 else "1\tdep"
    return f"{number}\t{form}\t_\tNOUN\t_\t_\t{head}\t_\t_\n"


def treebank(folder: Path, name: str, sentences: int, splits: str = "train test") -> None:
    for split in splits.split():
        text = "".join(word(1, f"{name}{i}") + "\n" for i in range(sentences))
        put(folder / f"{name}-ud-{split}.conllu", text)


# Releases


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two treebanks of English and three of Swahili, code-switched ones, one without text, what unpacking
    leaves.
    """
    top = tmp_path / "ud-treebanks-v9.9"
    treebank(top / "UD_English-EWT", "en_ewt", 3)
    treebank(top / "UD_English-GUM", "en_gum", 9)
    treebank(top / "UD_Swahili-Small", "sw_small", 2)
    treebank(top / "UD_Swahili-Large", "sw_large", 7)
    treebank(top / "UD_Yoruba-YTB", "yo_ytb", 4, "test")
    treebank(top / "UD_Hindi_English-HIENCS", "qhe_hiencs", 4)
    treebank(top / "UD_Turkish_German-SAGT", "qtd_sagt", 4)
    put(top / "UD_Swahili-Blank" / "sw_blank-ud-train.conllu", (word(1, "_") + "\n") * 900)
    put(top / "UD_Swahili-Blank" / "sw_blank-ud-test.conllu", (word(1, "_") + "\n") * 900)
    put(top / "UD_English-EWT" / "README.md", "about")
    put(top / "UD_English-EWT" / "._en_ewt-ud-test.conllu", "\0\0")
    put(top / "__MACOSX" / "UD_English-EWT" / "en_ewt-ud-test.conllu", "\0")
    put(top / "UD_Zulu-X.zip", "PK")
    return top


@pytest.mark.parametrize("how", ["folder", "above", "treebanks"])
def test_a_release_has_one_treebank_for_each_language(release: Path, how: str) -> None:
    paths = {"folder": [release], "above": [release.parent], "treebanks": sorted(release.glob("UD_*-*"))}[how]
    data = pos.folder([x for x in paths if x.is_dir()])
    assert data.languages("test") == ("eng", "swa", "yor")
    assert data.languages("train") == ("eng", "swa")
    assert len(data.examples("eng", "test")) == 3  # the hub's, though the other is larger
    assert len(data.examples("swa", "test")) == 7  # the largest that has its text
    assert isinstance(data, Explained)
    assert list(data.remarks()) == [
        "eng: UD_English-EWT; not UD_English-GUM (choose with --data 'pos.eng=UD_English-GUM')",
        "swa: UD_Swahili-Large; not UD_Swahili-Blank, UD_Swahili-Small (choose with --data "
        "'pos.swa=UD_Swahili-Blank')",
        "passed over, not of one language: qhe_hiencs, qtd_sagt",
    ]


def test_only_what_the_study_asks_for_is_spoken_of(release: Path) -> None:
    data = pos.folder([release])
    assert isinstance(data, Narrowed)
    one = data.only(["yor"])
    assert one.source == "folders UD_Yoruba-YTB"
    assert isinstance(one, Explained)
    assert list(one.remarks()) == ["passed over, not of one language: qhe_hiencs, qtd_sagt"]


def test_a_treebank_in_several_files_is_read_whole(tmp_path: Path) -> None:
    for part in "ba":
        put(tmp_path / "UD_German-HDT" / f"de_hdt-ud-train-{part}.conllu", word(1, part) + "\n")
    assert [x.words for x in pos.folder([tmp_path]).examples("deu", "train")] == [("a",), ("b",)]


# Layouts


@pytest.mark.parametrize(
    ("folder", "name", "text", "code", "split"),
    [
        (ner_masakhane.folder, "data/kin/test.txt", "Kigali B-LOC\n. O\n\n", "kin", "test"),
        (ner.folder, "de/train", "de:Rom\tB-LOC\nde:ist\tO\n\n", "deu", "train"),
        (ner.folder, "panx/test-sw.tsv", "Roma\tB-LOC\n\n", "swa", "test"),
        (ner.folder, "UNER_German-PUD/de_pud-ud-test.iob2", "# text = Rom\n1\tRom\tB-LOC\t-\tx\n\n", "deu",
        "test"), (nli.folder, "americasnli/test/aym.tsv",
        "id\tlanguage\tpremise\thypothesis\tlabel\n1\taym\ta\tb\tneutral\n", "aym", "test"),
        (nli.folder, "XNLI-1.0/xnli.dev.tsv",
        "language\tgold_label\tsentence1\tsentence2\nde\tneutral\ta\tb\n", "deu", "dev"),
        (nli.folder, "multinli.train.sw.tsv", "premise\thypo\tlabel\na\tb\tcontradictory\n", "swa", "train"),
        (topic.folder, "sib/data/annotated/arb_Arab/dev.tsv", "index_id\tcategory\ttext\n1\ttravel\tx\n",
        "ara", "dev"),
    ],
)  # fmt: skip
def test_layouts(
    tmp_path: Path,
    folder: Callable[[Sequence[Path]], TaskData],
    name: str,
    text: str,
    code: str,
    split: Split,
) -> None:
    put(tmp_path / "top" / name, text)
    put(tmp_path / "top" / "README.md", "about")
    data = folder([tmp_path / "top"])
    assert data.languages(split) == (code,)
    assert len(data.examples(code, split)) == 1
    inner = (tmp_path / "top" / name).parent
    assert folder([inner]).languages(split) == (code,)


def test_questions_in_one_folder(tmp_path: Path) -> None:
    question = '{"data": [{"paragraphs": [{"context": "Rom.", "qas": [{"id": "q", "question": "Wo?", '
    question += '"answers": [{"text": "Rom", "answer_start": 0}]}]}]}]}'
    for code in ("de", "el"):
        put(tmp_path / f"xquad.{code}.json", question)
    task = next(x for x in qa.xlbench_tasks() if x.name == "qa-xquad")
    assert task.folder([tmp_path]).languages("test") == ("deu", "ell")


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    text = '{"data": [{"paragraphs": [{"context": "Rom \\ud800", "qas": []}]}]}'
    with pytest.raises(DataError, match=r"a\.json: article 1 paragraph 1: 'context' has half of a surrogate"):
        read_squad(put(tmp_path / "a.json", text), None)


def test_all_languages_in_one_file(tmp_path: Path) -> None:
    text = "language\tgold_label\tsentence1_parse\tsentence1\tsentence2\tpairID\n"
    text += "ar\tneutral\t(x)\tA1\tA2\t1\nde\tentailment\t(x)\tD1\tD2\t1\nde\t-\t(x)\tD3\tD4\t2\n"
    put(tmp_path / "xnli.test.tsv", text)
    data = nli.folder([tmp_path])
    assert data.languages("test") == ("ara", "deu")
    assert [(x.texts, x.label) for x in data.examples("deu", "test")] == [(("D1", "D2"), "entailment")]
    assert data.fingerprint("deu", "test") != data.fingerprint("ara", "test")
    assert isinstance(data, Explained)
    assert list(data.notes("deu", "test")) == ["1 rows without a label left out"]
    assert list(data.notes("ara", "test")) == []


def test_a_file_within_a_languages_folder_is_of_no_other_language(tmp_path: Path) -> None:
    put(tmp_path / "eng_x" / "train.tsv", "premise\thypothesis\tlabel\na\tb\tneutral\n")
    put(tmp_path / "eng_x" / "train-no-dups.tsv", "premise\thypothesis\tlabel\na\tb\tneutral\n")
    assert nli.folder([tmp_path]).languages("train") == ("eng",)


def test_scripts_of_a_language_are_told_by_the_names_of_sets(tmp_path: Path) -> None:
    for name in ("zho_Hans", "zho_Hant"):
        put(tmp_path / name / "test.tsv", f"index_id\tcategory\ttext\n1\ttravel\t{name}\n")
    data = topic.folder([tmp_path])
    assert data.examples("zho", "test")[0].texts == ("zho_Hans",)  # type: ignore[union-attr]
    assert isinstance(data, Explained)
    assert "--data 'topic.zho=zho_Hant'" in data.remarks()[0]


# Words and tags


def conll(path: Path, text: str) -> Reading[Tagged]:
    return read_conll(put(path, text), None, ner.LABEL_MAP)


IOB2 = ("B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-LOC", "I-LOC")
WORDS = ["Ana", "Lima", ",", "Rom", "New", "York", "City"]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("", "B-PER I-PER O B-LOC B-LOC I-LOC I-LOC"),
        ("tags converted from IOB1", "I-PER I-PER O I-LOC B-LOC I-LOC I-LOC"),
        ("tags converted from IOBES", "B-PER E-PER O S-LOC B-LOC I-LOC E-LOC"),
        ("tags converted from BILOU", "B-PER L-PER O U-LOC B-LOC I-LOC L-LOC"),
        ("tags converted from BMES", "B-PER E-PER O S-LOC B-LOC M-LOC E-LOC"),
        ("", "b-person i-PERSON o B-Location B-LOC I-LOC I-LOC"),
    ],
)
@pytest.mark.parametrize("mark", ["\t", " ", "\tNNP\t", " NN I-NP "])
def test_every_scheme_is_the_same_spans(tmp_path: Path, scheme: str, tags: str, mark: str) -> None:
    text = "".join(f"{w}{mark}{t}\n" for w, t in zip(WORDS, tags.split(), strict=True))
    found = conll(tmp_path / "a", "-DOCSTART- -X- O O\n\n" + text)
    assert found == [Tagged(tuple(WORDS), IOB2)]
    assert list(found.notes) == ([scheme] if scheme else [])


def test_stray_tags_and_those_read_as_o_are_counted(tmp_path: Path) -> None:
    found = conll(tmp_path / "a", "a\tB-PER\nb\tI-PER\nc\tO\nd\tI-LOC\n\ne\tB-MISC\nf\tI-MISC\ng\tB-DATE")
    assert [x.tags for x in found] == [("B-PER", "I-PER", "O", "B-LOC"), ("O", "O", "O")]
    assert list(found.notes) == ["1 stray I- read as B-", "words of MISC 2, DATE 1 read as O"]


def test_numbered_words_with_comments_and_further_columns(tmp_path: Path) -> None:
    text = "# sent_id = 1\n# text = # du Rom\n1\t#\tO\t-\t-\n2-3\tdu\tO\t-\t-\n"
    text += "2\tde\tO\t-\t-\n3\tle\tB-LOC\t-\tann\n\n"
    assert conll(tmp_path / "a", text) == [Tagged(("#", "de", "le"), ("O", "O", "B-LOC"))]


def test_a_number_sign_is_a_word_where_words_are_not_numbered(tmp_path: Path) -> None:
    found = conll(tmp_path / "a", "# id 7 domain=en\n# O\nRom B-LOC\n\n")
    assert found == [Tagged(("#", "Rom"), ("O", "B-LOC"))]


def test_a_file_that_was_read_otherwise_has_another_fingerprint(tmp_path: Path) -> None:
    put(tmp_path / "deu_x" / "test.conll", "-DOCSTART-\tO\n\na\tO\n\n")
    data = ner.folder([tmp_path])
    assert len(data.examples("deu", "test")) == 1
    assert data.fingerprint("deu", "test").endswith("-docstart")


# Tables

PAIR = nli.FORM


@pytest.mark.parametrize(
    "text",
    [
        "label\tlanguage\tpremise\thypothesis\nneutral\tde\ta b\tc\n",
        "Premise\tHypothesis\tLabel\tcomment\na b\tc\t1\n",
        "sentence1\tsentence2\tgold_label\tlabel1\na b\tc\tneutral\tentailment\n",
        "pair_ID\tsentence_A\tsentence_B\tentailment_label\n1\ta b\tc\tNEUTRAL\n",
        "premise,hypothesis,label\na b,c,neutral\n",
        'premise;hypothesis;label\n"a b";c;neutral\n\n',
        '"premise"\t"hypothesis"\t"label"\n"a b"\t"c"\t"neutral"\n',
        "a b\tc\tneutral\n",
        "7\ta b\tc\tneutral\n",
        "premise\thypothesis\tlabel\t\na b\tc\tneutral\n",
    ],
)
def test_columns_go_by_name_or_content(tmp_path: Path, text: str) -> None:
    found = read_table(put(tmp_path / "a.tsv", text), None, form=PAIR)
    assert [(x.texts, x.label) for x in found] == [(("a b", "c"), "neutral")]


def test_quotes_of_csv_writers_are_taken_off(tmp_path: Path) -> None:
    rows = [['Er sagte "ja".', "Er\tsprach.", "neutral"], ['"', "zwei\nZeilen", "entailment"],
            ['"a" und "b"', '"c"', "neutral"]]  # fmt: skip
    made = io.StringIO()
    writer = csv.writer(made, delimiter="\t", lineterminator="\n")
    writer.writerows([["premise", "hypothesis", "label"], *rows])
    found = read_table(put(tmp_path / "a.tsv", made.getvalue()), None, form=PAIR)
    assert [[*x.texts, x.label] for x in found] == rows
    assert list(found.notes) == ["3 quoted rows read as csv"]
    plain = 'premise\thypothesis\tlabel\n"a" und "b"\t"c"\tneutral\n"d\te"\tneutral\n'
    found = read_table(put(tmp_path / "b.tsv", plain), None, form=PAIR)
    assert [x.texts for x in found] == [('"a" und "b"', '"c"'), ('"d', 'e"')]
    assert not found.notes


def test_a_row_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a:2: 4 columns where 3 are due"):
        read_table(put(tmp_path / "a", "premise\thypothesis\tlabel\na\tb\tneutral\tc\n"), None, form=PAIR)


# Real files as published


def test_the_first_lines_of_published_files(shared_data: Path) -> None:
    raw = shared_data / "raw"
    masakhane = ner_masakhane.folder([raw / "masakhaner2"])
    assert masakhane.languages("test") == ("hau", "kin")
    assert masakhane.examples("kin", "train")[0].words[:2] == ("Miss", "Nimwiza")  # type: ignore[union-attr]
    uner = ner.folder([raw / "uner"])
    assert uner.examples("eng", "test")[0] == Tagged(
        ("What", "is", "this", "Miramar", "?"), ("O", "O", "O", "B-LOC", "O")
    )
    americas = nli.folder([raw / "americasnli"])
    assert americas.languages("test") == ("aym", "grn", "quy")
    assert americas.languages("dev") == ("aym", "grn", "quy")
    assert len(americas.examples("grn", "dev")) > 3
    myanmar = nli.folder([raw / "myxnli"])
    assert myanmar.languages("test") == ("mya",)
    first = myanmar.examples("mya", "test")[0]
    assert first.texts[1] == "ငါ သူ့ကို စကား ထပ်မပြောဖြစ်ဘူး။"  # type: ignore[union-attr]
    assert len(myanmar.examples("eng", "dev")) > 3


def test_a_limit_takes_the_same_rows_in_all_languages(shared_data: Path) -> None:
    data = topic.folder([shared_data / "topic"])
    rows = {}
    for language in data.languages("test"):
        whole = list(data.examples(language, "test"))
        drawn = limited(data, language, "test", 50)
        rows[language] = tuple(whole.index(x) for x in drawn)
        assert {x.label for x in drawn} == {x.label for x in whole}  # type: ignore[union-attr]
    assert len(set(rows.values())) == 1
    assert len({x.label for x in data.examples("eng", "test", 50)}) == 1  # type: ignore[union-attr]
