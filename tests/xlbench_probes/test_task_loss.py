"""Task loss on pages: a second score, with effects, intervals and verdicts of its own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from synthetic import Synthetic

from xlbench.contracts import Matrix, Number, Page, Record, Records, Table
from xlbench_probes import transfer_pages, zero_shot_pages

STUDY = Synthetic(losses=True, examples=40, steps=(1, 10), controls=("target",))
RECORDS = STUDY.records()
LAST = 10


def loss_of(target: str, text: str | None = None, seed: int | None = None) -> float:
    """Nats per decision of one evaluation, by a plain sum."""
    for record in RECORDS.records:
        condition: Any = record.condition
        own = (condition["text"]["language"], condition["seed"]) if "text" in condition else (None, None)
        at = condition.get("steps", LAST) == LAST and record.evaluation.cell.target == target
        if at and own == (text, seed):
            loss = record.evaluation.loss
            assert loss is not None
            return sum(float(x) for x in loss[:, 0]) / sum(int(x) for x in loss[:, 1])
    raise AssertionError("no such evaluation")


def reduction(text: str, target: str) -> float:
    return loss_of(target) - float(np.mean([loss_of(target, text, seed) for seed in STUDY.seeds]))


def transfer(records: Records) -> Page:
    return next(x for x in transfer_pages.pages(records) if x.task == "pos")


def code(label: Any) -> str:
    return str(label)[-4:-1]


def part(page: Page, title: str) -> Any:
    (found,) = (x for x in page.parts if x.title.startswith(title))
    return found


def test_the_zero_shot_page_has_the_mean_task_loss_with_its_interval() -> None:
    (page,) = zero_shot_pages.pages(RECORDS)
    (table,) = page.parts
    assert isinstance(table, Table)
    place = table.columns.index("Task loss")
    for row in table.rows:
        found = row[place]
        assert isinstance(found, Number)
        assert found.value == pytest.approx(loss_of(code(row[0])))
        assert found.low is not None
        assert found.high is not None
        assert 0 < found.low < found.value < found.high
    assert "in nats" in table.note


def test_effects_on_the_loss_are_reductions_with_verdicts_of_their_own() -> None:
    page = transfer(RECORDS)
    matrix = part(page, "Task loss on pos, 10 steps")
    assert isinstance(matrix, Matrix)
    for f, row in zip(matrix.rows, matrix.cells, strict=True):
        for g, cell in zip(matrix.columns, row, strict=True):
            assert cell.value == pytest.approx(reduction(code(f), code(g)), abs=1e-12)
            assert dict(cell.details)["Loss before"] == pytest.approx(loss_of(code(g)))
            assert cell.word in ("helps", "harms", "no clear effect")
    clear = {cell.word for row in matrix.cells for cell in row}
    assert {"helps", "harms"} <= clear
    table = part(page, "Task loss by transfer language")
    for label, number, _ in table.rows:
        others = [g for g in STUDY.targets if g != code(label)]
        assert number.value == pytest.approx(np.mean([reduction(code(label), g) for g in others]), abs=1e-12)
    assert "positive: the target gains" in table.note
    assert any(
        "Reduction of the task loss over all pairs" in x and "nats per decision" in x for x in page.summary
    )


def test_the_loss_has_one_table_and_one_matrix_and_changes_no_other_part() -> None:
    without = transfer(replace(RECORDS, records=tuple(
        replace(x, evaluation=replace(x.evaluation, loss=None)) for x in RECORDS.records
    )))  # fmt: skip
    page = transfer(RECORDS)
    assert page.parts[: len(without.parts)] == without.parts
    assert [x.title for x in page.parts[len(without.parts) :]] == [
        "Task loss by transfer language, 10 steps",
        "Task loss on pos, 10 steps",
    ]
    assert [x for x in page.summary if "loss" not in x] == [x for x in without.summary if "loss" not in x]


def test_older_results_say_that_no_loss_is_stored_and_keep_all_else() -> None:
    old = Synthetic(examples=40, steps=(1, 10), controls=("target",)).records()
    (zero,) = zero_shot_pages.pages(old)
    (table,) = zero.parts
    assert "Task loss" not in table.columns
    assert "No task loss is stored" in table.note
    page = transfer(old)
    assert not [x for x in page.parts if "loss" in x.title]
    assert any("No task loss is stored" in x for x in page.summary)


def test_what_needs_a_loss_that_an_earlier_xlbench_did_not_store_is_empty_never_a_mean_of_the_rest() -> None:
    def drop(record: Any) -> Any:
        condition = record.condition
        old = (
            condition.get("steps") == LAST
            and condition["seed"] == 1
            and record.evaluation.cell.target == "qae"
        )
        return replace(record, evaluation=replace(record.evaluation, loss=None)) if old else record

    page = transfer(replace(RECORDS, records=tuple(map(drop, RECORDS.records))))
    matrix = part(page, "Task loss on pos")
    empty = {
        code(g) for row in matrix.cells for g, x in zip(matrix.columns, row, strict=True) if x.value is None
    }
    assert empty == {"qae"}
    gap = matrix.cells[0][[code(g) for g in matrix.columns].index("qae")]
    assert any("no task loss stored" in x for x in gap.missing)
    assert any("No task loss is stored with 5 evaluations" in x for x in page.summary), page.summary
    scores = part(page, "Effect on pos, 10 steps")
    assert all(x.value is not None for row in scores.cells for x in row)


def test_gains_in_loss_stand_beside_effects_where_adapters_are_retrained() -> None:
    """Retrained adapters have nine tenths of the loss of those put back, on the same examples."""
    jobs, records = list(RECORDS.expected), list(RECORDS.records)
    for job in STUDY.jobs:
        if job.probe == "transfer":
            again = replace(job, condition={**job.condition, "reading": "retrained"})
            jobs.append(again)
            for one in STUDY.evaluate(job):
                assert one.loss is not None
                less = replace(one, loss=one.loss * np.array([0.9, 1], np.float32))
                records.append(Record("transfer", 1, again.condition, again.condition_key, less))
    page = transfer(replace(RECORDS, expected=tuple(jobs), records=tuple(records)))
    table = part(page, "Task loss by transfer language")
    assert table.columns == (
        "Transfer language", "Effect", "Minimum detectable effect", "Gain", "Minimum detectable gain",
    )  # fmt: skip
    gains = part(page, "Task loss, gain on pos, 10 steps")
    assert part(page, "Task loss on pos, 10 steps").cells != gains.cells
    for f, row in zip(gains.rows, gains.cells, strict=True):
        for g, cell in zip(gains.columns, row, strict=True):
            after = loss_of(code(g)) - reduction(code(f), code(g))
            assert cell.value == pytest.approx(loss_of(code(g)) - 0.9 * after, abs=1e-6)
            assert cell.word in ("helps", "harms", "no clear effect")
    (line,) = (x for x in page.summary if x.startswith("Reduction of the task loss"))
    assert "put back" in line
    assert "retrained" in line
