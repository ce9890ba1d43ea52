"""The HTML report as people use it, in a headless browser: a study that ran, a wide matrix, evil texts."""

from __future__ import annotations

import csv
import io
import random
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page

import xlbench
from xlbench import contracts
from xlbench.cli import reporting
from xlbench.contracts import Curves, Language, Matrix, Number, Table
from xlbench.output import clean
from xlbench.reporting import Opening, Provenance, write_report
from xlbench.stored import Stored

DESKTOP, PHONE = (1440, 900), (390, 844)
MADE = Provenance("tiny", "xlbench run", 'model = "tiny"\n', (("Versions", "torch 2"),))
EVIL = "</script><img src=x onerror=alert(1)> \x1b[31m \u2028 [l](http://e)"
TRANSFER = "#page=transfer&task=pos"
PAGE = f"#page=third&task={quote(clean(EVIL), safe='')}"
RANKED = "Target languages, ranked"
WHOLE = "() => document.documentElement.dataset.whole"


@dataclass
class Visit:
    """A page of the browser with whatever went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def go(self, path: Path, fragment: str = "") -> Page:
        self.page.goto(f"{path.as_uri()}{fragment}")
        self.page.wait_for_function(WHOLE)
        return self.page


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Fails a test in which anything is said in the console, or anything but the file is asked for."""
    yield from visiting(browser, *request.param)


@pytest.fixture
def desk(browser: Browser) -> Iterator[Visit]:
    """The same at one size, for what depends on none."""
    yield from visiting(browser, *DESKTOP)


def visiting(browser: Browser, width: int, height: int) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(30_000)
    found = Visit(page)
    page.on("console", lambda message: found.wrong.append(message.text))
    page.on("pageerror", lambda error: found.wrong.append(str(error)))
    page.on("dialog", lambda dialog: found.wrong.append(dialog.message))
    page.on("request", lambda x: None if x.url.startswith(("file:", "data:")) else found.wrong.append(x.url))
    yield found
    assert found.wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the window"
    page.close()


