"""Pages as text and pictures: right numbers, and nothing in a text does anything."""

import re
import struct
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from synthetic import CODES, METRICS, PROVENANCE, Synthetic

from xlbench.contracts import Curves, Matrix, Number, Page, Part, Table, Verdict
from xlbench.errors import ResultsError
from xlbench.output import clean
from xlbench.reporting import (
    Origin,
    Provenance,
    Publisher,
    html,
    markdown,
    terminal,
    write_leaderboard,
)
from xlbench.reporting.parts import heat_map_chart, view
from xlbench.reporting.parts.curves_chart import curves as specification
from xlbench.reporting.parts.curves_chart import points
from xlbench.reporting.picture import picture
from xlbench.reporting.text import escape, fenced, shown
from xlbench.results import Store
from xlbench_probes import transfer_pages

EVIL = "a|b `c` <script>x</script> [l](http://e) *s*\n# h \x1b[31mred\x1b[0m \u202eabc [bold]z[/bold] \\"
MADE = Provenance("tiny", "xlbench run --task pos", 'model = "tiny"\n', (("Versions", "torch 2"),))


def table(*rows: tuple[object, ...], columns: tuple[str, ...] = ("Language", "Score")) -> Table:
    return Table("Scores", columns, rows, "A note.")


def matrix(title: str = "Effects", *, missing: bool = True) -> Matrix:
    hole = Number(None, missing=("deu on est: not run yet",)) if missing else Number(0.0, -1.0, 1.0)
    return Matrix(
        title,
        ("German (deu)", "Finnish (fin)"),
        ("Estonian (est)", "Finnish (fin)", "Turkish (tur)"),
        (
            (hole, Number(1.26, 0.5, 2.0), Number(-2.0, -3.0, -1.0)),
            (Number(3.5, 1.0, 5.0), Number(0.004, -1.0, 1.0), Number(1.0)),
        ),
        "Transfer language",
        "Target language",
    )


def curves() -> Curves:
    gap = Number(None, missing=("deu, 10 steps: not run yet",))
    return Curves("By steps", ("deu", "fin"), (1, 10), ((Number(0.5, 0.0, 1.0), gap), (Number(1.0), None)),
                  "Language", "Steps", note="A note.")  # fmt: skip


def page(*parts: Part, task: str = "pos") -> Page:
    return Page(task, f"Transfer: {task}", ("One line.", "Another."), parts)


def printed(pages: list[Page], width: int = 120) -> str:
    console = Console(width=width, force_terminal=True, color_system="truecolor", record=True)
    with console.capture() as capture:
        for piece in terminal(pages):
            console.print(piece)
    return capture.get()


def cells(line: str) -> list[str]:
    return [x.strip() for x in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Number(1.234, -0.5, 2.0), "1.2 [-0.5, 2.0]"),
        (Number(1.234, 1.0, 1.4), "1.23 [1.00, 1.40]"),
        (Number(1.234, 1.0, 1.5), "1.2 [1.0, 1.5]"),
        (Number(1.26, -0.5, 2.0, signed=True), "+1.3 [-0.5, +2.0]"),
        (Number(2.4499999999999997, 0.0, 5.0), "2.4 [0.0, 5.0]"),
        (Number(1.0), "1.00"),
        (Number(65.04), "65.0"),
        (Number(float("nan")), "–"),
        (Number(None), ""),
        (Number(None, missing=("x",)), "–"),
        (-0.001, "0.00"),
        (Number(-0.0004, -0.0001, 0.0001), "0.000 [0.000, 0.000]"),
        (Number(0.0312, 0.01, 0.05, signed=True), "+0.031 [+0.010, +0.050]"),
        (Number(0.0312, 0.0, 0.05), "0.03 [0.00, 0.05]"),
        (12, "12"),
        (None, ""),
        ("text", "text"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.text())
