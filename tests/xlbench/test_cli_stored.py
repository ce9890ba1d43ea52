"""`xlbench recommend`, `compare` and `export` on stored results."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import CODES, METRICS, PROVENANCE, Synthetic, write_all

from xlbench import load_results
from xlbench.cli import stored
from xlbench.contracts import Language
from xlbench.errors import XlbenchError
from xlbench.results import Store
from xlbench.results.studies import told_apart


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("advice") / "results"
    write_all(path, Synthetic(examples=80, strength=8.0, controls=()))
    return path


def test_recommend_ranks_for_a_measured_target(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored.recommend(results, "pos", "tiny", CODES[4], None)
    said = capsys.readouterr().out
    assert "Measured. Dun (qad) comes first" in said
    assert said.index("Dun (qad) ") < said.rindex("Ama (qaa)")


def test_recommend_predicts_for_another_and_says_what_that_costs(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored.recommend(results, "pos", "tiny", CODES[8], None)
    said = capsys.readouterr().out
    for text in ("Not measured: a prediction", "Regret", "nearest by genus and family", "best donor overall"):
        assert text in said
    assert "does not beat plain rules" in said or "costs less than each" in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("pos", "tiny", "no language", None), "no language"),
        (
            ("pos", "xlmr", "deu", None),
            "no study of pos with the model xlmr in .*, which has it with tiny; "
            "run one: xlbench run --model xlmr --task pos",
        ),
        (("ner", "tiny", "deu", None), "no study of ner with the model tiny"),
        (("nosuch", "tiny", "deu", None), "nosuch"),
        (("pos", "tiny", "deu", "abc"), "no study 'abc'"),
    ],
)
def test_what_is_missing_gets_one_line(
    results: Path, given: tuple[str, str, str, str | None], says: str
) -> None:
    with pytest.raises(XlbenchError, match=says) as caught:
        stored.recommend(results, *given)
    assert "\n" not in str(caught.value)


def test_no_results_gets_one_line(tmp_path: Path) -> None:
    for call in (
        lambda: stored.recommend(tmp_path / "no", "pos", "tiny", "deu", None),
        lambda: stored.compare(["one", "other"], tmp_path / "no"),
        lambda: stored.export(tmp_path / "no", "csv", None, None),
    ):
        with pytest.raises(XlbenchError, match="no such folder"):
            call()


def test_a_missing_job_is_named_and_nothing_is_averaged_over_what_is_left(tmp_path: Path) -> None:
    study = Synthetic(examples=30, controls=())
    store = Store(tmp_path)
    store.prepare()
    lost, failed, *_ = [x for x in study.jobs if "100 steps" in x.label]
    for job in study.jobs:
        if job is failed:
            store.write_failure(job, ValueError("loss is NaN"), PROVENANCE)
        elif job is not lost:
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    extra = Synthetic(transfer=CODES[8:9], examples=30, controls=())
    for job in extra.jobs:
        store.write(job, extra.evaluate(job), PROVENANCE, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    with pytest.raises(XlbenchError, match=r"evaluations missing, such as.*run the study again"):
        stored.recommend(tmp_path, "pos", "tiny", CODES[9], None)


def test_a_target_without_any_known_effect_gets_no_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = Synthetic(examples=30, controls=())
    store = Store(tmp_path)
    store.prepare()
    for job in study.jobs:
        if "seed 2" not in job.label:
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    stored.recommend(tmp_path, "pos", "tiny", CODES[4], None)
    said = capsys.readouterr().out
    assert "no effect on it is known" in said
    assert "comes first" not in said
    assert "is as good a choice" not in said


def test_studies_with_nothing_in_common_are_refused(results: Path, tmp_path: Path) -> None:
    write_all(tmp_path, Synthetic(steps=(7,), controls=()))
    with pytest.raises(XlbenchError, match="nothing to compare"):
        stored.compare([str(results), str(tmp_path)], tmp_path)


def test_compare_folders_and_models(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weaker = tmp_path / "weaker"
    write_all(weaker, Synthetic(examples=80, strength=1.0, controls=()))
    stored.compare([str(results), str(weaker)], tmp_path)
    said = capsys.readouterr().out
    assert re.match(r"pos: [1-9]\d* of 48 effects changed\n", said)
    stored.compare(["tiny", str(weaker)], results)
    assert "of 48 effects in both" in capsys.readouterr().out
    with pytest.raises(XlbenchError, match=r"tiny and .* are the same study, .*; name each once"):
        stored.compare(["tiny", Store(results).studies()[0].id], results)
    with pytest.raises(XlbenchError, match=r"'mbert' is no folder, nor a study or model in .*: tiny"):
        stored.compare(["tiny", "mbert"], results)


def test_several_studies_stand_side_by_side_on_a_page_of_their_own(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(results)]
    for strength, model in ((2.0, "tiny"), (9.0, "other")):
        study = Synthetic(examples=40, strength=strength, controls=())
        study.study |= {"model": model, "mlm": {"learning_rate": 5e-5 * strength}}
        described = study.described()
        described["model"]["name"] = model
        store = Store(tmp_path / f"{strength}")
        store.prepare()
        for job in study.jobs:
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
        store.save_study(study.study, study.jobs, described)
        folders.append(str(store.path))
    stored.compare(folders[:0:-1], tmp_path, tmp_path / "pages")
    said = capsys.readouterr().out
    assert "Side by side: pos" in said
    assert "48 effects in both" in said
    text = (tmp_path / "pages" / "transfer-side-by-side-pos-several-models.md").read_text()
    assert "other, mlm.learning\\_rate 0.00045" in text
    assert "| tiny, mlm.learning\\_rate 0.0001 " in text
    assert "transfer-comparison-pos-several-models" in (tmp_path / "pages" / "README.md").read_text()
    assert str(tmp_path) not in text
    assert text.count("xlbench run ") == 2
    with pytest.raises(XlbenchError, match=r"(?s)same study.*name each once"):
        stored.compare([*folders[1:], folders[1]], tmp_path)


def test_studies_are_called_by_what_differs(results: Path) -> None:
    one = Store(results).study()
    settings = (
        {},
        {"mlm": {"chunk": 24, "learning_rate": 5e-5}},
        {"mlm": {"chunk": 24}, "train_languages": list("abcde")},
    )
    three = [replace(one, id=f"{i}" * 12, study={**one.study, **x}) for i, x in enumerate(settings)]
    base, second, third = told_apart(three, ["a", "b", "c"])
    assert base == "train languages qaa, qab, mlm.chunk default, mlm.learning_rate default"
    assert second == "mlm.chunk 24, mlm.learning_rate 5e-05"
    assert third == "5 train languages, mlm.chunk 24"
    assert told_apart([three[0], replace(three[0], id="a" * 12)], ["a", "b"]) == [
        "(000000000000)",
        "(aaaaaaaaaaaa)",
    ]
    copies = [three[0], three[0]]
    assert told_apart(copies, ["a", "b"]) == ["(000000000000) in a", "(000000000000) in b"]
    assert len(set(told_apart(copies, ["a", "a"]))) == 2


def test_export_is_what_load_results_gives(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load_results(results)
    stored.export(results, "csv", None, None)
    csv = pd.read_csv(io.StringIO(capsys.readouterr().out))
    stored.export(results, "json", tmp_path / "a" / "scores.json", None)
    rows = json.loads((tmp_path / "a" / "scores.json").read_text())
    stored.export(results, "parquet", tmp_path / "scores.parquet", None)
    parquet = pd.read_parquet(tmp_path / "scores.parquet")
    assert len(csv) == len(rows) == len(parquet) == len(expected)
    for scores in (csv["score"], [x["score"] for x in rows], parquet["score"]):
        np.testing.assert_allclose(scores, expected["score"], atol=1e-13)
    assert list(csv.columns) == list(parquet.columns) == list(expected.columns) == list(rows[0])
    with pytest.raises(XlbenchError, match=r"--out scores.parquet"):
        stored.export(results, "parquet", None, None)


@pytest.mark.parametrize("out", ["", ".", "..", "folder"])
def test_export_to_a_folder_says_so(
    results: Path, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(XlbenchError, match=r"is a folder; name a file with --out"):
        stored.export(results, "csv", Path(out), None)


def test_export_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(XlbenchError, match="no finished results in"):
        stored.export(tmp_path, "csv", None, None)


def test_names_with_escapes_come_out_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = Synthetic(examples=30, controls=())
    evil = "A\x1b[31mB [bold]c[/bold] \u202e"
    study.languages[CODES[3]] = Language(CODES[3], evil, evil, "Made-up", "Latn")
    write_all(tmp_path, study)
    stored.recommend(tmp_path, "pos", "tiny", CODES[4], None)
    write_all(tmp_path / "copy", study)
    stored.compare([str(tmp_path), str(tmp_path / "copy")], tmp_path)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[bold]c[/bold]" in said


def test_a_name_that_is_a_folder_and_a_model_is_asked_back(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(tmp_path / "other", Synthetic(examples=80, strength=1.0, controls=()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()  # a checkpoint's folder, say: no results in it
    stored.compare(["tiny", "other"], results)
    assert "of 48 effects in both" in capsys.readouterr().out
    (tmp_path / "tiny").rmdir()
    write_all(tmp_path / "tiny", Synthetic(examples=80, strength=1.0, controls=()))
    with pytest.raises(XlbenchError, match=r"'tiny' is a folder of results and also a model .*write \./tiny"):
        stored.compare(["tiny", "other"], results)
    stored.compare(["./tiny", "other"], results)


def test_nothing_is_predicted_for_a_language_that_the_study_is_not_related_to(results: Path) -> None:
    with pytest.raises(XlbenchError, match=r"fin was not measured, .* share no family and no known distance"):
        stored.recommend(results, "pos", "tiny", "fin", None)