@pytest.fixture(scope="module")
def real(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study that really ran: transfer and interference, one task, an untrained model."""
    folder = tmp_path_factory.mktemp("real")
    study = xlbench.Study(
        model=str(checkpoint), probes=("transfer", "interference"), tasks=("pos",),
        transfer=("qac", "qah"), targets=("qaa", "qac", "qah"), train_languages=("qaa",), controls=(),
        steps=(1, 2), seeds=(0,), data={"pos": ("artificial",)}, text="artificial", limit=8,
        mlm={"chunk": 16, "lines": 100}, adapter={"limit": 16, "epochs": 1},
        language_training={"steps": 2, "chunk": 16, "lines": 100},
        options={"interference": {"mixes": ["average"]}},
    )  # fmt: skip
    xlbench.run(study, results=folder, workers=1)
    reporting.page(Stored(folder, None), folder / "report.html")
    return folder / "report.html"


def names(number: int) -> dict[str, Language]:
    codes = [f"q{b}{c}" for b in "abcdefghijklmnopqrst" for c in "abcdefghijklmnopqrstuvwxyz"][:number]
    return {
        x: Language(x, f"Language {i:03}", f"Family {i % 7}", f"Genus {i % 11}", "Latn")
        for i, x in enumerate(codes)
    }


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """38 by 125, with words, gaps, curves and a text that would do harm."""
    languages, rng = names(125), random.Random(0)
    labels = [x.label for x in languages.values()]

    def number() -> Number:
        value = rng.gauss(0, 2)
        word = "helps" if value > 2 else "harms" if value < -2 else "no clear effect"
        if rng.random() < 0.01:
            return Number(None, missing=(f"not run: {EVIL}",))
        return Number(
            value, value - 1, value + 1, word=word, details=(("Before", 50.0), ("After", 50 + value))
        )

    def matrix(title: str) -> Matrix:
        cells = tuple(tuple(number() for _ in labels) for _ in labels[:38])
        return Matrix(title, tuple(labels[:38]), tuple(labels), cells, "Transfer language", "Target language")

    rows = tuple((name, "yes" if i % 3 else "no", number(), i) for i, name in enumerate([*labels[:60], EVIL]))
    heads = ("Target language", "Seen", "Recipience", "Examples")
    table = Table(
        "Targets", heads, rows, EVIL, drawn=("Recipience",), unit="points of F1", sign="positive: gains"
    )
    values = tuple(tuple(number() for _ in range(3)) for _ in range(12))
    curves = Curves("By steps", tuple(labels[:12]), (1, 10, 100), values, "Language", "Steps", note=EVIL)
    parts = (table, curves, matrix("Effect, 100 steps"), matrix("Effect, 1 step"))
    page = contracts.Page(EVIL, f"Wide {EVIL}", (EVIL,), parts, (EVIL,))
    path = tmp_path_factory.mktemp("wide") / "report.html"
    opening = Opening("Which language helps which?", f"The model was tested. {EVIL}")
    write_report(
        path, [("third", page)], lambda page: MADE, languages, dict.fromkeys(languages, True), opening
    )
    assert path.stat().st_size < 5_000_000
    return path


def point_at(page: Page, table: Locator) -> None:
    """Move the mouse into the first cell."""
    table.locator("td[style]").first.hover()
    page.locator("#tip").wait_for()


def texts(rows: Locator, column: int) -> list[str]:
    return rows.locator(f"> :nth-child({column + 1})").all_inner_texts()


def test_hover_tells_a_cells_effect_interval_and_scores(visit: Visit, real: Path) -> None:
    page = visit.go(real, TRANSFER)
    table = page.locator(".map").first
    assert table.locator("caption").inner_text() == "Effect on pos, 2 steps: 2 by 3"
    point_at(page, table)
    tip = page.locator("#tip").inner_text()
    assert "Transfer language: " in tip
    assert "Target language: " in tip
    assert "[" in tip
    assert "Before: " in tip
    assert "After: " in tip
    page.mouse.move(1, 1)
    assert page.locator("#tip").is_hidden()


def test_arrow_keys_go_from_cell_to_cell_and_are_heard(visit: Visit, real: Path) -> None:
    page = visit.go(real, TRANSFER)
    page.get_by_label("Order").first.select_option("as in the tables")
    table = page.locator(".map").first
    assert table.locator("[tabindex='0']").count() == 1, "one stop of the Tab key"
    table.locator("[tabindex='0']").focus()
    heard = "document.activeElement.getAttribute('aria-label')"
    told = []
    for key in ("Control+Home", "ArrowRight", "ArrowDown", "Control+End", "ArrowDown"):
        page.keyboard.press(key)
        told.append(page.evaluate(heard))
        assert page.locator("#tip").inner_text().split("\n")[0] in told[-1]
    assert len(set(told[:4])) == 4
    assert told[4] == told[3], "the last cell is the last"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.startsWith('#language=')")


def test_the_interference_matrix_is_there_and_says_what_it_is_made_from(visit: Visit, real: Path) -> None:
    page = visit.go(real, "#page=interference&task=pos")
    assert page.locator("h1").inner_text().startswith("Interference: pos")
    point_at(page, page.locator(".map").first)
    tip = page.locator("#tip").inner_text()
    assert "Alone: " in tip
    assert "Mixed: " in tip


def test_a_languages_view_has_who_helps_it_and_whom_it_helps(visit: Visit, real: Path) -> None:
    page = visit.go(real, "#language=qac")
    assert page.locator("h1").inner_text() == "Savelo (qac)"
    heads = page.locator("h3").all_inner_texts()
    assert "Who helps and harms it (as target language)" in heads
    assert "One seed: what others do here holds for this run only." in page.locator("main").inner_text()
    assert "Whom it helps and harms (as transfer language)" in heads
    page.locator("main .choice select").first.select_option("qah")
    page.wait_for_function("document.querySelector('h1').textContent === 'Turoki (qah)'")
    assert page.url.endswith("#language=qah")
    page.wait_for_function(WHOLE)
    page.go_back()
    page.wait_for_function("document.querySelector('h1').textContent === 'Savelo (qac)'")
    one = page.locator("details", has_text="The same as a table").first
    one.locator("summary").first.click()
    values = [float(x.split()[0].replace("–", "nan")) for x in texts(one.locator("tbody tr"), 1)]
    assert values == sorted(values, reverse=True)


def test_every_page_opens_and_has_curves_and_seen_against_unseen(visit: Visit, real: Path) -> None:
    page = visit.go(real)
    addresses = [x.get_attribute("href") for x in page.locator("#links a").all()]
    assert len(addresses) == 12  # overview, four probes, five questions about all tasks, one language, whole
    for address in addresses:
        visit.go(real, str(address))
        assert page.locator("h1").count() == (10 if "whole" in str(address) else 1)
    visit.go(real, TRANSFER)
    chart = page.get_by_role("img", name="Donation by steps, a chart; the table below says the same")
    chart.scroll_into_view_if_needed()
    chart.locator("svg .mark-line path").first.wait_for(state="attached")


def test_sort_search_and_filter(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    part = page.locator("section", has=page.get_by_role("heading", name="Targets", exact=True))
    rows, count = part.locator("tbody tr"), part.locator("output")
    assert count.inner_text() == "61 rows, the first 50 shown"
    head = part.locator("thead th").nth(3)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert texts(rows, 3)[:2] == ["60", "59"]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert texts(rows, 3)[:2] == ["0", "1"]
    part.get_by_label("Seen").select_option("no")
    assert count.inner_text() == "21 of 61 rows"
    assert set(texts(rows, 1)) == {"no"}
    part.get_by_label("Recipience").select_option("helps")
    assert all("helps" in x for x in texts(rows, 2))
    part.get_by_label("Recipience").select_option("")
    part.get_by_label("Search").fill("language 00")
    assert count.inner_text() == "4 of 61 rows"
    part.get_by_label("Search").fill("")
    part.get_by_label("Seen").select_option("")
    part.get_by_role("button", name="Show 11 more").click()
    assert rows.count() == 61


def test_gaps_are_last_however_a_column_is_sorted(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    details = page.locator("details", has_text="The same as a table, one row per cell").first
    details.locator("summary").click()
    assert details.locator("output").inner_text().startswith("4,750 rows")
    head = details.locator("thead th button").nth(2)
    for _ in range(2):
        head.click()
        assert "–" not in texts(details.locator("tbody tr"), 2)
    gaps = [x for x in details.locator("select").last.locator("option").all_inner_texts() if x == "helps"]
    assert gaps == ["helps"]


def test_order_and_steps_can_be_chosen(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    chart = page.locator(".map").first
    first = {}
    for order in ("clustered", "family", "alphabetical", "as in the tables"):
        page.get_by_label("Order").first.select_option(order)
        first[order] = chart.locator("tbody th").all_text_contents()
    assert sorted(first["clustered"]) == sorted(first["alphabetical"])
    assert first["alphabetical"] != first["family"]
    page.get_by_label("Show").first.select_option("Effect, 1 step")
    assert chart.locator("caption").inner_text().startswith("Effect, 1 step")


def test_texts_that_would_do_harm_are_only_text(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    assert page.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("h1").inner_text()
    assert page.locator(".warning").inner_text().startswith("Warning. </script>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_the_switch(visit: Visit, real: Path, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.go(real, TRANSFER)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, light = "rgb(20, 24, 31)", "rgb(255, 255, 255)"
    assert page.evaluate(ground) == (dark if scheme == "dark" else light)
    page.locator("#theme").click()
    assert page.evaluate(ground) == (light if scheme == "dark" else dark)
    other = "#1c2430" if scheme == "dark" else "#e8ecf2"
    page.wait_for_function(
        "ink => document.querySelector('.chart svg .role-axis-label text').getAttribute('fill') === ink",
        arg=other,
    )
    cell = "getComputedStyle(document.querySelector('.map td[data-i]')).backgroundColor"
    before = page.evaluate(cell)
    page.locator("#theme").click()
    assert page.evaluate(cell) != before


def test_everything_can_be_reached_with_the_keyboard_and_has_a_name(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a, [role]:not([hidden])")]
        .filter((x) => !x.closest("[aria-hidden]"))
        .filter((x) => !(x.getAttribute("aria-label") || x.textContent.trim() || (x.labels || []).length))
        .map((x) => x.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("table:not(:has(caption))").count() == 0
    levels = page.evaluate(
        "[...document.querySelectorAll('main h1, main h2, main h3')].map((x) => Number(x.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_without_charts_the_tables_say_it_all(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["xlbench.reporting.html"]  # the package has a function of this name
    monkeypatch.setattr(module, "_vega", lambda: module.NO_CHARTS)
    parts = (
        Matrix("Effects", ("a",), ("b", "c"), ((Number(1.25), Number(-2.5)),), "From", "To"),
        Curves("By steps", ("a", "b"), (1, 10), ((Number(3.25), Number(4.5)),) * 2, "Language", "Steps"),
    )
    pages = [("probe", contracts.Page("pos", "Title", ("Line.",), parts))]
    write_report(tmp_path / "report.html", pages, lambda _: MADE, {}, {})
    page = visit.go(tmp_path / "report.html", "#page=probe&task=pos")
    page.locator("table").first.wait_for()
    assert page.get_by_text("could not be drawn").count() == 1
    assert page.locator(".map td[data-i]").all_inner_texts() == ["+1.25", "-2.50"]
    page.locator(".map td[data-i]").first.focus()
    page.keyboard.press("ArrowRight")


def test_the_browser_rounds_as_everything_else_does(visit: Visit, wide: Path) -> None:
    page, rng = visit.go(wide, PAGE), random.Random(1)
    halves = [sign * x / 16 for x in range(1, 400) for sign in (1, -1)]  # many lie exactly between two
    values = [*halves, *(rng.gauss(0, 5) for _ in range(500)), 0.0, -0.04, 99.95, 1e9 + 0.25]
    for decimals in (1, 2, 3):
        for signed in (True, False):
            ours = [contracts.decimal(x, decimals, signed=signed) for x in values]
            asked = "([xs, d, s]) => xs.map((x) => decimal(x, d, s))"
            assert page.evaluate(asked, [values, decimals, signed]) == ours


def test_the_report_opens_on_who_helps_most_the_map_and_ones_own_language(visit: Visit, wide: Path) -> None:
    page = visit.go(wide)
    assert page.locator("h1").inner_text() == "Which language helps which? tiny"
    assert page.locator(".lead").inner_text().startswith("The model was tested. </script>")
    assert page.locator("#links [aria-current]").text_content() == "Overview"
    assert page.locator("h2:visible").all_inner_texts()[-3:] == [RANKED, "My language", "Effect"]
    axis = page.locator(".chart[role=img] .role-axis-title").first.text_content()
    assert axis == "Recipience (points of F1)positive: gains"
    assert page.locator(".chart[role=img] + *, .note").filter(has_text="▲ helps, ▼ harms").count() > 0
    box = page.locator(".mine")
    box.get_by_label("My language is").select_option("Language 007 (qah)")
    said = [x.replace("\n", " ") for x in box.locator("tbody tr").all_inner_texts()]
    cells = page.evaluate(
        """(name) => { const m = REPORT.pages[0].parts.find((x) => x.kind === "matrix");
        const j = m.columns.indexOf(name);
        return m.rows.map((row, i) => [row, matrixCell(m, i, j)]).filter(([row, x]) => x.low && row !== name)
        .sort((a, b) => b[1].low - a[1].low).slice(0, 5)
        .map(([row, x]) => `${row}\t${cellText(x)} ${verdict(x.word).textContent}`) }""",
        "Language 007 (qah)",
    )
    assert said == cells, "the page's own numbers, the surest first"
    assert box.inner_text().count("For Language 007 (qah), take Language") == 1
    assert "overview" not in page.url
    assert "mine.language=qah" in page.url
    page.go_back()
    page.wait_for_function("!document.querySelector('.mine').innerText.includes('target qah')")


def test_the_ten_lines_of_the_run_come_first(desk: Visit, real: Path) -> None:
    page = desk.go(real)
    said = page.locator(".ten dd").all_inner_texts()
    assert said == [x[2] for x in page.evaluate("REPORT.summary.slice(1)")]
    assert 2 <= len(said) <= 9
    above = page.locator(".ten").bounding_box()
    chart = page.locator(".chart").first.bounding_box()
    assert above
    assert chart
    assert above["y"] < chart["y"] < 900, "the figure begins on the first screen"


def test_what_is_chosen_is_in_the_address_and_comes_back(desk: Visit, browser: Browser, wide: Path) -> None:
    page = desk.go(wide, PAGE)
    page.get_by_label("Order").first.select_option("family")
    page.get_by_label("Show").first.select_option("Effect, 1 step")
    part = page.locator("section", has=page.get_by_role("heading", name="Targets", exact=True))
    part.locator("thead button").nth(3).click()
    part.get_by_label("Seen").select_option("no")
    part.get_by_label("Search").fill("language 0")
    first = page.locator(".map tbody th").all_text_contents()
    rows = texts(part.locator("tbody tr"), 0)
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_function(WHOLE)
    assert other.locator(".map caption").inner_text().startswith("Effect, 1 step")
    assert other.locator(".map tbody th").all_text_contents() == first
    again = other.locator("section", has=other.get_by_role("heading", name="Targets", exact=True))
    assert texts(again.locator("tbody tr"), 0) == rows
    assert again.get_by_label("Search").input_value() == "language 0"
    assert again.locator("thead th").nth(3).get_attribute("aria-sort") == "descending"
    other.close()
    for _ in range(2):  # the filter, the sorting
        page.go_back()
    page.wait_for_function("!location.hash.includes('sort')")
    page.wait_for_function(WHOLE)
    assert part.locator("thead th").nth(3).get_attribute("aria-sort") == "none"
    assert page.locator(".map caption").inner_text().startswith("Effect, 1 step")
    page.go_back()
    page.wait_for_function(
        "document.querySelector('.map caption').textContent.startsWith('Effect, 100 steps')"
    )


def test_what_an_address_asks_for_in_vain_is_left_out(desk: Visit, wide: Path) -> None:
    page = desk.go(wide, f"{PAGE}&s1.order=none&s1.map=99&s1.family=x&s2.sort=-99&s2.is2=x")
    assert page.get_by_label("Order").first.input_value() == "clustered"
    assert page.locator(".map caption").inner_text().startswith("Effect, 100 steps")
    assert page.locator("output").filter(has_text="61 rows").count() == 1


def test_verdicts_are_marked_in_a_wide_map_and_its_heads_stay_in_sight(visit: Visit, wide: Path) -> None:
    page = visit.go(wide, PAGE)
    table, box = page.locator(".map").first, page.locator(".mapped").first
    for mark, word in (("▲", "helps"), ("▼", "harms")):
        asked = """(w) => REPORT.pages[0].parts.find((x) => x.kind === 'matrix').cells.flat()
        .filter((x) => x && x[3] === w).length"""
        assert table.locator("td .mark", has_text=mark).count() == page.evaluate(asked, word) > 100
    page.evaluate("document.querySelector('.mapped').scrollTo(100, 400)")
    frame = box.bounding_box()
    head, row = (
        table.locator("thead th").nth(10).bounding_box(),
        table.locator("tbody th").nth(40).bounding_box(),
    )
    assert frame
    assert head
    assert row
    assert abs(head["y"] - frame["y"]) < 2
    assert abs(row["x"] - frame["x"]) < 2
    name = table.locator("tbody th a").nth(40)
    name.click()
    page.wait_for_function("location.hash.startsWith('#language=')")
    assert page.locator("h1").inner_text().startswith("Language ")


def test_a_map_is_filtered_by_what_is_known_of_languages(desk: Visit, wide: Path) -> None:
    page = desk.go(wide, PAGE)
    page.get_by_text("Filter languages").first.click()
    page.locator(".filters select").nth(1).select_option("Family 3")
    assert page.locator(".map td[data-i]").count() == 38 * 18
    assert page.get_by_text("38 of 38 transfer languages, 18 of 125 target languages").is_visible()
    page.locator(".filters select").first.select_option("rows and columns")
    assert page.locator(".map td[data-i]").count() == 5 * 18
    assert "s1.family=Family+3" in page.url


def saved(page: Page, menu: Locator, what: str) -> tuple[str, bytes]:
    menu.locator("summary").click()
    with page.expect_download() as found:
        menu.get_by_role("button", name=what).click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_figures_and_tables_can_be_saved(desk: Visit, wide: Path) -> None:
    page = desk.page
    page.goto(f"{wide.as_uri()}{PAGE}&s1.family=Family+3")
    page.wait_for_function(WHOLE)
    menus = page.locator("details.save")
    name, content = saved(page, menus.first, "Figure as SVG")
    assert name == "tiny-effect-100-steps.svg"
    svg = content.decode()
    assert svg.count("positive: ") == 0
    assert "▲ helps, ▼ harms" in svg
    assert len(re.findall(r'aria-label="[^"]*" |<path', svg)) > 38 * 18
    name, content = saved(page, menus.first, "Figure as PNG")
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24])[0] > 1000
    name, content = saved(page, menus.first, "Table as CSV")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == 38 * 18
    assert {*rows[0]} >= {"Transfer language", "points", "points: 95% CI low", "points: verdict", "Before"}
    some = next(x for x in rows if x["points"])
    assert float(some["points"]) == pytest.approx(float(some["points: 95% CI low"]) + 1)
    part = page.locator("section", has=page.get_by_role("heading", name="Targets", exact=True))
    _, content = saved(page, part.locator("details.save").first, "Figure as SVG")
    assert "Recipience (points of F1)" in content.decode()
    part.get_by_label("Search").fill("</script>")
    name, content = saved(page, part.locator("details.save").last, "Table as CSV")
    (row,) = csv.DictReader(io.StringIO(content.decode()))
    assert row["Target language"] == clean(EVIL)
    assert name == "tiny-targets.csv"
    assert page.evaluate("csvOf({columns: ['=a', 'b'], rows: [['@x', -1], ['a\"b,c', null]]})") == (
        '\'=a,b\r\n\'@x,-1\r\n"a""b,c",\r\n'
    )


def test_a_whole_report_is_printed(desk: Visit, real: Path) -> None:
    page = desk.page
    page.goto(f"{real.as_uri()}#whole=yes")
    page.wait_for_function("() => document.documentElement.dataset.drawn")
    titles = page.evaluate("REPORT.pages.map((x) => x.title)")
    heads = [x.text_content() for x in page.locator("h1").all()]
    assert [any(title in str(x) for x in heads) for title in titles] == [True] * len(titles)
    assert page.evaluate(
        "[...document.querySelectorAll('.chart[role=img]')].every((x) => x.querySelector('svg'))"
    )
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".tools:visible, nav:visible, #theme:visible").count()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_rows_that_are_not_shown_are_printed(desk: Visit, wide: Path) -> None:
    page = desk.page
    page.goto(f"{wide.as_uri()}{PAGE}")
    page.wait_for_function(WHOLE)
    part = page.locator("section", has=page.get_by_role("heading", name="Targets", exact=True))
    assert part.locator("tbody tr").count() == 50
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert part.locator("tbody tr").count() == 61
