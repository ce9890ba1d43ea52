"""The HTML report as a file: its data are those of the pages, and nothing in a text does anything."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import Synthetic, wide, write_all

from xlbench.contracts import Curves, Language, Matrix, Number, Page, Table
from xlbench.errors import ResultsError
from xlbench.reporting import Provenance, html, write_report
from xlbench.reporting.html import in_script
from xlbench.reporting.parts.matrix import orders
from xlbench.reporting.summary_lines import lines
from xlbench.stored import Stored
from xlbench_probes import transfer_pages

MADE = Provenance("tiny", "xlbench run --task pos", 'model = "tiny"\n', (("Versions", "torch 2"),))
EVIL = "</script><script>alert(1)</script><!-- \u2028 \x1b[31m \u202e [l](x) & <img src=x onerror=alert(1)>"
FIN, EST, DEU = (
    Language("fin", "Finnish", "Uralic", "Finnic", "Latn"),
    Language("est", "Estonian", "Uralic", "Finnic", "Latn"),
    Language("deu", "German", "Indo-European", "Germanic", "Latn"),
)
LANGUAGES = {x.code: x for x in (FIN, EST, DEU)}


def written(*pages: Page, **more: Any) -> str:
    return html([("probe", x) for x in pages], lambda page: MADE, LANGUAGES, {"fin": True}, **more)


def data(text: str) -> Any:
    (found,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


class Tags(HTMLParser):
    """Elements and attributes of a file, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def matrix(*cells: tuple[Number, ...], rows: tuple[str, ...], columns: tuple[str, ...]) -> Matrix:
    return Matrix("Effects", rows, columns, cells, "Transfer language", "Target language")


def test_texts_of_plugins_are_data_and_nothing_else() -> None:
    number = Number(1.0, 0.5, 1.5, details=((EVIL, 2.0),))
    parts = (
        Table(EVIL, (EVIL, "b"), ((EVIL, number), (EVIL, Number(None, missing=(EVIL,)))), EVIL),
        matrix((number, Number(None, missing=(EVIL,))), rows=(EVIL,), columns=(EVIL, "fin")),
        Curves(EVIL, (EVIL,), (1, 2), ((number, number),), EVIL, EVIL, EVIL, EVIL),
    )
    text = written(Page(EVIL, EVIL, (EVIL,), parts, (EVIL,)))
    plain = written(Page("pos", "Transfer", ("Line.",), (Table("T", ("a",), (("x",),)),)))
    assert [tag for tag, _ in Tags(text).found] == [tag for tag, _ in Tags(plain).found]
    block = text.split('type="application/json">')[1].split("</script>")[0]
    assert not set("<>&\u2028\x1b\u202e") & set(block)
    assert data(text)["pages"][0]["parts"][0]["rows"][0][0].startswith("</script><script>alert(1)")
    assert "\x1b" not in json.dumps(data(text), ensure_ascii=False)


@given(st.text())
def test_json_never_ends_its_element(text: str) -> None:
    found = in_script([text])
    assert not set("<>&\u2028\u2029") & set(found)
    assert json.loads(found) == [text]


def test_nothing_outside_the_file_is_asked_for() -> None:
    text = written(Page("pos", "Transfer", (), ()))
    for tag, attributes in Tags(text).found:
        for name in ("src", "href", "action", "data", "poster"):
            address = attributes.get(name) or ""
            assert address.startswith(("#", "data:,")) or not address, (tag, address)
    (policy,) = [x["content"] for tag, x in Tags(text).found if x.get("http-equiv")]
    assert policy is not None
    assert policy.startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-"
    )
    assert "unsafe-eval" not in policy


def test_numbers_gaps_and_details_are_those_of_the_page() -> None:
    cells = (
        Number(1.23456, 0.5, 2.0, word="helps", details=(("Before", 40.0), ("After", 41.23456))),
        Number(None, missing=("fin on est: failed",)),
        Number(None),
    )
    page = Page("pos", "T", (), (matrix(cells, rows=(FIN.label,), columns=(FIN.label, EST.label, "x")),))
    (part,) = data(written(page))["pages"][0]["parts"]
    assert part["details"] == ["Before", "After"]
    assert part["cells"] == [[[1.23456, 0.5, 2.0, "helps", 40.0, 41.23456], 0, None]]
    assert part["missing"] == ["fin on est: failed"]
    assert part["gaps"] == "– is missing: fin on est: failed."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_say_is_left_out(value: float) -> None:
    (part,) = data(written(Page("pos", "T", (), (Table("T", ("a",), ((value,), (Number(value),))),))))[
        "pages"
    ][0]["parts"]
    assert part["rows"] == [[{"value": None}], [{"value": None}]]


