"""Tidy tables have the numbers of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from composed import drawn, over
from statsmodels.stats.multitest import multipletests
from synthetic import CODES, NAMES, Synthetic

from xlbench.contracts import Frames, Job, Matrix, Number, Page, Records, Table
from xlbench.probing import Reading
from xlbench_probes.arms import Arm
from xlbench_probes.interference import Interference
from xlbench_probes.stacking import Stacking
from xlbench_probes.transfer import Transfer
from xlbench_probes.transfer_view import View

LABELS = {f"{name} ({code})": code for code, name in zip(CODES, NAMES, strict=True)}


def rows(probe: Any, records: Records, name: str) -> list[Mapping[str, Any]]:
    assert isinstance(probe, Frames)
    return list(probe.frames(records)[name])


def matrix(page: Page, title: str) -> dict[tuple[str, str], Number]:
    (found,) = [x for x in page.parts if isinstance(x, Matrix) and x.title == title]
    return {
        (f, g): x
        for f, line in zip(found.rows, found.cells, strict=True)
        for g, x in zip(found.columns, line, strict=True)
    }


def column(page: Page, title: str, name: str) -> dict[str, Number]:
    (table,) = [x for x in page.parts if isinstance(x, Table) and x.title == title]
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}  # type: ignore[misc]


def same(row: Mapping[str, Any], number: Number) -> bool:
    found = (row["effect"], row["low"], row["high"], row["verdict"])
    return found == (number.value, number.low, number.high, number.word)


def test_effects_donations_and_recipiences_are_those_of_the_pages() -> None:
    records = Synthetic(tasks=("pos", "ner"), strength=8.0, examples=50, controls=("target",)).records()
    pages = {x.task: x for x in Transfer().pages(records) if not x.topic}
    effects = rows(Transfer(), records, "effects")
    for task in ("pos", "ner"):
        for steps in (1, 100):
            own = [x for x in effects if (x["task"], x["steps"]) == (task, steps)]
            there = matrix(pages[task], f"Effect on {task}, {steps} step{'s' * (steps > 1)}")
            cells = {(LABELS[f], LABELS[g]): x for (f, g), x in there.items() if x.value is not None}
            of_matrix = {(x["transfer"], x["target"]): x for x in own if x["transfer"] in CODES[:4]}
            assert of_matrix.keys() == cells.keys()
            assert all(same(of_matrix[pair], x) for pair, x in cells.items())
            assert all(x["own_text"] == (x["transfer"] == x["target"]) for x in own)
            assert {x["n"] for x in own} == {50}
            assert {x["seeds"] for x in own} == {3}
        donations = {
            x["transfer"]: x
            for x in rows(Transfer(), records, "donations")
            if (x["task"], x["steps"]) == (task, 100)
        }
        shown = column(pages[task], "Transfer languages by donation, 100 steps", "Donation")
        assert len(shown) == len(donations) == 4
        assert all(same(donations[LABELS[name]], x) for name, x in shown.items())
        assert donations[CODES[0]]["n"] == 6 * 50
        assert donations[CODES[2]]["n"] == 5 * 50
        received = {
            x["target"]: x
            for x in rows(Transfer(), records, "recipiences")
            if (x["task"], x["steps"]) == (task, 100)
        }
        shown = column(pages[task], "Targets by recipience, 100 steps", "Recipience")
        assert all(same(received[LABELS[name]], x) for name, x in shown.items())
    assert {x["verdict"] for x in effects} == {"helps", "harms", "no clear effect"}


def test_q_is_the_corrected_p_of_its_table_and_makes_the_verdict() -> None:
    records = Synthetic(strength=4.0, examples=50, controls=()).records()
    found = {
        (x["transfer"], x["target"]): x
        for x in rows(Transfer(), records, "effects")
        if x["steps"] == 100 and x["transfer"] in CODES[:4]
    }
    judged = View.of(Reading(records), "pos").judged_effects(100)
    wanted = multipletests([x.p for x in judged.values()], method="fdr_bh")[1]
    for pair, q in zip(judged, wanted, strict=True):
        assert found[pair]["q"] == pytest.approx(q, abs=1e-12)
        assert (found[pair]["verdict"] != "no clear effect") == (q <= 0.05)
    assert 0 < sum(x["q"] <= 0.05 for x in found.values()) < len(found)


def test_an_adaptive_study_has_the_q_of_its_sequential_tests() -> None:
    study = Synthetic(strength=8.0, examples=50, controls=(), steps=(100,))
    study.study["adaptive"] = True
    left = {(CODES[1], CODES[5]), (CODES[0], CODES[7])}

    def dropped(job: Job, cell: Any) -> bool:
        return (job.label[:3], cell.target) in left and "seed 0" not in job.label and job.probe == "transfer"

    kept = tuple(replace(job, cells=tuple(x for x in job.cells if not dropped(job, x))) for job in study.jobs)
    records = study.records(dropped, expected=kept)
    found = rows(Transfer(), records, "effects")
    followed = View.of(Reading(records), "pos").followed
    for x in found:
        one = followed[Arm(x["transfer"], 100), x["target"]]
        seeds = 1 if (x["transfer"], x["target"]) in left else 3
        assert (x["seeds"], one.seeds) == (seeds, seeds)
        assert x["q"] == one.q >= one.p
        assert (x["q"] <= 0.05) == (x["verdict"] in ("helps", "harms"))
    assert {x["verdict"] for x in found} == {"helps", "harms", "no clear effect"}


def test_one_seed_has_no_q_and_what_is_missing_is_named() -> None:
    one = Synthetic(seeds=(0,), controls=()).records()
    assert {(x["q"], x["verdict"], x["seeds"]) for x in rows(Transfer(), one, "effects")} == {
        (None, "this run only", 1)
    }

    def gone(job: Job, cell: Any) -> bool:
        return job.label.startswith(f"{CODES[1]}, 100 steps, seed 1") and cell.target == CODES[4]

    part = Synthetic(controls=()).records(gone)
    (hole,) = [x for x in rows(Transfer(), part, "effects") if x["effect"] is None]
    assert (hole["transfer"], hole["target"], hole["steps"]) == (CODES[1], CODES[4], 100)
    assert (hole["low"], hole["verdict"], hole["seeds"], hole["n"]) == (None, None, None, 60)
    assert "not run yet" in hole["missing"]
    means = [x for x in rows(Transfer(), part, "donations") if x["effect"] is None]
    assert [(x["transfer"], x["steps"], x["seeds"]) for x in means] == [(CODES[1], 100, None)]


def test_interference_and_stacking_are_those_of_their_matrices() -> None:
    study = drawn(over(options={"mixes": ["average", "untrained"], "sizes": [2, 3]}, seeds=(0, 1)))
    records = study.records()
    page = next(x for x in Interference().pages(records) if x.task == "tags")
    found = [x for x in rows(Interference(), records, "interference") if x["task"] == "tags"]
    for mix, called in (("average", "average"), ("untrained", "untrained fusion")):
        whole = matrix(page, f"Interference on tags, {called}")
        cells = {k: x for k, x in whole.items() if x.value is not None}
        own = {(x["partners"], x["language"]): x for x in found if x["composition"] == mix}
        by_code = {(f[-4:-1], g[-4:-1]): x for (f, g), x in cells.items()}
        assert len(own) == len(by_code) == 9
        assert all(same(own[pair], x) for pair, x in by_code.items())
        assert all(x["combined"] - x["alone"] == pytest.approx(x["effect"]) for x in own.values())
    sets = [x for x in rows(Interference(), records, "interference_sets") if x["task"] == "tags"]
    (larger,) = [x for x in page.parts if isinstance(x, Table) and x.title == "Sets of three and more"]
    assert len(sets) == 2 * len(larger.rows) > 0
    assert sets[0]["effect"] in [x.value for x in larger.rows[0] if isinstance(x, Number)]
    both = drawn(over(("stacking",), seeds=(0, 1)), Stacking()).records()
    page = next(x for x in Stacking().pages(both) if x.task == "tags")
    cells = {(f[-4:-1], g[-4:-1]): x for (f, g), x in matrix(page, "Stacking under tags").items()}
    stacked = [x for x in rows(Stacking(), both, "stacking") if x["task"] == "tags"]
    found_ = {(x["adapter"] if x["adapter"] != "random" else "ndo", x["target"]): x for x in stacked}
    assert found_.keys() == cells.keys()
    assert all(same(found_[pair], x) for pair, x in cells.items())
