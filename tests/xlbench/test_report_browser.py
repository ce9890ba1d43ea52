"""The HTML report as people use it, in a headless browser: a study that ran, a wide matrix, evil texts."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

import xlbench
from xlbench import contracts
from xlbench.cli import reporting
from xlbench.contracts import Curves, Language, Matrix, Number, Table
from xlbench.reporting import Provenance, write_report
from xlbench.stored import Stored

DESKTOP, PHONE = (1440, 900), (390, 844)
MADE = Provenance("tiny", "xlbench run", 'model = "tiny"\n', (("Versions", "torch 2"),))
EVIL = "</script><img src=x onerror=alert(1)> \x1b[31m \u2028 [l](http://e)"
DRAWN = "() => document.querySelector('.chart').getAttribute('aria-busy') === 'false'"
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
    width, height = request.param
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
    table = Table("Targets", ("Target language", "Seen", "Recipience", "Examples"), rows, EVIL)
    values = tuple(tuple(number() for _ in range(3)) for _ in range(12))
    curves = Curves("By steps", tuple(labels[:12]), (1, 10, 100), values, "Language", "Steps", note=EVIL)
    parts = (table, curves, matrix("Effect, 100 steps"), matrix("Effect, 1 step"))
    page = contracts.Page(EVIL, f"Wide {EVIL}", (EVIL,), parts, (EVIL,))
    path = tmp_path_factory.mktemp("wide") / "report.html"
    write_report(path, [("third", page)], lambda page: MADE, languages, dict.fromkeys(languages, True))
    assert path.stat().st_size < 5_000_000
    return path


def point_at(page: Page, chart: Locator) -> None:
    """Move the mouse into the first cell, whose text is in the way of playwright's own hover."""
    cell = chart.locator("svg .mark-rect path").first
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.locator("#tip").wait_for()


def texts(rows: Locator, column: int) -> list[str]:
    return rows.locator(f"> :nth-child({column + 1})").all_inner_texts()


def test_hover_tells_a_cells_effect_interval_and_scores(visit: Visit, real: Path) -> None:
    page = visit.go(real)
    chart = page.locator(".chart").first
    assert chart.get_attribute("aria-label") == "Effect on pos, 2 steps: 2 by 3"
    point_at(page, chart)
    tip = page.locator("#tip").inner_text()
    assert "Transfer language: " in tip
    assert "Target language: " in tip
    assert "[" in tip
    assert "Before: " in tip
    assert "After: " in tip
    page.mouse.move(1, 1)
    assert page.locator("#tip").is_hidden()


def test_arrow_keys_go_from_cell_to_cell_and_are_heard(visit: Visit, real: Path) -> None:
    page = visit.go(real)
    chart, heard = page.locator(".chart").first, page.locator("#say")
    page.get_by_label("Order").first.select_option("as in the tables")
    chart.focus()
    told = []
    for key in ("Home", "ArrowRight", "ArrowDown", "End", "ArrowDown"):
        before = page.locator("#tip").inner_text()
        page.keyboard.press(key)
        if key != "ArrowDown" or len(told) == 2:
            page.wait_for_function("old => document.getElementById('tip').innerText !== old", arg=before)
        page.wait_for_function("document.getElementById('say').textContent.includes('Target language')")
        told.append(heard.inner_text())
    assert len(set(told[:4])) == 4
    assert told[4] == told[3], "the last cell is the last"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_the_interference_matrix_is_there_and_says_what_it_is_made_from(visit: Visit, real: Path) -> None:
    page = visit.go(real, "#page=interference&task=pos")
    assert page.locator("h1").inner_text().startswith("Interference: pos")
    point_at(page, page.locator(".chart").first)
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
    page.go_back()
    page.wait_for_function("document.querySelector('h1').textContent === 'Savelo (qac)'")
    one = page.locator("details", has_text="The same as a table").first
    one.locator("summary").click()
    values = [float(x.split()[0].replace("–", "nan")) for x in texts(one.locator("tbody tr"), 1)]
    assert values == sorted(values, reverse=True)


def test_every_page_opens_and_has_curves_and_seen_against_unseen(visit: Visit, real: Path) -> None:
    page = visit.go(real)
    addresses = [x.get_attribute("href") for x in page.locator("#links a").all()]
    assert len(addresses) == 10  # four probes, five questions about all tasks, one language
    for address in addresses:
        visit.go(real, str(address))
        assert page.locator("h1").count() == 1
    visit.go(real, "#page=transfer&task=pos")
    chart = page.get_by_role("img", name="Donation by steps, a chart; the table below says the same")
    chart.scroll_into_view_if_needed()
    chart.locator("svg .mark-line path").first.wait_for(state="attached")


def test_sort_search_and_filter(visit: Visit, wide: Path) -> None:
    page = visit.go(wide)
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
    page = visit.go(wide)
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
    page = visit.go(wide)
    chart = page.locator(".chart").first
    labels = chart.locator(".role-axis-label text")
    first = {}
    for order in ("clustered", "family", "alphabetical", "as in the tables"):
        page.get_by_label("Order").first.select_option(order)
        page.wait_for_function(DRAWN)
        first[order] = labels.all_text_contents()
    assert sorted(first["clustered"]) == sorted(first["alphabetical"])
    assert first["alphabetical"] != first["family"]
    page.get_by_label("Show").first.select_option("Effect, 1 step")
    assert str(chart.get_attribute("aria-label")).startswith("Effect, 1 step")


def test_texts_that_would_do_harm_are_only_text(visit: Visit, wide: Path) -> None:
    page = visit.go(wide)
    assert page.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("h1").inner_text()
    assert page.locator(".warning").inner_text().startswith("Warning. </script>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_the_switch(visit: Visit, real: Path, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.go(real)
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


def test_everything_can_be_reached_with_the_keyboard_and_has_a_name(visit: Visit, wide: Path) -> None:
    page = visit.go(wide)
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
    page = visit.go(tmp_path / "report.html")
    page.locator("table").first.wait_for()
    assert page.get_by_text("could not be drawn").count() == 2
    page.locator(".chart").first.focus()
    page.keyboard.press("ArrowRight")


def test_the_browser_rounds_as_everything_else_does(visit: Visit, wide: Path) -> None:
    page, rng = visit.go(wide), random.Random(1)
    halves = [sign * x / 16 for x in range(1, 400) for sign in (1, -1)]  # many lie exactly between two
    values = [*halves, *(rng.gauss(0, 5) for _ in range(500)), 0.0, -0.04, 99.95, 1e9 + 0.25]
    for decimals in (1, 2, 3):
        for signed in (True, False):
            ours = [contracts.decimal(x, decimals, signed=signed) for x in values]
            asked = "([xs, d, s]) => xs.map((x) => decimal(x, d, s))"
            assert page.evaluate(asked, [values, decimals, signed]) == ours