def test_cleaned_text_is_one_line_that_controls_nothing(text: str) -> None:
    found = clean(text)
    assert found.isprintable()
    assert found == found.strip()
    assert clean(found) == found


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_a_table(one: str, other: str) -> None:
    text = markdown(page(table((one, other), ("x", "y"), columns=(other, one))), MADE, {})
    block = text.split("## Scores\n\n")[1].split("\n\n")[0].split("\n")
    assert [len(cells(line)) for line in block] == [2, 2, 2, 2]
    assert cells(block[2]) == [escape(one), escape(other)]
    assert "<" not in escape(one)


def test_markup_of_any_kind_stays_text() -> None:
    found = markdown(page(table((EVIL, EVIL))), MADE, {})
    assert "<script" not in found
    assert "\x1b" not in found
    assert "\u202e" not in found
    for active in ("`c`", "[l](", "*s*", "a|b"):
        assert active not in found.replace("\\" + active[0], "")
    shown_in_terminal = printed([page(table((EVIL, EVIL)))], width=400)
    assert "\x1b[31m" not in shown_in_terminal
    assert "[bold]z[/bold]" in shown_in_terminal
    assert "\u202e" not in shown_in_terminal


def test_a_plugins_name_is_harmless_in_all_outputs(tmp_path: Path) -> None:
    number = Number(1.0, 0.5, 1.5, word=EVIL, details=((EVIL, 1.0),))  # type: ignore[arg-type]
    parts = (
        Table(EVIL, (EVIL,), ((EVIL,), (number,), (Number(None, missing=(EVIL,)),)), EVIL),
        Matrix(EVIL, (EVIL,), (EVIL,), ((number,),), EVIL, EVIL, unit=EVIL, note=EVIL),
        Curves(EVIL, (EVIL,), (1, 2), ((number, Number(None, missing=(EVIL,))),), EVIL, EVIL, EVIL, EVIL),
    )
    evil, made = Page(EVIL, EVIL, (EVIL,), parts, (EVIL,)), Provenance(EVIL, EVIL, EVIL, ((EVIL, EVIL),))
    written = write_leaderboard(tmp_path, [(EVIL, evil)], lambda _: made)
    assert {path.parent for path in written} <= {tmp_path, tmp_path / "pictures"}
    texts = [path.read_text() for path in written if path.suffix == ".md"]
    file = html([(EVIL, evil)], lambda _: made, {}, {})
    for text in (*texts, printed([evil], width=300).replace("\x1b[", "ESC"), file):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "ESC31mred" not in printed([evil], width=300).replace("\x1b[", "ESC")
    for text in texts:
        outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
        outside = re.sub(r"<!-- xlbench \{.*\} -->", "", outside)
        assert "<script" not in outside
    assert "<script>x" not in file


@given(st.text())
def test_nothing_ends_a_code_block_early(text: str) -> None:
    lines = fenced(text).split("\n")
    assert lines[0] == lines[-1]
    assert not any(line.strip().startswith(lines[0]) for line in lines[1:-1])


def test_markdown_has_every_number_and_names_what_is_missing() -> None:
    gone = Number(None, missing=("deu, seed 1: failed: NaN",))
    found = markdown(
        page(table(("deu", Number(1.0, 0.5, 1.5)), ("fin", gone)), matrix()), MADE, {1: ["p.png", "p.svg"]}
    )
    lines = found.split("\n")
    assert lines[0] == "# Transfer: pos (tiny)"
    assert ["deu", "1.0 [0.5, 1.5]"] in [cells(line) for line in lines]
    assert ["fin", "–"] in [cells(line) for line in lines]
    assert "– is missing: deu, seed 1: failed: NaN." in lines
    assert "![Effects](p.png)  " in lines
    assert "The picture as [SVG](p.svg)" in lines
    assert ["German (deu)", "–", "+1.3", "-2.0"] in [cells(line) for line in lines]
    assert "xlbench run --task pos" in lines
    assert "- Versions: torch 2" in lines


def test_warnings_come_first_in_every_output() -> None:
    one = replace(page(table()), warnings=("the *ground* gives way", "so does the roof"))
    text = markdown(one, MADE, {})
    assert "> **Warning.** the \\*ground\\* gives way\n\n> **Warning.** so does the roof" in text
    assert text.index("so does the roof") < text.index(one.summary[0])
    shown = printed([one])
    assert shown.index("Warning: so does the roof") < shown.index(one.summary[0])


