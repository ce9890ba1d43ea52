"""One number, one interval, one verdict: the same on every surface that shows it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from composed import Drawn, drawn, over
from synthetic import Synthetic

from xlbench.contracts import Curves, Matrix, Number, Page, Table
from xlbench.reporting.page_data import page_data
from xlbench.reporting.provenance import Provenance
from xlbench.scores import Effects, Trial, difference, judge
from xlbench_probes import transfer_advice, transfer_compare, transfer_pages
from xlbench_probes.interference import Interference
from xlbench_probes.interference_scores import Mixture, inflicted, suffered
from xlbench_probes.stacking import Stacking

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
    page, *_ = transfer_pages.pages(study.records())
    numbers = dict(of_page(page, 100))
    donors = [x for key, x in numbers.items() if key[1] == "donation" and key[2] == 100]
    most = max(donors, key=lambda x: x.value or 0.0)
    line = next(x for x in page.summary if "donation" in x)
    assert most.word in ("helps", "harms")
    assert most.word in line


# Probes of language adapters


def table_of(page: Page, title: str) -> dict[str, Mapping[str, Any]]:
    """Rows by what stands first in them."""
    (table,) = [x for x in page.parts if isinstance(x, Table) and x.title == title]
    return {str(row[0]): dict(zip(table.columns, row, strict=True)) for row in table.rows}


def matrix_of(page: Page, title: str) -> dict[tuple[str, str], Number]:
    (matrix,) = [x for x in page.parts if isinstance(x, Matrix) and x.title == title]
    return {
        (f, g): x
        for f, line in zip(matrix.rows, matrix.cells, strict=True)
        for g, x in zip(matrix.columns, line, strict=True)
    }


def mixed(study: Drawn, task: str, mix: str) -> dict[tuple[str, str], Any]:
    """Interference of b on a by (a, b), from the counts alone."""
    trials, before = [], {}
    for job in study.jobs:
        under: Any = job.condition.get("under")
        for cell in job.cells:
            counts = study.evaluate(job, cell).counts
            if cell.task == task and not under:
                before[cell.target] = counts
            elif cell.task == task:
                names = tuple(x["language"] or "random" for x in under["adapters"])
                seed = max([under.get("seed", 0), *(x.get("seed", 0) for x in under["adapters"])])
                trials.append(Trial(Mixture(names, under["mix"]), seed, cell.target, counts))
    effects = Effects(task, study.resolved.tasks[task].metric, before, trials)
    pairs = sorted(
        {x.arm.adapters for x in trials if isinstance(x.arm, Mixture) and len(x.arm.adapters) == 2}
    )
    return {
        (a, b): difference(effects.effect(Mixture(one, mix), a), effects.effect(Mixture((a,)), a))
        for one in pairs
        for a, b in (one, one[::-1])
        if "random" not in one and a in before
    }


def test_what_is_inflicted_and_suffered_is_one_family_each() -> None:
    study = drawn(over(options={"mixes": ["average"], "sizes": [2]}, seeds=(0, 1, 2)))
    page = next(x for x in Interference().pages(study.records()) if x.task == "tags")
    pairs = mixed(study, "tags", "average")
    languages = dict.fromkeys(x for pair in pairs for x in pair)
    for title, ask in (("Interference inflicted", inflicted), ("Interference suffered", suffered)):
        family = {x: ask(pairs, x) for x in languages}
        wanted = judge({x: y for x, y in family.items() if y.value is not None})
        rows = {x.rpartition("(")[2][:3]: row for x, row in table_of(page, title).items()}
        for x, one in wanted.items():
            found = rows[x]["average"]
            assert found.value == pytest.approx(one.number.value)
            assert (found.low, found.high) == pytest.approx((one.number.low, one.number.high))
            assert found.word == one.number.word
        apart = [abs(y.number().low - wanted[x].number.low) for x, y in family.items() if x in wanted]
        assert max(apart) > 0.05  # an interval of its own seeds alone is another


def test_a_mean_of_one_pair_is_that_pair() -> None:
    options = {"mixes": ["average"], "sets": ["qaa+qab"], "random": False}
    study = drawn(over(options=options, seeds=(0, 1, 2)))
    page = next(x for x in Interference().pages(study.records()) if x.task == "tags")
    cells = matrix_of(page, "Interference on tags, average")
    names = list(table_of(page, "Interference inflicted"))
    for one, other in (names, names[::-1]):
        assert said(table_of(page, "Interference inflicted")[one]["average"]) == said(cells[one, other])
        assert said(table_of(page, "Interference suffered")[other]["average"]) == said(cells[one, other])
    both = over(("stacking",), seeds=(0, 1, 2))
    both = dataclasses.replace(both, targets=dict.fromkeys(both.tasks, ("qaa", "qae")))
    page = Stacking().pages(drawn(both, Stacking()).records())[0]
    cells = matrix_of(page, f"Stacking under {page.task}")
    (own,) = [x for (f, g), x in cells.items() if f == g]
    kinds = table_of(page, "Change of the score with a language adapter beneath the task adapter")
    assert own.word is not None
    assert said(kinds["own"]["Change"]) == said(own)


def test_a_warning_of_stacking_rests_on_the_numbers_of_the_matrix() -> None:
    """Whichever page warns: the interval is that of the matrix, which all its cells back."""
    seen = 0
    for stack in np.linspace(-0.06, -0.02, 9):
        study = drawn(over(("stacking", "interference"), {"mixes": ["average"], "sizes": [2]}, seeds=(0, 1)))
        study.stack = float(stack)
        jobs = {x.condition_key: x for x in (*study.jobs, *Stacking().jobs(study.resolved))}
        study.jobs = list(jobs.values())
        records = study.records()
        for page, other in zip(Stacking().pages(records), Interference().pages(records), strict=True):
            cells = matrix_of(page, f"Stacking under {page.task}")
            own = [(f, x) for (f, g), x in cells.items() if f == g]
            wanted = [f"{f} {x.text()}" for f, x in own if x.high is not None and x.high < -2]
            for warnings in (page.warnings, other.warnings):
                (line,) = warnings or ("",)
                assert re.findall(r"\w+ \(\w+\) [-+0-9.]+(?=[,;])", line) == wanted
            seen += bool(wanted)
    assert 2 <= seen <= 16


def test_the_report_has_the_numbers_of_the_tables() -> None:
    study = Synthetic(seeds=(0, 1, 2), strength=3.0)
    made_by = Provenance("tiny", "xlbench run", "", ())
    for page in transfer_pages.pages(study.records()):
        told = json.loads(json.dumps(page_data("transfer", page, made_by, study.languages)))
        for part, shown in zip(page.parts, told["parts"], strict=True):
            if isinstance(part, Matrix):
                pairs = zip((x for line in part.cells for x in line),
                            (x for line in shown["cells"] for x in line), strict=True)  # fmt: skip
                found = [(x, y[:4]) for x, y in pairs if isinstance(y, list)]
                assert found
                assert all(said(x) == tuple(y) for x, y in found)
            else:
                table = part.table() if isinstance(part, Curves) else part
                for row, line in zip(table.rows, shown["rows"], strict=True):
                    for x, y in zip(row, line, strict=True):
                        if isinstance(x, Number) and x.value is not None:
                            assert said(x) == (y["value"], y.get("low"), y.get("high"), y.get("word"))
