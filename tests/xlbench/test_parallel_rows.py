"""What a study says of rows that correspond between languages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from xlbench import plugins
from xlbench.contracts import Study
from xlbench.errors import XlbenchError
from xlbench.results.manifest import describe
from xlbench.spec.study import as_toml, command, parse
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for code, lines in (("eng", 60), ("fin", 60), ("swe", 80)):
        text = "".join(f"{code} line {i}\n" for i in range(lines))
        (tmp_path / f"{code}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def asked(texts: Path, **changes: Any) -> Study:
    said = {
        "model": "tiny",
        "tasks": ["lm"],
        "probes": ["zero-shot"],
        "targets": ["eng", "fin"],
        "data": {"lm": [f"{texts}"]},
    }
    return parse({**said, **changes})


def test_a_study_says_that_rows_correspond(texts: Path) -> None:
    study = asked(texts, parallel=["lm"])
    assert parse(tomllib.loads(as_toml(study))) == study
    assert "--parallel lm" in command(study)
    registry = plugins.load()
    said, unsaid = (check_data(resolve(x, registry)) for x in (study, asked(texts)))
    assert describe(said)["tasks"]["lm"]["parallel"] is True
    assert "parallel" not in describe(unsaid)["tasks"]["lm"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parallel": ["pos"]}, "parallel: the task 'pos' is not in the study; its tasks: lm"),
        (
            {"parallel": ["lm"], "targets": ["eng", "swe", "fin"]},
            "parallel: lm has 4 test rows in swe and 3 in eng, so that rows do not correspond; give files "
            "with the same rows, or leave out --parallel",
        ),
    ],
)
def test_rows_that_cannot_correspond_are_refused(texts: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(XlbenchError) as raised:
        check_data(resolve(asked(texts, **changes), plugins.load()))
    assert message in str(raised.value)
