"""What Python callers get is what the commands print and write."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from synthetic import CODES, Synthetic, write_all

import xlbench
from xlbench.cli import reporting, stored
from xlbench.errors import ResultsError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results"
    write_all(path, Synthetic(examples=20, strength=8.0, controls=()))
    return path


def titles(said: str, pages: list[object]) -> list[bool]:
    return [str(page.title) in said for page in pages]  # type: ignore[attr-defined]


def test_pages_and_answers_are_those_of_the_commands(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporting.details(reporting.read(results, None), reporting.Details())
    pages = xlbench.pages(results)
    assert pages
    assert all(titles(capsys.readouterr().out, list(pages)))
    stored.recommend(results, "pos", "tiny", CODES[4], None)
    (advice,) = xlbench.recommend("pos", CODES[4], results=results)
    assert titles(capsys.readouterr().out, [advice]) == [True]
    other = tmp_path / "other"
    write_all(other, Synthetic(examples=20, strength=4.0, controls=()))
    assert [(x.task, x.topic) for x in xlbench.compare(results, other)] == [
        ("pos", "comparison"),
        ("pos", "side by side"),
    ]
    with pytest.raises(ResultsError, match="the same study"):
        xlbench.compare(results, results)


def test_files_are_those_of_the_commands(results: Path, tmp_path: Path) -> None:
    index = xlbench.leaderboard(results, tmp_path / "boards")
    assert index == tmp_path / "boards" / "README.md"
    reporting.leaderboard(reporting.read(results, None), tmp_path / "again")
    assert index.read_bytes() == (tmp_path / "again" / "README.md").read_bytes()
    assert xlbench.report(results) == results / "report.html"
    assert (results / "report.html").stat().st_size > 10_000
    table = pd.read_csv(xlbench.export(tmp_path / "scores.csv", results=results))
    assert len(table) == len(xlbench.load_results(results))


def test_what_cannot_be_read_is_a_warning_and_the_rest_is_there(results: Path, tmp_path: Path) -> None:
    broken = next((results / "jobs").glob("*.parquet"))
    broken.write_bytes(broken.read_bytes()[:-20])
    for call in (
        lambda: xlbench.pages(results),
        lambda: xlbench.leaderboard(results, tmp_path / "boards"),
        lambda: xlbench.export(tmp_path / "scores.csv", results=results),
        lambda: xlbench.load_results(results),
    ):
        with pytest.warns(UserWarning, match="ignored") as caught:
            call()
        assert {x.filename for x in caught if "ignored" in str(x.message)} == {__file__}


def test_the_version_is_the_packages_and_importing_loads_nothing_slow() -> None:
    assert xlbench.__version__.count(".") >= 1
    code = (
        "import sys, xlbench; xlbench.run, xlbench.pages, xlbench.open_results; "
        "print({'torch', 'pandas', 'pyarrow', 'altair', 'IPython'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