def test_orders_by_family_and_name_are_of_the_languages() -> None:
    names = (FIN.label, "zz", DEU.code, EST.label)
    line = tuple(Number(float(i)) for i in range(4))
    found = orders(matrix(line, rows=("a",), columns=names), LANGUAGES)
    assert [names[i] for i in found["family"][1]] == ["deu", EST.label, FIN.label, "zz"]
    assert [names[i] for i in found["alphabetical"][1]] == [EST.label, FIN.label, "deu", "zz"]
    assert found["as in the tables"][1] == [0, 1, 2, 3]
    assert found["clustered"][0] == [0]


def test_the_same_pages_give_the_same_bytes() -> None:
    study = Synthetic(steps=(1, 10), seeds=(0, 1))
    pages = [("transfer", page) for page in transfer_pages.pages(study.records())]
    one, other = (html(pages, lambda page: MADE, study.languages, study.seen) for _ in range(2))
    assert one == other


def test_a_folder_in_the_way_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ResultsError, match="--out"):
        write_report(tmp_path / "report.html", [], lambda page: MADE, {}, {})
    assert [x.name for x in tmp_path.iterdir()] == ["report.html"]


def test_every_asset_is_in_the_report() -> None:
    import xlbench.reporting.assets as assets

    folder = Path(assets.__file__).parent
    named = {path.name for path in folder.iterdir() if path.suffix in {".js", ".css", ".html", ".md"}}
    text = written(Page("pos", "T", (), ()))
    for name in named - {"methods.md", "report.html"}:
        assert (folder / name).read_text()[:200] in text, f"{name} is not in the report"


def test_the_made_up_wide_study_has_pages_with_a_matrix_of_its_size() -> None:
    """What `benchmarks/report.py` measures."""
    page = next(iter(transfer_pages.pages(wide(4, 6))))
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    assert (len(matrix.rows), len(matrix.columns)) == (4, 6)
    assert not page.warnings


def test_a_report_opens_on_the_question_what_was_run_and_the_summary(tmp_path: Path) -> None:
    study = Synthetic(steps=(1, 10), targets=("qac", "qad"), transfer=("qaa", "qab"))
    write_all(tmp_path, study)
    read = Stored(tmp_path)
    read.write_report(tmp_path / "report.html")
    found = data((tmp_path / "report.html").read_text())
    assert found["question"] == "Which language helps which?"
    assert found["asked"] == (
        "The model was tested on pos in 2 target languages, before and after fine-tuning on text of each of "
        "2 transfer languages (1 and 10 steps, 3 seeds). Probes: zero-shot, transfer."
    )
    assert [x[1] for x in found["summary"]] == [
        x.role for x in lines(read.published_summary, 160) if x.role not in ("next step", "files")
    ]
    texts = " ".join(x[2] for x in found["summary"])
    best = next(x.verdicts[0].number for x in read.published_summary.blocks if x.verdicts)
    assert best is not None
    assert best.text() in texts
    assert [x["probe"] for x in found["pages"] if "side by side" in x["probe"]] == []


def test_models_of_one_folder_stand_side_by_side(tmp_path: Path) -> None:
    small = {"steps": (10,), "targets": ("qac", "qad"), "transfer": ("qaa", "qab")}
    for model in ("other", "third", "tiny"):
        write_all(tmp_path, Synthetic(model=model, **small))  # type: ignore[arg-type]
    read = Stored(tmp_path)
    read.write_report(tmp_path / "report.html")
    assert not read.problems
    pages = data((tmp_path / "report.html").read_text())["pages"]
    (page,) = [x for x in pages if x["probe"] == "transfer: side by side" and x["task"] == "pos"]
    (matrix,) = [x for x in page["parts"] if x["kind"] == "matrix"]
    assert [x.partition(" ")[0].strip(",") for x in matrix["rows"]] == ["tiny", "third", "other"]
    assert page["several"]
    assert not any(x["several"] for x in pages if "side by side" not in x["probe"])


def test_a_model_that_has_no_task_in_common_is_left_out(tmp_path: Path) -> None:
    write_all(tmp_path, Synthetic(model="other", steps=(10,), tasks=("ner",)))
    write_all(tmp_path, Synthetic(steps=(10,)))
    read = Stored(tmp_path)
    read.write_report(tmp_path / "report.html")
    pages = data((tmp_path / "report.html").read_text())["pages"]
    assert not [x for x in pages if "side by side" in x["probe"]]
    assert not read.problems
