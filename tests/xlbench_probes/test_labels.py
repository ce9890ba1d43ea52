"""Shares of predicted labels: counted by the Lab, kept beside results, and shown where they move."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import Synthetic

from xlbench.contracts import Evaluation, Record, Records, Resolved, Table
from xlbench.lab import Lab
from xlbench_probes import transfer_pages, zero_shot_pages
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot

TITLE = "Predicted labels that moved"


def test_shares_are_those_of_what_is_predicted(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1)
    job = ZeroShot().job(resolved, "tags")
    found = ZeroShot().run(job, lab)
    for one, predicted in zip(found, lab.predict(job.cells), strict=True):
        gold = lab.encoded("tags", one.cell.target, "test").gold
        words = sum(map(len, gold))
        told = Counter(x for sentence in predicted for x in sentence)
        told.pop(None, None)
        expected = {f"predicted.{x}": 100 * n / words for x, n in told.items()}
        expected |= {f"gold.{x}": 100 * n / words for x, n in Counter(x for s in gold for x in s).items()}
        assert {k: v for k, v in one.extra.items() if k != "majority"} == pytest.approx(expected)
    pairs = ZeroShot().run(ZeroShot().job(resolved, "pairs"), lab)
    assert all(x.extra.keys() == {"majority"} for x in pairs)
    assert job.identity == ZeroShot().job(resolved, "tags").identity


def told(records: Records, noun: dict[tuple[str, str], float]) -> Records:
    """The records with a share of NOUN by transfer language ("" is zero-shot) and target; VERB has the
    rest.
    """

    def with_shares(one: Record) -> Record:
        text = one.condition.get("text")
        donor = str(text["language"]) if isinstance(text, dict) else ""
        share = noun.get((donor, one.evaluation.cell.target))
        if share is None or (donor and one.condition["variant"] != "plain"):
            return one
        share += 2 if one.condition.get("seed") == 1 else 0
        shares = {
            "gold.NOUN": 30.0,
            "gold.VERB": 70.0,
            "predicted.NOUN": share,
            "predicted.VERB": 100 - share,
        }
        old = one.evaluation
        extra = {**old.extra, **shares}
        return replace(one, evaluation=Evaluation(old.cell, old.counts, old.truncated, extra))

    return replace(records, records=tuple(map(with_shares, records.records)))


@pytest.fixture(scope="module")
def records() -> Records:
    return Synthetic(examples=40, tasks=("pos",), seeds=(0, 1)).records()


def moved(records: Records) -> list[Table]:
    (page, *_) = transfer_pages.pages(records)
    return [x for x in page.parts if isinstance(x, Table) and x.title.startswith(TITLE)]


def test_labels_that_moved_are_shown_and_others_are_not(records: Records) -> None:
    f, g, other = records.study["transfer"][0], *records.study["targets"][1:3]  # type: ignore[index]
    before = {("", g): 40.0, ("", other): 35.0}
    # Means over seeds: +9 and +4.
    (table,) = moved(told(records, {**before, (f, g): 48.0, (f, other): 38.0}))
    assert table.columns[2:] == ("Label", "Gold", "Zero-shot", "After", "Moved")
    assert [x[2:] for x in table.rows] == [
        ("NOUN", "30.0", "40.0", "49.0", "+9.0"), ("VERB", "70.0", "60.0", "51.0", "-9.0"),
    ]  # fmt: skip
    assert {str(x[0])[-4:-1] for x in table.rows} == {f}
    assert {str(x[1])[-4:-1] for x in table.rows} == {g}


def test_results_of_earlier_versions_have_no_such_table(records: Records) -> None:
    f, g = records.study["transfer"][0], records.study["targets"][1]  # type: ignore[index]
    assert moved(records) == []
    assert moved(told(records, {(f, g): 90.0})) == []
    assert moved(told(records, {("", g): 10.0})) == []


def test_a_zero_shot_page_names_labels_far_from_gold(records: Records) -> None:
    g, other = records.study["targets"][1:3]  # type: ignore[index]
    (page,) = zero_shot_pages.pages(told(records, {("", g): 45.0, ("", other): 38.0}))
    (line,) = (x for x in page.summary if x.startswith("Labels predicted"))
    assert f"({g}) NOUN 45% (gold 30%)" in line
    assert f"({g}) VERB 55% (gold 70%)" in line
    assert f"({other})" not in line
    assert not any(x.startswith("Labels") for x in zero_shot_pages.pages(records)[0].summary)


def test_a_transfer_job_keeps_them_too(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1)
    job = next(x for x in Transfer().jobs(resolved) if x.probe == "transfer" and x.cells[0].task == "tags")
    found = Transfer().run(job, lab)
    for one, predicted in zip(found, lab.predict(job.cells), strict=True):
        read = [x is not None for sentence in predicted for x in sentence]
        shares = [v for k, v in one.extra.items() if k.startswith("predicted.")]
        assert sum(shares) == pytest.approx(100 * sum(read) / len(read))
