"""A stored study in Python: tables, charts, and what a notebook shows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from synthetic import CODES, Synthetic, write_all

import xlbench
from xlbench.contracts import Language, Page, Records
from xlbench.errors import ResultsError
from xlbench.reporting.engine import engine
from xlbench.result import Result
from xlbench.running import notebook

EVIL = "Bél & 100%_{x} <b>^~\\|$#"


class Plain:
    """A third party's probe that scores nothing of its own, and has tables."""

    version, summary, settings = 1, "Has tables", None

    def __init__(self, name: str, tables: Any) -> None:
        self.name, self.tables = name, tables

    def jobs(self, resolved: object) -> tuple[()]:
        return ()

    def run(self, job: object, lab: object) -> tuple[()]:
        return ()

    def pages(self, records: Records) -> Iterable[Page]:
        return ()

    def frames(self, records: Records) -> Mapping[str, Any]:
        return dict(self.tables())


class Plugin:
    """Its probes."""

    def __init__(self, *probes: Plain) -> None:
        self.probes = probes

    @xlbench.hookimpl
    def xlbench_probes(self) -> Iterator[Plain]:
        yield from self.probes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "results"
    study = Synthetic(examples=20, strength=8.0, controls=(), targets=CODES[2:8:2])
    study.languages |= {x: Language(x, f"<i>{x}</i>", "Made-up", "Made-up", "Latn") for x in CODES}
    study.languages[CODES[1]] = Language(CODES[1], EVIL, "Made-up", "Made-up", "Latn")
    write_all(path, study)
    return path


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    return xlbench.open_results(folder)