def test_numbers_are_set_to_the_right() -> None:
    found = markdown(page(table(("deu", Number(1.0)), ("fin", Number(None)))), MADE, {})
    assert "|     1.00 |" in found or "|    1.00 |" in found


def test_terminal_shows_what_it_is_asked_for() -> None:
    one, two = table(("deu", 1.0)), matrix()
    found = printed([page(one, two)])
    for text in (
        "Transfer: pos",
        "One line.",
        "A note.",
        "+1.3",
        "Estonian (est)",
        "deu on est: not run yet",
    ):
        assert text in found


def test_narrow_terminal_loses_no_digit() -> None:
    rows = (("deu", *(Number(x + 0.14, -12.34, 56.78) for x in (10, 20, 30, 40))),)
    found = printed([page(Table("T", ("Language", "A", "B", "C", "D"), rows))], width=60)
    assert "…" not in found
    for x in (10, 20, 30, 40):
        assert f"{x}.1" in found


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_that_is_too_wide_goes_on_below_and_breaks_no_number(width: int) -> None:
    words = ("helps", "harms", "no clear effect", "this run only", None)
    numbers = [
        [Number(i + j / 8 - 2, i + j / 8 - 9, i + j / 8 + 9, word=words[(i + j) % 5], signed=True)  # type: ignore[arg-type]
         for j in range(6)] for i in range(3)
    ]  # fmt: skip
    names = ("A long name (aaa)", "Another name (bbb)", "Yet another name (ccc)")
    heads = ("Language", *(f"What it does in column {j}" for j in range(6)))
    table = Table("T", heads, tuple((x, *row) for x, row in zip(names, numbers, strict=True)))
    lines = re.sub(r"\x1b\[[\d;]*m", "", printed([page(table)], width=width)).splitlines()
    assert max(map(len, lines)) <= width
    marks = {"helps": "▲", "harms": "▼", "no clear effect": "·", "this run only": "○", None: ""}
    for name, row in zip(names, numbers, strict=True):
        said = " ".join(x for x in lines if x.startswith(name))
        for x in row:
            value = f"{x.text()} [{x.text(x.low)}, {x.text(x.high)}] {marks[x.word]}".strip()
            assert value in said
    assert any("▲ helps, ▼ harms, · no clear effect, ○ this run only." in x for x in lines)


def test_marks_have_plain_ones_where_an_encoding_lacks_them() -> None:
    plain = "▲ +3.3 ▼ -1.0 · 0.1 ○ 2.0 → …".encode("ascii", "xlbench").decode()
    assert plain == "^ +3.3 v -1.0 . 0.1 o 2.0 -> ..."


def test_wide_matrix_is_left_to_the_leaderboard() -> None:
    names = tuple(f"l{i}" for i in range(30))
    wide = Matrix("Wide", names, names, tuple(tuple(Number(1.0) for _ in names) for _ in names), "from", "to")
    assert "too wide" in printed([page(wide)])


def drawn(part: Part) -> bytes:
    drawing = view(part).drawing()
    assert drawing is not None
    return picture(drawing, part.title)


@pytest.mark.parametrize("missing", [True, False])
def test_picture_is_a_png_that_grows_with_the_matrix(missing: bool) -> None:
    def size(one: Matrix) -> tuple[int, int]:
        content = drawn(one)
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)

    small = size(matrix(missing=missing))
    names = tuple(f"Language {i} (q{i:02})" for i in range(12))
    big = Matrix("Big", names, names, tuple(tuple(Number(1.0) for _ in names) for _ in names), "from", "to")
    large = size(big)
    assert large[0] > small[0] + 400
    assert large[1] > small[1] + 300


def test_picture_of_nothing_but_gaps() -> None:
    gap = Number(None, missing=("all",))
    assert len(drawn(Matrix(EVIL, ("a",), ("b",), ((gap,),), EVIL, EVIL))) > 1000


