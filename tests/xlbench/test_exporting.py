"""Tables in the formats that others read."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from synthetic import CODES, Synthetic, write_all

import xlbench
from xlbench.cli import stored
from xlbench.errors import ResultsError
from xlbench.exporting import exported
from xlbench.result import Result

SECRET = "/home/zaphod/heartofgold/models/tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "results"
    study = Synthetic(examples=20, strength=8.0, controls=(), targets=CODES[2:8:2])
    write_all(path, study)
    return path


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    return xlbench.open_results(folder)


def test_each_format_has_the_numbers_of_the_table(folder: Path, result: Result, tmp_path: Path) -> None:
    effects = result.effects()
    csv = pd.read_csv(io.BytesIO(exported(folder, "csv", what="effects").content))
    rows = json.loads(exported(folder, "json", what="effects").content)
    out = xlbench.export(tmp_path / "effects.parquet", form="parquet", what="effects", results=folder)
    parquet = pd.read_parquet(out)
    assert list(csv.columns) == list(rows[0]) == list(parquet.columns) == list(effects.columns)
    for column in ("effect", "low", "q", "steps", "n"):
        wanted = pytest.approx(effects[column].to_list(), abs=1e-12)
        assert csv[column].to_list() == wanted
        assert [x[column] for x in rows] == wanted
        assert parquet[column].to_list() == effects[column].to_list()
    assert [x["verdict"] for x in rows] == effects["verdict"].to_list()
    latex = exported(folder, "latex", what="donations").content.decode()
    assert latex.count("\\\\\n") == 1 + len(result.donations())
    assert exported(folder, "markdown", what="donations").rows == len(result.donations())


def test_scores_stay_what_they_were(folder: Path) -> None:
    found = exported(folder, "csv")
    table = pd.read_csv(io.BytesIO(found.content))
    assert len(table) == found.rows == len(xlbench.load_results(folder))
    assert list(table.columns)[:5] == ["probe", "probe_version", "task", "target", "score"]


@pytest.mark.parametrize(
    ("form", "what", "said"),
    [
        ("csv", "efects", "no table 'efects'; did you mean 'effects'"),
        ("latex", "scores", "too wide for latex; name a table: --what effects"),
    ],
)
def test_what_cannot_be_written_is_said(folder: Path, form: Any, what: str, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        exported(folder, form, what=what)
    with pytest.raises(ResultsError, match=r"--out effects\.parquet"):
        stored.export(folder, "parquet", None, None, what="effects")


def test_where_every_file_is_corrupted_they_are_named(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(folder, results)
    files = sorted((results / "jobs").glob("*.parquet"))
    for file in files:
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(
        ResultsError, match=rf"that can be read: corrupted file .* \(and {len(files) - 1} more\)"
    ):
        exported(results, "json")


def test_tables_that_leave_have_no_path(tmp_path: Path) -> None:
    study = Synthetic(examples=8, controls=(), transfer=CODES[:2], targets=CODES[2:4], steps=(1,), seeds=(0,))
    study.study["model"] = SECRET
    write_all(tmp_path, study)
    manifest = next((tmp_path / "studies").glob("*/plan.json"))
    assert "zaphod" in manifest.read_text()
    job = next(x for x in study.jobs if x.label.startswith(f"{CODES[1]}, 1 step"))
    for file in (tmp_path / "jobs").glob(f"{job.condition_key}*"):
        file.unlink()
    from xlbench.results import Store

    Store(tmp_path).write_failure(job, OSError(f"{SECRET}/weights.bin is gone"), {})
    for form in ("csv", "json", "latex", "markdown", "every-eval-ever"):
        content = exported(tmp_path, form, what="effects").content.decode()
        assert "zaphod" not in content
        assert "heartofgold" not in content
    rows = json.loads(exported(tmp_path, "json", what="effects").content)
    assert any("weights.bin is gone" in (x["missing"] or "") for x in rows)


@pytest.mark.parametrize("what", ["scores", "effects", "donations"])
def test_every_eval_ever_has_scores_with_their_intervals(folder: Path, result: Result, what: str) -> None:
    made = json.loads(exported(folder, "every-eval-ever", what=what).content)
    table = result.frame("zero_shot" if what == "scores" else what)
    value = "score" if what == "scores" else "effect"
    assert len(made["evaluation_results"]) == len(table)
    for one, row in zip(made["evaluation_results"], table.to_dict("records"), strict=True):
        details = one["score_details"]
        assert details["score"] == pytest.approx(row[value])
        interval = details["uncertainty"]["confidence_interval"]
        assert (interval["lower"], interval["upper"]) == pytest.approx((row["low"], row["high"]))
        assert interval["confidence_level"] == 0.95
        assert details["uncertainty"]["num_samples"] == row["n"]
        config = one["metric_config"]
        assert (config["min_score"], config["max_score"]) == ((0, 100) if what == "scores" else (-100, 100))
        assert all(isinstance(x, str) for x in details["details"].values())
    ids = [x["evaluation_result_id"] for x in made["evaluation_results"]]
    assert len(set(ids)) == len(ids)
    assert made["model_info"]["id"] == "tiny"
    assert float(made["retrieved_timestamp"]) > 1.6e9
    assert not any(isinstance(x, float) and not math.isfinite(x) for x in _leaves(made))


@pytest.mark.parametrize("what", ["scores", "effects", "donations"])
def test_every_eval_ever_is_what_its_schema_says(folder: Path, what: str) -> None:
    """With the schema that the wheel of every-eval-ever has. Its requirements exclude ours, so that it is no
    requirement of the tests: unpack the wheel, and name its folder in PYTHONPATH.
    """
    found = importlib.util.find_spec("every_eval_ever")
    if found is None or found.origin is None:
        pytest.skip("no every_eval_ever in PYTHONPATH, which has the schema")
    schema = json.loads(Path(found.origin).with_name("schemas").joinpath("eval.schema.json").read_text())
    made = json.loads(exported(folder, "every-eval-ever", what=what).content)
    assert made["schema_version"] == schema["version"]
    jsonschema.Draft7Validator(schema).validate(made)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for y in value.values() for x in _leaves(y)]
    return [x for y in value for x in _leaves(y)] if isinstance(value, list) else [value]