def test_tables_are_tidy(result: Result) -> None:
    effects = result.effects()
    first = ["model", "task", "transfer", "target", "steps", "reading", "own_text", "effect", "low", "high"]
    assert list(effects.columns)[:14] == [*first, "q", "verdict", "n", "seeds"]
    assert set(effects["model"]) == {"tiny"}
    assert (effects["effect"].dtype, effects["q"].dtype, effects["n"].dtype) == (
        "float64",
        "float64",
        "Int64",
    )
    assert not effects.duplicated(["transfer", "target", "steps"]).any()
    assert ((effects["q"] <= 0.05) == effects["verdict"].isin(["helps", "harms"])).all()
    some = result.effects(target=CODES[4], steps=100)
    assert set(some["target"]) == {CODES[4]}
    assert len(some) == 4
    apart = effects[(effects["transfer"] != effects["target"]) & (effects["steps"] == 100)]
    means = apart.groupby("transfer")["effect"].mean()
    for row in result.donations(steps=100).to_dict("records"):
        assert row["effect"] == pytest.approx(means[row["transfer"]])
    effects.loc[0, "effect"] = 99.0
    assert result.effects().loc[0, "effect"] != 99.0


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda x: x.frame("efects"), "no table 'efects'.*did you mean 'effects'"),
        (lambda x: x.effects(taks="pos"), "no column 'taks'.*transfer"),
        (lambda x: x.effects(task="ner"), "no task 'ner'; it has: pos"),
        (lambda x: x.interference(), "no table 'interference'"),
        (lambda x: x.heatmap(x.effects()), "more than once.*steps"),
        (lambda x: x.ranking(x.donations(steps=1).head(0)), "nothing to draw"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(result: Result, ask: Any, said: str) -> None:
    with pytest.raises(ResultsError, match=said) as caught:
        ask(result)
    assert "\n" not in str(caught.value)


def test_charts_are_altair_s_and_have_the_tables_numbers(result: Result) -> None:
    import altair as alt

    chart = result.heatmap(steps=1)
    assert isinstance(chart, alt.TopLevelMixin)
    made = chart.to_dict()
    assert made["title"]["text"] == "Effect: tiny, pos, 1 step, task adapter put-back, n = 20, 3 seeds"
    drawn = {x["row"][-4:-1] + x["column"][-4:-1]: x for x in made["datasets"]["cells"]}
    effects = result.effects(steps=1)
    whole = effects[effects["transfer"].isin(CODES[:4])]
    assert len(drawn) == len(whole)
    for row in whole.to_dict("records"):
        cell = drawn[row["transfer"] + row["target"]]
        assert (cell["value"], cell["word"]) == (row["effect"], row["verdict"])
    ranking = result.ranking().to_dict()["datasets"]["cells"]
    assert [x["value"] for x in ranking] == sorted(result.donations(steps=100)["effect"], reverse=True)
    one = result.ranking("effects", target=CODES[4], own_text=False).to_dict()["datasets"]["cells"]
    wanted = result.effects(target=CODES[4], steps=100, own_text=False)
    assert {x["value"] for x in one} == set(wanted["effect"])
    curves = result.curves().to_dict()
    assert len(curves["datasets"]["cells"]) == len(result.donations())
    assert engine().ask(specification=curves, scale=1.0).startswith(b"\x89PNG")


def test_latex_and_markdown_escape_what_they_would_obey(result: Result) -> None:
    text = result.to_latex(steps=100, caption="50% of {it} & more_")
    rows = [x for x in text.splitlines() if x.endswith("\\\\")]
    assert len(rows) == 5
    assert text.index("\\toprule") < text.index("\\midrule") < text.index("\\bottomrule")
    assert {len(re.findall(r"(?<!\\)&", x)) for x in rows} == {len(re.findall(r"(?<!\\)&", rows[0]))}
    name = r"Bél \& 100\%\_\{x\} \textless{}b\textgreater{}\textasciicircum{}\textasciitilde{}"
    assert name + r"\textbackslash{}\textbar{}\$\#" in text
    assert r"\caption{50\% of \{it\} \& more\_ Model: tiny;" in text
    best = result.donations(steps=100).iloc[0]
    assert f"{best['effect']:+.1f}" in text
    page = result.to_markdown("effects", steps=100)
    lines = [x for x in page.splitlines() if x.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", x)) for x in lines} == {len(re.findall(r"(?<!\\)\|", lines[0]))}
    assert "<b>" not in page
    least = result.effects(steps=100)["effect"].min()
    assert least < 0
    assert f"$-${abs(least):.1f}" in result.to_latex("effects", steps=100)


def test_a_notebook_shows_the_answer_and_where_the_files_are(result: Result, folder: Path) -> None:
    shown = result._repr_html_()
    (page,) = [x for x in result.pages if x.title == "Transfer: pos"]
    best = next(x for x in page.headlines if x.role == "helps")
    assert best.number is not None
    assert "Which language should I adapt on" in shown
    assert "▲" in shown
    assert f"{best.number.text()} [{best.number.text(best.number.low)}, " in shown
    assert "<i>" not in shown
    assert "&lt;i&gt;" in shown
    assert str(folder) in shown
    assert len(shown) < 4000


def test_a_third_party_s_probe_brings_a_table(folder: Path, tmp_path: Path) -> None:
    def with_probes(*names: str) -> Path:
        path = tmp_path / "-".join(names)
        study = Synthetic(examples=8, controls=(), transfer=CODES[:2], targets=CODES[2:4], steps=(1,))
        study.study["probes"] = ["zero-shot", "transfer", *names]
        write_all(path, study)
        return path

    def mine() -> Iterator[tuple[str, Any]]:
        yield "mine", ({"target": x, "count": i, "share": i / 2} for i, x in enumerate(("a", "b", "c")))

    found = xlbench.open_results(with_probes("good"), plugins=[Plugin(Plain("good", mine))])
    table = found.frame("mine")
    assert table.to_dict("list") == {
        "model": ["tiny"] * 3, "target": ["a", "b", "c"], "count": [0, 1, 2], "share": [0.0, 0.5, 1.0],
    }  # fmt: skip
    assert found.frame("mine").equals(table)

    two = [Plain(x, mine) for x in ("one", "two")]
    found = xlbench.open_results(with_probes("one", "two"), plugins=[Plugin(*two)])
    with pytest.raises(ResultsError, match=r"several probes.*'mine'; name one: one, two"):
        found.frame("mine")
    assert len(found.frame("mine", probe="two")) == 3

    def fails() -> Iterator[tuple[str, Any]]:
        yield "half", (1 / (1 - i) and {"i": i} for i in range(3))
        yield "odd", [{"x": [1]}]
        yield "effects", []

    found = xlbench.open_results(with_probes("bad"), plugins=[Plugin(Plain("bad", fails))])
    for _ in range(2):
        with pytest.raises(ResultsError, match=r"no table 'half' of the probe 'bad'.*division by zero"):
            found.frame("half")
    with pytest.raises(ResultsError, match=r"'odd'.*column x must have plain values, not list"):
        found.frame("odd")
    assert len(found.frame("effects", probe="transfer")) == 4

    def misnamed() -> Iterator[tuple[str, Any]]:
        yield "scores", []

    found = xlbench.open_results(with_probes("sly"), plugins=[Plugin(Plain("sly", misnamed))])
    with pytest.warns(
        UserWarning, match=r"no tables of the probe 'sly'.*'scores' cannot be the name of a table"
    ):
        assert found.tables.names == ["zero_shot", "effects", "donations", "recipiences"]


def test_the_example_of_the_docs_runs(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "results.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    assert "result = xlbench.run(" in code
    lines = [x for x in code.splitlines() if "xlbench.run(" not in x]
    exec("\n".join(lines).replace('"qaa"', f'"{CODES[4]}"'), {"result": result})  # noqa: S102 - our own
    assert "\\toprule" in capsys.readouterr().out


def test_tables_are_had_without_the_pages_being_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlbench_probes import transfer_pages

    def fail(records: Records) -> list[Page]:
        raise AssertionError("pages take long, and nobody asked for them")

    monkeypatch.setattr(transfer_pages, "pages", fail)
    found = xlbench.open_results(folder)
    assert len(found.effects()) == len(found.frame("effects", steps=1)) + len(
        found.frame("effects", steps=100)
    )
    with pytest.warns(UserWarning, match="nobody asked for them"):
        assert found.pages


def test_progress_needs_no_notebook_and_shows_text_as_text() -> None:
    assert not notebook.here()
    shown = notebook.Shown("3 of 4 jobs: <script>\x1b[31m", 0.75)
    assert repr(shown) == "3 of 4 jobs: <script>\\x1b[31m"
    assert shown._repr_html_() == (
        '<progress value="0.750" max="1"></progress> 3 of 4 jobs: &lt;script&gt;\\x1b[31m'
    )


NOTEBOOK = """
from xlbench.contracts import Outcome
from xlbench.results.estimate import Meter
from xlbench.running import notebook
from xlbench.running.progress import Progress
from synthetic import Synthetic
import sys

jobs = tuple(Synthetic(controls=()).jobs[:4])
with Progress(jobs, Meter.of({}), 1, sys.stderr) as progress:
    for job in jobs:
        progress.outcome(Outcome(job, 0.1, None))
"""


@pytest.mark.slow
def test_a_real_notebook_shows_one_line_that_ends_as_done() -> None:
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r}){NOTEBOOK}"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(made, timeout=60).execute()
    (output,) = made.cells[0].outputs
    assert output["data"]["text/plain"] == "4 of 4 jobs, done"
    assert output["data"]["text/html"].startswith('<progress value="1.000"')