@pytest.mark.parametrize(("cell", "says"), [(Number(None), ""), (Number(None, missing=("x",)), "–: missing")])
def test_a_cell_that_cannot_be_is_not_called_missing(cell: Number, says: str) -> None:
    one = Matrix("Pairs", ("a",), ("b",), ((cell,),), "Row", "Column")
    assert heat_map_chart.legend(one) == says


@pytest.mark.parametrize("size", [3, 45])
def test_a_heat_map_marks_what_helps_and_harms_at_every_size(size: int) -> None:
    verdicts: list[Verdict] = ["helps", "harms", "no clear effect"]
    names = tuple(f"l{i}" for i in range(size))
    cells = tuple(tuple(Number(1.0, word=verdicts[(i + j) % 3]) for j in range(size)) for i in range(size))
    one = Matrix("M", names, names, cells, "From", "To", sign="positive: the target gains")
    drawing = view(one).drawing()
    assert drawing is not None
    assert "points; positive: the target gains; ▲ helps, ▼ harms" in drawing.below
    svg = vl_convert.vegalite_to_svg(drawing.specification)
    triangles = re.findall(r'<g class="mark-symbol role-mark layer_\d+_marks"[^>]*>(.*?)</g>', svg, re.DOTALL)
    expected = [sum((i + j) % 3 == k for i in range(size) for j in range(size)) for k in (0, 1)]
    assert [x.count("<path") for x in triangles] == expected
    assert [*{x.count("L") / x.count("<path") for x in triangles}] == [2.0], "three corners each"


def test_a_table_that_is_drawn_has_a_dot_with_its_interval_per_row_the_largest_first() -> None:
    numbers = [Number(-1.0, -2.0, -0.5, word="harms"), Number(3.0, 2.0, 4.0, word="helps"), Number(None)]
    rows = tuple((name, x, 1.0) for name, x in zip("abc", numbers, strict=True))
    one = Table(
        "T", ("Language", "Gain", "Other"), rows, drawn=("Gain",), unit="points of F1", sign="positive: up"
    )
    drawing = view(one).drawing()
    assert drawing is not None
    cells = drawing.specification["datasets"]["cells"]
    assert [(x["name"], x["value"], x["low"], x["high"]) for x in cells] == [
        ("b", 3, 2, 4),
        ("a", -1, -2, -0.5),
    ]
    assert drawing.below == "▲ helps, ▼ harms; bars: 95% CI"
    svg = vl_convert.vegalite_to_svg(drawing.specification)
    assert "Gain (points of F1)" in svg
    assert "positive: up" in svg
    assert view(replace(one, drawn=())).drawing() is None
    assert view(one).data({})["drawn"] == [1]


def test_columns_that_are_drawn_stand_side_by_side_in_the_order_of_the_first() -> None:
    def number(value: float | None) -> Number:
        return Number(value, None if value is None else value - 1, None if value is None else value + 1)

    rows = (
        ("a", number(1), number(9), None),
        ("b", number(5), number(2), None),
        ("c", None, number(7), None),
    )
    one = Table("T", ("", "Gain", "Effect", "None"), rows, drawn=("Gain", "Effect", "None"))
    drawing = view(one).drawing()
    assert drawing is not None
    cells = drawing.specification["datasets"]["cells"]
    shown = sorted((x["what"], x["place"], x["name"], x["value"]) for x in cells)
    assert shown == [
        ("Effect", 0, "b", 2),
        ("Effect", 1, "a", 9),
        ("Effect", 2, "c", 7),
        ("Gain", 0, "b", 5),
        ("Gain", 1, "a", 1),
    ]
    assert drawing.specification["facet"]["column"]["sort"] == ["Gain", "Effect"]
    svg = picture(drawing, "T", vector=True).decode()
    assert ">Gain<" in svg and ">Effect<" in svg and ">None<" not in svg  # noqa: PT018


