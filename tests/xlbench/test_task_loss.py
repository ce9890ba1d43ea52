"""Task loss of each example: stored beside the counts, read again, and missing where it was never stored."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import METRICS, unsealed

from xlbench.contracts import Cell, Evaluation, Job
from xlbench.errors import JobError
from xlbench.metrics.task_loss import TASK_LOSS, checked_loss, mean_loss
from xlbench.results import Store
from xlbench.results.upkeep import merge, verify

CELLS = tuple(Cell("pos", x, "made") for x in ("qaa", "qab", "qac"))
JOB = Job("zero-shot", 1, {"model": "m"}, CELLS, "zero-shot")
COUNTS = np.array([[1, 2], [3, 3], [0, 4]], np.int32)
LOSS = np.array([[0.25, 2], [0.0, 0], [7.5, 4]])


def stored(path: Path, losses: Any) -> Store:
    """A folder with one job whose cells have these losses."""
    store = Store(path)
    store.prepare()
    made = [Evaluation(x, COUNTS, loss=loss) for x, loss in zip(CELLS, losses, strict=True)]
    store.write(JOB, made, {}, METRICS)
    return store


def read(store: Store) -> list[Any]:
    return [x.evaluation.loss for x in store.read(store.index()[JOB.condition_key])]


def test_losses_come_back_each_with_its_cell_and_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    found = read(stored(tmp_path, [LOSS, None, 2 * LOSS]))
    np.testing.assert_array_equal(found[0], LOSS)
    assert found[1] is None
    np.testing.assert_array_equal(found[2], 2 * LOSS)


@given(st.lists(st.tuples(st.floats(0, 1e6, width=32), st.integers(1, 2**24)), min_size=3, max_size=3))
def test_any_loss_is_stored_with_32_bits(rows: list[tuple[float, int]]) -> None:
    loss = np.array(rows)
    assert checked_loss(loss, 3, "here").dtype == np.float32
    np.testing.assert_array_equal(checked_loss(loss, 3, "here"), loss)
    assert mean_loss(loss) == pytest.approx(sum(x for x, _ in rows) / sum(n for _, n in rows))
    assert float(TASK_LOSS.score(loss.sum(axis=0))) == pytest.approx(-(mean_loss(loss) or 0.0))


def test_a_file_without_any_loss_is_as_an_earlier_xlbench_wrote_it(tmp_path: Path) -> None:
    store = stored(tmp_path, [None] * 3)
    (path,) = (tmp_path / "jobs").glob("*.parquet")
    assert pq.read_schema(path).names == [
        *("task", "target", "data", "limit", "n", "k", "counts", "score", "truncated", "extra")
    ]
    assert read(store) == [None] * 3
    assert store.frame(None, METRICS)[0]["task_loss"].isna().all()


def test_the_loss_is_no_part_of_the_identity_and_an_earlier_reader_finds_all_its_columns(
    tmp_path: Path,
) -> None:
    stored(tmp_path / "with", [LOSS] * 3)
    stored(tmp_path / "without", [None] * 3)
    one, other = (next((tmp_path / x / "jobs").glob("*.parquet")) for x in ("with", "without"))
    assert one.name == other.name
    old = pq.read_schema(other)
    new = pq.read_schema(one)
    assert new.names[: len(old.names)] == old.names
    assert [new.field(x).type for x in old.names] == [old.field(x).type for x in old.names]
    assert new.metadata[b"schema"] == old.metadata[b"schema"]


def test_the_table_of_scores_has_the_mean_loss_of_each_cell(tmp_path: Path) -> None:
    frame, damaged = stored(tmp_path, [LOSS, None, 0 * LOSS]).frame(None, METRICS)
    assert not damaged
    assert frame["task_loss"][0] == pytest.approx(7.75 / 6)
    assert frame["task_loss"].isna().tolist() == [False, True, True], "a loss without a decision is none"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (LOSS[:2], "the loss has shape (2, 2), not (3, 2)"),
        (LOSS[:, 0], "the loss has shape (3,), not (3, 2)"),
        (LOSS.astype(str), "not (3, 2): nats and decisions"),
        ([[0.25, 2], [np.nan, 1], [1, 1]], "example 2: the loss is nan nats over 1 decisions"),
        ([[0.25, 2], [1, 1], [np.inf, 1]], "example 3: the loss is inf nats"),
        ([[-0.5, 2], [1, 1], [1, 1]], "example 1: the loss is -0.5 nats"),
        ([[0.5, 1.5], [1, 1], [1, 1]], "example 1: the loss is 0.5 nats over 1.5 decisions"),
        ([[0.5, -1], [1, 1], [1, 1]], "over -1 decisions"),
        ([[0.5, 0], [1, 1], [1, 1]], "example 1: the loss is 0.5 nats over 0 decisions"),
    ],
)
def test_a_loss_that_is_none_stops_the_job_with_its_place(tmp_path: Path, loss: Any, said: str) -> None:
    with pytest.raises(JobError) as error:
        stored(tmp_path, [LOSS, np.asarray(loss), LOSS])
    assert str(error.value).startswith("task 'pos' in qab")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_loss_that_lost_an_example_is_damage(tmp_path: Path) -> None:
    store = stored(tmp_path, [LOSS] * 3)
    (path,) = (tmp_path / "jobs").glob("*.parquet")
    unsealed(path, nats=[[0.25, 0.0, 7.5], [0.25, 0.0], [0.25, 0.0, 7.5]])
    assert "its task loss is not complete" in " ".join(verify(store, METRICS).problems)


def test_folders_with_and_without_loss_are_merged_as_the_same_scores(tmp_path: Path) -> None:
    old, new = stored(tmp_path / "old", [None] * 3), stored(tmp_path / "new", [LOSS] * 3)
    found = merge(old, [new])
    assert (found.same, found.copied, found.different) == (1, 0, [])
    assert read(old) == [None] * 3, "what was there stays"
    assert not verify(new, METRICS).problems
    into = Store(tmp_path / "into")
    merge(into, [new])
    np.testing.assert_array_equal(read(into)[0], LOSS)
