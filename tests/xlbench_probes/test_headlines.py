"""What pages add to a summary: each target's best donor and what harms it, with the numbers of the page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic import CODES, Synthetic

from xlbench.contracts import Headline, Matrix, Number, Page
from xlbench.scores.significance import Judged
from xlbench_probes import transfer_advice, transfer_pages
from xlbench_probes.headlines import Teller, ranked


@pytest.fixture(scope="module")
def made() -> Synthetic:
    return Synthetic(steps=(100,), strength=8.0, examples=150)


@pytest.fixture(scope="module")
def page(made: Synthetic) -> Page:
    return transfer_pages.pages(made.records())[0]


def cells(page: Page) -> dict[tuple[str, str], Number]:
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    return {
        (f[-4:-1], g[-4:-1]): replace(x, details=())
        for f, line in zip(matrix.rows, matrix.cells, strict=True)
        for g, x in zip(matrix.columns, line, strict=True)
    }


def about(page: Page, *roles: str) -> dict[str, Headline]:
    return {x.target: x for x in page.headlines if x.role in roles}


def test_every_number_is_that_of_the_matrix(page: Page) -> None:
    matrix, said = cells(page), [x for x in page.headlines if x.target]
    assert {x.target for x in said} == set(CODES[2:8])
    for x in said:
        assert x.number == matrix[x.donor, x.target]
        assert x.role == x.number.word
        assert f"{x.number.text()} points (95% CI {x.number.text(x.number.low)} to" in x.text


def test_the_best_helps_and_no_other_starts_higher(page: Page) -> None:
    matrix = cells(page)
    for g, x in about(page, "helps").items():
        others = [y for (f, target), y in matrix.items() if target == g != f and y.word == "helps"]
        assert x.number.low == max(y.low for y in others)
        assert x.more == len(others) - 1
    for g in about(page, "no clear effect"):
        assert "helps" not in {y.word for (f, target), y in matrix.items() if target == g != f}
    for g, x in about(page, "harms").items():
        others = [y for (f, target), y in matrix.items() if target == g != f and y.word == "harms"]
        assert x.number.high == min(y.high for y in others)


def test_the_best_is_what_is_recommended(made: Synthetic, page: Page) -> None:
    records = made.records()
    for g, x in about(page, "helps", "no clear effect").items():
        table = transfer_advice.advise(records, "pos", g).parts[0]
        assert table.rows[0][0] == made.languages[x.donor].label  # type: ignore[union-attr]


def test_one_seed_says_that_it_is_this_run_only() -> None:
    one = transfer_pages.pages(Synthetic(steps=(100,), seeds=(0,)).records())[0]
    assert {x.role for x in one.headlines} == {"this run only", "how sure"}
    assert one.headlines[-1].text == "1 fine-tuning seed x 1 task adapter; 60 test examples per target"


def test_a_missing_donor_leaves_it_open_unless_another_helps(made: Synthetic) -> None:
    records = made.records(missing=lambda job, cell: job.label.startswith("qaa") and "plain" in job.label)
    one = transfer_pages.pages(records)[0]
    assert not about(one, "no clear effect")
    assert set(about(one, "helps", "not known")) == set(CODES[2:8])


def judged(value: float | None, word: str | None, half: float = 1.0) -> Judged:
    if value is None:
        return Judged(Number(None, missing=("gone",)), None, None)
    return Judged(Number(value, value - half, value + half, word=word, signed=True), 0.1, 1.0)  # type: ignore[arg-type]


def test_what_clearly_helps_is_first_and_what_is_missing_last() -> None:
    donors = {
        "gone": judged(None, None),
        "wide": judged(6.0, "no clear effect", 5.5),
        "sure": judged(1.2, "helps"),
        "surer": judged(1.4, "helps"),
        "harms": judged(-3.0, "harms"),
    }
    assert list(ranked(donors)) == ["surer", "sure", "wide", "harms", "gone"]


def test_of_a_target_that_all_harm_nothing_is_said_to_be_without_effect() -> None:
    teller = Teller(str, str, "points", "points of accuracy", "")
    (one,) = teller.of({"deu": {"tur": judged(-3.0, "harms"), "kaz": judged(-2.0, "harms")}})
    assert (one.role, one.donor, one.more) == ("harms", "tur", 1)