def test_curves_are_a_table_in_text_and_a_picture_beside_it(tmp_path: Path) -> None:
    written = write_leaderboard(tmp_path, [("transfer", page(curves()))], lambda _: MADE)
    text = (tmp_path / "transfer-pos-tiny.md").read_text()
    assert "![By steps](pictures/transfer-pos-tiny-1.png)" in text
    assert ["deu", "0.5 [0.0, 1.0]", "–"] in [cells(line) for line in text.split("\n")]
    assert (tmp_path / "pictures" / "transfer-pos-tiny-1.png") in written
    assert "0.5 [0.0, 1.0]" in printed([page(curves())])


def test_pictures_of_earlier_parts_do_not_stay(tmp_path: Path) -> None:
    write_leaderboard(tmp_path, [("transfer", page(matrix(), curves()))], lambda _: MADE)
    write_leaderboard(tmp_path, [("transfer", page(curves()))], lambda _: MADE)
    assert {x.name for x in (tmp_path / "pictures").iterdir()} == {
        "transfer-pos-tiny-1.png",
        "transfer-pos-tiny-1.svg",
    }


def test_parts_of_one_title_keep_their_own_pictures(tmp_path: Path) -> None:
    write_leaderboard(tmp_path, [("transfer", page(matrix(), matrix()))], lambda _: MADE)
    text = (tmp_path / "transfer-pos-tiny.md").read_text()
    assert text.index("(pictures/transfer-pos-tiny-1.png)") < text.index("(pictures/transfer-pos-tiny-2.png)")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("---", "\\---"),
        ("+ a", "\\+ a"),
        ("-1.2", "-1.2"),
        ("2020-01", "2020-01"),
    ],
)
def test_no_line_starts_a_list_or_a_rule(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Store:
    study = Synthetic(steps=(10,), seeds=(0,), controls=())
    store = Store(tmp_path_factory.mktemp("results"))
    for job in study.jobs:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    return store


def test_failed_missing_and_extra_results_are_told_and_in_no_average(tmp_path: Path) -> None:
    study, store = Synthetic(steps=(10,), seeds=(0,), controls=()), Store(tmp_path)
    failed, absent = study.jobs[1], study.jobs[2]
    more = Synthetic(
        transfer=study.transfer + CODES[9:10], targets=CODES[2:10], steps=(10,), seeds=(0,), controls=()
    )
    for job in study.jobs:
        if job is failed:
            store.write_failure(job, RuntimeError("loss is NaN"), PROVENANCE)
        elif job is not absent:
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    for job in more.jobs[-1:]:  # what another study has left in the folder
        store.write(job, more.evaluate(job), PROVENANCE, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    records = store.records(METRICS)
    pages = [("transfer", x) for x in transfer_pages.pages(records)]
    write_leaderboard(tmp_path / "boards", pages, lambda _: MADE)
    text = (tmp_path / "boards" / "transfer-pos-tiny.md").read_text()
    donation = {x[0]: x for x in map(cells, text.split("\n")) if len(x) > 3}
    for job in (failed, absent):
        name = study.languages[job.label[:3]].label
        assert "–" in donation[name], "no average over what is left"
    assert "loss is NaN" in text
    assert "not run yet" in text
    assert study.languages[CODES[9]].label not in text
    data = html(pages, lambda _: MADE, records.languages, records.seen)
    assert "loss is NaN" in data
    assert "loss is NaN" in printed([page for _, page in pages])


def test_provenance_says_what_made_it(stored: Store) -> None:
    study = stored.study()
    made = Origin(study, stored.provenances(), Publisher(study.study)).provenance("transfer", "pos")
    facts = dict(made.facts)
    assert made.model == "tiny"
    assert "torch 2.13.0" in facts["Versions"]
    assert "qac data of pos" in facts["Revisions of test data"]
    assert "qaa text of qaa" in facts["Revisions of text"]
    shared = facts["Settings shared by all jobs"]
    assert "text.batch_size 8" in shared
    assert "steps 10" in shared
    assert "text.language" not in shared
    jobs = len(stored.study().jobs)
    assert facts["Cost"].startswith(f"{jobs} jobs in {jobs} files; {jobs * 2.5 / 3600:.2f} hours")
    assert facts["Cost"].endswith(f"at most {jobs * 5 / 3600:.2f} CPU hours")
    assert facts["Plugins"] == (
        "data pos: artificial (xlbench 0.1.0); probe transfer: transfer (xlbench 0.1.0); "
        "task pos: pos (xlbench 0.1.0)"
    )
    assert "transfer = [" in made.study


def test_machines_that_differ_are_all_named(stored: Store) -> None:
    made = stored.provenances()
    made[0] = {**made[0], "hardware": {"processor": "another"}}
    facts = dict(Origin(stored.study(), made, Publisher({})).provenance("transfer", "pos").facts)
    assert "another (1 file)" in facts["Hardware"]
    assert f"cores 4, processor A processor, threads 2 ({len(made) - 1} files)" in facts["Hardware"]


def test_leaderboard_folder(tmp_path: Path) -> None:
    out = tmp_path / "leaderboards"
    written = write_leaderboard(out, [("transfer", page(table(("deu", 1.0)), matrix()))], lambda _: MADE)
    assert {str(x.relative_to(out)) for x in written} == {
        "README.md",
        "METHODS.md",
        "transfer-pos-tiny.md",
        "pictures/transfer-pos-tiny-1.png",
        "pictures/transfer-pos-tiny-1.svg",
    }
    assert all(x.is_file() for x in written)
    assert "(pictures/transfer-pos-tiny-1.png)" in (out / "transfer-pos-tiny.md").read_text()
    first = {x: x.read_bytes() for x in written}
    write_leaderboard(out, [("transfer", page(table(("deu", 1.0)), matrix()))], lambda _: MADE)
    assert {x: x.read_bytes() for x in written} == first, "the same input, the same bytes"


def test_index_keeps_pages_of_earlier_studies(tmp_path: Path) -> None:
    other = Provenance("org/model -->", "x", "", ())
    write_leaderboard(tmp_path, [("transfer", page())], lambda _: MADE)
    write_leaderboard(tmp_path, [("zero-shot", page(task="ner"))], lambda _: other)
    rows = [cells(x) for x in (tmp_path / "README.md").read_text().split("\n") if x.startswith("| ")][1:]
    assert rows == [
        ["org/model --&gt;", "One line.", "[zero-shot, ner](zero-shot-ner-org-model.md)"],
        ["tiny", "One line.", "[transfer, pos](transfer-pos-tiny.md)"],
    ]
    head = (tmp_path / "zero-shot-ner-org-model.md").read_text().partition("\n")[0]
    assert head.count("-->") == 1, "nothing ends the comment early"


def test_a_file_in_the_way_names_the_option_that_helps(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="another --out"):
        write_leaderboard(tmp_path / "file" / "below", [("transfer", page())], lambda _: MADE)


def test_a_readme_of_another_kind_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(ResultsError, match="another --out"):
        write_leaderboard(tmp_path, [("transfer", page())], lambda _: MADE)
    assert [x.name for x in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="another --out"):
        write_leaderboard(tmp_path / "file", [("transfer", page())], lambda _: MADE)


def test_words_stand_by_their_numbers_and_bold_is_what_a_test_found() -> None:
    helps, harms, none = (
        Number(x, x - 1, x + 1, word=w)
        for x, w in [(2.0, "helps"), (-2.0, "harms"), (1.5, "no clear effect")]
    )  # type: ignore[arg-type]
    tested = Matrix("M", ("a",), ("b", "c", "d"), ((helps, harms, none),), "From", "To")
    text = markdown(page(table(("German", helps), ("Finnish", none)), tested), MADE, {})
    assert "2.0 [1.0, 3.0] helps" in text
    assert "1.5 [0.5, 2.5] no clear effect" in text
    assert "| **+2.0** ▲ | **-2.0** ▼ |" in re.sub(" +", " ", text)
    assert "**+1.5**" not in text, "an interval without 0 that correction does not leave is not bold"
    assert "▲ helps, ▼ harms: by tests corrected over the matrix." in text
    assert "▲" not in markdown(page(matrix()), MADE, {}), "nothing was tested"
    assert "▲ helps, ▼ harms, · no clear effect." in printed([page(tested)])


def test_a_word_of_a_plugins_own_is_not_shown() -> None:
    assert shown(Number(1.0, word="<b>|*evil*\x1b[31m")) == "1.00"  # type: ignore[arg-type]


def test_curves_stand_beside_each_other_in_sight(tmp_path: Path) -> None:
    line = tuple(Number(float(i), i - 1.0, i + 1.0) for i in range(3))
    part = Curves("By steps", tuple("abcdefghij"), (1, 10, 1000), (line,) * 10, "Language", "Steps")
    rows = points(part)
    first, last = specification(part)["layer"][-1]["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert all(first < row["at"] < last for row in rows)
    coloured = [row for row in rows if row["name"] not in "ef"]
    assert len({row["at"] for row in coloured}) == 8 * 3, "eight have a place of their own at each x"
    assert all(row["at"] == row["x"] for row in rows if row["name"] in "ef"), "the grey ones have no bars"
    assert all(1 / 1.5 < row["at"] / row["x"] < 1.5 for row in rows)


def test_curves_with_no_number_have_no_picture(tmp_path: Path) -> None:
    gone = Number(None, missing=("not run yet",))
    part = Curves("By steps", ("a", "b"), (1, 10), ((gone, gone),) * 2, "Language", "Steps")
    written = write_leaderboard(tmp_path, [("transfer", page(part))], lambda _: MADE)
    assert not [path for path in written if path.suffix == ".png"]
    assert "is missing: not run yet" in written[2].read_text()


@pytest.mark.parametrize("text", ["see http://e.org", "HTTPS://e.org", "www.e.org", "ftp://WWW.e.org"])
def test_no_address_becomes_a_link_by_itself(text: str) -> None:
    found = escape(text)
    assert "://" not in found
    assert "www." not in found.lower()
    assert unescape(found) == text


class Dots:
    """A part of a page as a plugin brings it."""

    title = "Dots"

    def table(self) -> Table:
        return Table("Dots", ("Language", "Effect"), (("aaa", Number(1.0, signed=True)),))

    def specification(self) -> dict[str, Any]:
        return {
            "data": {"values": [{"language": "aaa", "effect": 1.0}]},
            "mark": "point",
            "encoding": {"x": {"field": "effect", "type": "quantitative"}, "y": {"field": "language"}},
        }


def test_a_plugin_s_chart_is_on_every_surface(tmp_path: Path) -> None:
    page = Page("pos", "Title", ("Says.",), (Dots(),))
    written = write_leaderboard(tmp_path, [("p", page)], lambda page: MADE)
    assert [x.suffix for x in written] == [".md", ".md", ".png", ".svg", ".md"]
    text = written[-1].read_text()
    assert "## Dots" in text
    assert re.search(r"\| aaa +\| +\+1\.00 \|", text)
    in_terminal = printed([page])
    assert "aaa" in in_terminal
    assert "+1.00" in in_terminal
    data = view(page.parts[0]).data({})
    assert data["kind"] == "chart"
    assert data["specification"]["data"] == Dots().specification()["data"]


class AltairDots(Dots):
    """The same as an Altair chart."""

    def specification(self) -> dict[str, Any]:
        import altair as alt

        data = alt.Data(values=[{"language": "aaa", "effect": 1.0}])
        made: dict[str, Any] = alt.Chart(data).mark_point().encode(x="effect:Q", y="language:N").to_dict()
        return made


def test_a_plugin_s_chart_may_be_altair_s() -> None:
    drawing = view(AltairDots()).drawing()
    assert drawing is not None
    texts = picture(drawing, "Dots", vector=True).decode()
    assert "Dots" in texts
    assert "aaa" in texts


def test_what_is_no_part_is_told() -> None:
    with pytest.raises(TypeError, match="a page has a str, which is none of its parts"):
        view("text")  # type: ignore[arg-type]
