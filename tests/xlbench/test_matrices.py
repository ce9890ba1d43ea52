"""Matrices that others have published: layouts of xpos, NN-Rank, the Linguistic Blood Bank and ATLAS."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlbench.data.matrices import read
from xlbench.errors import DataError

XPOS = """,task_type,task_name,digest,lang_train,lang_pred,model_id,model_type,score
0,token-classification,demo,ab12,en,en,some-model,ft,90.5
1,token-classification,demo,ab12,en,nl,some-model,ft,80.25
2,token-classification,demo,ab12,nl,en,some-model,ft,79
3,token-classification,demo,ab12,nl,akk,some-model,ft,21.5
"""
NER = """,accuracy,f1,model,tokenizer,eval_file,num_eval_examples,train_file
0,88.1,69.5,/models/mk/final,some-model,it_test,100,mk_train
1,58.2,30.5,/models/mk/final,some-model,ckb_test,100,mk_train
2,81.0,71.5,/models/et/final,some-model,it_test,100,et_train
"""
POS = """,accuracy,model,tokenizer,eval_file,num_eval_examples,train_file
0,0.80,/models/a,some-model,fo_farpahc-ud-test,301,hy_armtdp-ud-train
1,0.70,/models/a,some-model,cs_pud-ud-test,301,hy_armtdp-ud-train
2,0.60,/models/a,some-model,cs_cltt-ud-test,301,hy_armtdp-ud-train
3,0.50,/models/a,some-model,qte_tect-ud-test,301,hy_armtdp-ud-train
4,0.40,/models/b,some-model,fo_farpahc-ud-test,301,got_proiel-ud-train
"""
BLOOD = ",ja,ko,pms\nja,1.0,1.155,1.061\nko,0.99,1.0,\npms,1.0,nan,1.0\n"
ATLAS = "Target Language,English,Swahili\nEnglish,0.0,-0.25\nSwahili,0.5,0.0\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "matrix.csv"


def test_a_line_for_each_pair(file: Path) -> None:
    file.write_text(XPOS, "utf-8")
    found = read(file)
    assert found.scores == {
        ("eng", "eng"): 90.5, ("eng", "nld"): 80.25, ("nld", "eng"): 79.0, ("nld", "akk"): 21.5,
    }  # fmt: skip
    assert (found.sources, found.targets) == (("eng", "nld"), ("eng", "nld", "akk"))
    assert found.facts == {
        "task_type": "token-classification", "task_name": "demo", "digest": "ab12",
        "model_id": "some-model", "model_type": "ft",
    }  # fmt: skip
    assert len(found.sha256) == 64


def test_names_of_files_say_the_languages_and_f1_goes_before_accuracy(file: Path) -> None:
    file.write_text(NER, "utf-8")
    assert read(file).scores == {("mkd", "ita"): 69.5, ("mkd", "ckb"): 30.5, ("est", "ita"): 71.5}
    assert read(file, column="accuracy").scores["mkd", "ita"] == 88.1
    assert read(file, only={"train_file": "et_train"}).sources == ("est",)


def test_treebanks_of_one_language_are_averaged_and_mixed_ones_may_be_left_out(file: Path) -> None:
    file.write_text(POS, "utf-8")
    with pytest.raises(DataError, match=r"matrix\.csv, line 5: eval_file: 'qte_tect.*--skip-unknown"):
        read(file)
    found = read(file, skip_unknown=True)
    assert found.scores == pytest.approx({("hye", "fao"): 0.8, ("hye", "ces"): 0.65, ("got", "fao"): 0.4})
    assert found.skipped == ("qte_tect-ud-test",)


def test_a_row_and_a_column_for_each_language(file: Path) -> None:
    file.write_text(BLOOD, "utf-8")
    with pytest.raises(DataError, match=r"matrix\.csv, line 1: nothing says whether.*--rows sources"):
        read(file)
    found = read(file, rows="sources")
    assert found.scores["jpn", "kor"] == 1.155
    assert ("kor", "pms") not in found.scores, "blank: not measured"
    assert ("pms", "kor") not in found.scores
    assert read(file, rows="targets").scores["kor", "jpn"] == 1.155
    file.write_text(ATLAS, "utf-8")
    assert read(file).scores["swa", "eng"] == -0.25, "its first cell says that rows are targets"
    with pytest.raises(DataError, match="says that rows are targets, not sources"):
        read(file, rows="sources")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no scores"),
        ("source,target,score\n", "no scores"),
        ("source,target,score\neng,deu,high\n", "line 2: score: 'high' is not a number"),
        ("source,target,score\neng,deu,inf\n", "line 2: score: 'inf' is not a number"),
        ("source,target,score\neng,deu\n", "line 2: 2 cells, but the first line has 3"),
        ("source,target,score\n\neng,xyzzy,1\n", "line 3: target: 'xyzzy' is not a language"),
        ("source,target,score\neng,deu,1\neng,deu,2\n", "line 3: eng to deu has another score on line 2"),
        (
            "source,target,model,score\neng,deu,a,1\neng,deu,b,2\n",
            "line 3: eng to deu has another score on line 2; take some lines alone, such as --only model=b",
        ),
        ("source,target,points\neng,deu,1\n", "no column of scores"),
        ("source,target,score\neng,eng,1\n", "no score of a pair of different languages"),
        ("target,eng,English\ndeu,1,2\n", "line 1: eng has two columns"),
        ("target,eng,fra\ndeu,1,2\nGerman,1,2\n", "line 3: deu is on line 2 already"),
        ('source,target,score\neng,"deu,1\n', "not CSV"),
        ("source,target,target,score\neng,deu,fra,1\n", "the column target is there twice"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_place(file: Path, text: str, says: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(DataError) as caught:
        read(file)
    assert str(caught.value).startswith(str(file))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_text_is_said_with_its_line(file: Path) -> None:
    file.write_bytes(b"source,target,score\neng,deu,1\nfran\xe7ais,deu,1\n")
    with pytest.raises(DataError, match="line 3: not UTF-8"):
        read(file)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read(file.with_name("none.csv"))


CODES = ("deu", "eng", "fin", "kor", "swa", "tam")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    scores=st.dictionaries(
        st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)),
        st.floats(-1e3, 1e3, allow_nan=False),
        min_size=1,
    ).filter(lambda x: any(f != g for f, g in x)),
    delimiter=st.sampled_from("\t,;"),
    bom=st.booleans(),
)
def test_every_layout_of_a_matrix_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    scores: dict[tuple[str, str], float],
    delimiter: str,
    bom: bool,
) -> None:
    file = tmp_path_factory.mktemp("layouts") / "m.csv"
    start = "\ufeff" if bom else ""
    rows = {
        "long": [["source", "target", "score"], *([f, g, repr(x)] for (f, g), x in scores.items())],
        "sources": [["", *CODES], *([f, *(_cell(scores, f, g) for g in CODES)] for f in CODES)],
        "targets": [["", *CODES], *([g, *(_cell(scores, f, g) for f in CODES)] for g in CODES)],
    }
    for layout, lines in rows.items():
        file.write_text(start + "\r\n".join(delimiter.join(x) for x in lines), "utf-8")
        said = None if layout == "long" else layout
        assert read(file, rows=said).scores == scores  # type: ignore[arg-type]


def _cell(scores: dict[tuple[str, str], float], f: str, g: str) -> str:
    return repr(scores[f, g]) if (f, g) in scores else ""
