"""What opens a transfer page and ends a run: who is helped by text of what kin, how sure, and the checks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from synthetic import CODES, Synthetic

from xlbench.contracts import Matrix, Number, Page, Records, Table
from xlbench.reporting import Provenance, markdown, terminal
from xlbench.reporting.page_data import page_data
from xlbench_probes import transfer_pages

OTHERS = CODES[5:]
"""Languages of a second family; of the last one it is not known."""


def study(**settings: object) -> Records:
    made = Synthetic(**{"steps": (100,), "strength": 8.0, "examples": 150, **settings})  # type: ignore[arg-type]
    families = {x: "Second" if x in OTHERS else "First" for x in CODES}
    languages = {x: replace(y, family=families[x]) for x, y in made.languages.items()}
    return replace(made.records(), languages=languages)


@pytest.fixture(scope="module")
def page() -> Page:
    found, *_ = transfer_pages.pages(study())
    return found


def rows(page: Page) -> dict[tuple[object, object], tuple[object, Number]]:
    table = page.parts[0]
    assert isinstance(table, Table)
    assert table.columns == ("Targets", "Text", "Pairs", "Effect")
    return {(x[0], x[1]): (x[2], x[3]) for x in table.rows}  # type: ignore[misc]


def matrix(page: Page) -> dict[tuple[str, str], Number]:
    found = next(x for x in page.parts if isinstance(x, Matrix))
    return {
        (f[-4:-1], g[-4:-1]): x
        for f, line in zip(found.rows, found.cells, strict=True)
        for g, x in zip(found.columns, line, strict=True)
    }


def test_each_group_is_the_mean_of_its_pairs(page: Page) -> None:
    """Transfer languages a to d are of the first family, targets c to h; a to e are seen."""
    cells = {pair: x.value for pair, x in matrix(page).items()}
    found = rows(page)
    groups = {
        ("seen", "same family"): [(f, g) for f in CODES[:4] for g in CODES[2:5] if f != g],
        ("unseen", "other family"): [(f, g) for f in CODES[:4] for g in CODES[5:8]],
    }
    for group, pairs in groups.items():
        number, mean = found[group]
        assert number == len(pairs)
        assert mean.value == pytest.approx(sum(cells[x] or 0 for x in pairs) / len(pairs))
        assert mean.low is not None
        assert mean.word is not None
    assert ("unseen", "same family") not in found
    assert found["seen", "own or same family, shuffled"][0] == 4 * 3
    assert next(iter(found))[0] == "unseen"


def test_own_text_is_of_all_targets_that_have_some(page: Page) -> None:
    """Of the seen targets c, d, e, and of f, g, h by the control."""
    assert rows(page)["seen", "own"][0] == 3
    assert rows(page)["unseen", "own"][0] == 3


def test_a_lone_pair_has_the_verdict_of_the_matrix() -> None:
    one, *_ = transfer_pages.pages(study(transfer=CODES[:1], targets=CODES[1:3], controls=()))
    assert rows(one)["seen", "same family"][0] == 2
    lone, *_ = transfer_pages.pages(study(transfer=CODES[:2], targets=CODES[1:2], controls=()))
    for kin, text in (("same family", CODES[0]), ("own", CODES[1])):
        assert rows(lone)["seen", kin] == (1, replace(matrix(lone)[text, CODES[1]], details=()))


def test_a_family_that_is_not_known_is_no_kin() -> None:
    records = study()
    one, *_ = transfer_pages.pages(
        replace(records, languages={x: y for x, y in records.languages.items() if x != CODES[2]})
    )
    found = rows(one)
    assert found["seen", "another language"][0] == 3 + 2  # to c from a, b, d; from c to d and e


def test_names_those_that_are_clearly_helped(page: Page) -> None:
    clear = {pair: x for pair, x in matrix(page).items() if x.word == "helps" and pair[0] != pair[1]}
    (line,) = [x for x in page.answer if x.startswith("Clearly helped")]
    assert line.startswith(f"Clearly helped: {len(clear)} of 22 pairs of different languages: ")
    first = max(clear, key=lambda pair: clear[pair].value or 0)
    text = line.split(": ")[2].split(";")[0]
    assert f"({first[1]}) by text of" in text
    assert f"({first[0]}), {clear[first].text()} points (95% CI" in text
    basis = (
        "In points of accuracy, after 100 steps; 3 fine-tuning seeds x 1 task adapter; 150 test examples per"
    )
    assert any(line.startswith(basis) for line in page.answer)


def test_says_that_nothing_helps_where_nothing_does() -> None:
    one, *_ = transfer_pages.pages(study(strength=0.0))
    assert {"Clearly helped: none.", "Clearly harmed: none."} <= set(one.answer)


def test_one_seed_claims_nothing() -> None:
    one, *_ = transfer_pages.pages(study(seeds=(0,)))
    assert not any("Clearly" in line for line in one.answer)
    assert "this run only" in " ".join(one.answer)
    assert {x.word for _, x in rows(one).values()} == {"this run only"}


def test_a_page_opens_with_the_answer(page: Page) -> None:
    console = Console(width=120, record=True)
    with console.capture() as capture:
        for piece in terminal([page]):
            console.print(piece)
    whole = capture.get()
    assert whole.index(page.answer[0][:40]) < whole.index(page.checks[0].name + ":")
    assert page.parts[1].title in whole


def test_every_form_of_the_page_opens_with_the_answer(page: Page) -> None:
    text = markdown(page, Provenance("tiny", "xlbench run", "", ()), {})
    assert text.index("Clearly helped") < text.index("- **Own text lowers")
    assert page_data("transfer", page, Provenance("tiny", "", "", ()), {})["answer"][0] == page.answer[0]
