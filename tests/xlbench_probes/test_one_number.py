"""One number, one interval, one verdict: the same on every surface that shows it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from synthetic import Synthetic

from xlbench.contracts import Curves, Matrix, Number, Page, Table
from xlbench_probes import transfer_advice, transfer_compare, transfer_pages

Key = tuple[Any, ...]
"""Task, quantity, steps, and the languages."""
Said = tuple[float | None, float | None, float | None, str | None]


def said(number: Number) -> Said:
    return number.value, number.low, number.high, number.word


def steps_of(title: str) -> int:
    found = re.search(r"(\d+) steps?", title)
    assert found
    return int(found[1])


def of_table(task: str, table: Table, last: int) -> Iterator[tuple[Key, Number]]:
    """Numbers of tables by what they are, where they are cells, donations or recipiences."""
    for row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        names = {k: v for k, v in cells.items() if isinstance(v, str)}
        transfer, target = names.get("Transfer language"), names.get("Target language")
        for column, x in cells.items():
            if not isinstance(x, Number) or x.value is None:
                continue
            if column == "Donation":
                yield (task, "donation", last, transfer), x
            elif column == "Recipience":
                yield (task, "recipience", last, target), x
            elif column == "Own text":
                yield (task, "effect", last, transfer or target, transfer or target), x
            elif column == "Its effect":
                yield (task, "effect", last, names["Best transfer language"], target), x
            elif column in ("First", "Second"):
                yield (task, "effect", int(cells["Steps"]), transfer, target), x  # type: ignore[call-overload]
            elif column == "Second minus first":
                yield (task, "change", int(cells["Steps"]), transfer, target), x  # type: ignore[call-overload]
            elif column == "Effect" and "Transfer languages for" in table.title:
                yield (task, "effect", steps_of(table.title), transfer, table.title.split(", ")[0][23:]), x


def of_page(page: Page, last: int) -> Iterator[tuple[Key, Number]]:
    for part in page.parts:
        if isinstance(part, Matrix):
            kind = "change" if part.title.startswith("Change") else "effect"
            for f, line in zip(part.rows, part.cells, strict=True):
                for g, x in zip(part.columns, line, strict=True):
                    if x.value is not None:
                        yield (page.task, kind, steps_of(part.title), f, g), x
        elif isinstance(part, Curves):
            kind = {"Donation by steps": "donation", "Recipience by steps": "recipience"}.get(part.title, "")
            for name, line in zip(part.names, part.values, strict=True):
                for k, x in zip(part.x, line, strict=True):
                    if kind and x is not None and x.value is not None:
                        yield (page.task, kind, int(k), name), x
        else:
            yield from of_table(page.task, part, last)


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_no_number_has_two_intervals_or_verdicts(seeds: tuple[int, ...]) -> None:
    study, again = (Synthetic(tasks=("pos", "ner"), seeds=seeds, strength=3.0) for _ in range(2))
    records, last = study.records(), study.steps[-1]
    found: dict[Key, set[Said]] = defaultdict(set)
    surfaces: dict[Key, int] = defaultdict(int)
    shown = list(transfer_pages.pages(records))
    shown += [transfer_advice.advise(records, t, g) for t in study.tasks for g in study.targets]
    shown += transfer_compare.compare(records, again.records())
    for page in shown:
        for key, number in of_page(page, last):
            found[key].add(said(number))
            surfaces[key] += 1
    several = {key: x for key, x in found.items() if len(x) > 1}
    assert not several
    cells = [key for key in found if key[1] == "effect"]
    owned = [key for key in cells if key[3] == key[4]]
    assert len(cells) >= 2 * (len(study.transfer) * len(study.targets) * len(study.steps))
    assert any(surfaces[key] >= 3 for key in cells)
    assert all(surfaces[key] >= 2 for key in owned if key[2] == last and key[3] in shown[0].parts[0].rows)
    for kind in ("donation", "recipience"):
        assert {surfaces[key] for key in found if key[1] == kind and key[2] == last} == {2}


def test_a_comparison_shows_each_study_s_own_numbers() -> None:
    one, other = (Synthetic(seeds=(0, 1, 2), strength=x) for x in (2.0, 9.0))
    sides = [dict(of_page(transfer_pages.pages(x.records())[0], 100)) for x in (one, other)]
    (page,) = transfer_compare.compare(one.records(), other.records())
    table = next(x for x in page.parts if isinstance(x, Table))
    assert len(table.rows) > 3
    for f, g, k, first, second, _ in table.rows:
        key = "pos", "effect", k, f, g
        assert isinstance(first, Number)
        assert isinstance(second, Number)
        assert said(first) == said(sides[0][key])
        assert said(second) == said(sides[1][key])


def test_the_summary_says_what_the_tables_say() -> None:
    study = Synthetic(seeds=(0, 1, 2), strength=6.0)
    (page,) = transfer_pages.pages(study.records())
    numbers = dict(of_page(page, 100))
    donors = [x for key, x in numbers.items() if key[1] == "donation" and key[2] == 100]
    most = max(donors, key=lambda x: x.value or 0.0)
    line = next(x for x in page.summary if "donation" in x)
    assert most.word in ("helps", "harms")
    assert most.word in line
