"""What a metric counts and scores is kept as it is, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import pearsonr

from xlbench.contracts import Cell, Evaluation, Job, Metric, Resolved
from xlbench.errors import JobError, ResultsError
from xlbench.lab import Lab
from xlbench.metrics.counting import checked, counted, scored
from xlbench.results import Store
from xlbench.scores import Effects, Trial
from xlbench_probes.arms import Arm

WHERE = "task 'odd' (plugin 'odd' of xlbench-odd 0.3) in qaa"


def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.asarray(sums)[..., 1]
    return 100 * np.divide(sums[..., 0], whole, out=np.zeros_like(whole, np.float64), where=whole != 0)


def correlation(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's, in points, of sums of (x, y, x^2, y^2, xy, n)."""
    x, y, xx, yy, xy, n = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    below = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    found = np.divide(100 * (n * xy - x * y), below, out=np.zeros_like(below), where=below > 1e-9)
    return np.clip(found, -100, 100)


SHARE = Metric("share", ("part", "whole"), lambda gold, said: (said, gold), share)
PEARSON = Metric(
    "Pearson", ("x", "y", "xx", "yy", "xy", "n"),
    lambda x, y: (x, y, x * x, y * y, x * y, 1), correlation, lowest=-100, highest=100, counts="real",
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 9)), min_size=1, max_size=6))
def test_whole_counts_come_back_as_they_are(rows: list[tuple[int, int]]) -> None:
    found = checked(SHARE, rows, WHERE)
    assert found.dtype == np.int32
    assert found.tolist() == [list(x) for x in rows]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.65, "counts 0.65 as 'part', not a whole number"),
        (float("nan"), "counts nan as 'part', which is not finite"),
        (float("-inf"), "counts -inf as 'part', which is not finite"),
        (2**31, "counts 2147483648 as 'part'; whole counts are from -2147483648 to 2147483647"),
        (-(2**40), "from -2147483648 to 2147483647"),
        (10**400, "which is not finite"),
        ("1", "counts '1' as 'part', which is not a number"),
        (None, "counts None as 'part', which is not a number"),
        (np.float32(0.5), "not a whole number"),
    ],
)
def test_what_is_no_whole_count_is_named_with_example_and_column(value: Any, said: str) -> None:
    with pytest.raises(JobError) as error:
        counted(SHARE, [1, 1, 1], [1, value, 1], WHERE)
    assert str(error.value).startswith(f"{WHERE}, example 2: share ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("row", [(1,), (1, 2, 3), 7])
def test_counts_of_another_number_are_named(row: Any) -> None:
    with pytest.raises(JobError, match=r"example 2.*part, whole"):
        checked(SHARE, [(1, 1), row], WHERE)


def test_a_count_that_fails_is_named() -> None:
    metric = replace(SHARE, count=lambda gold, said: (gold // said, 1))
    with pytest.raises(JobError, match=r"in qaa, example 3: share cannot be counted: ZeroDivisionError"):
        counted(metric, [1, 1, 1], [1, 1, 0], WHERE)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ValueError("first\n  second"), "ValueError: first second"),
        (ValueError(), "ValueError"),
        (type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})(), "Mute: Mute, which cannot be shown"),
    ],
)
def test_what_a_metric_raises_is_one_line_without_loose_ends(raised: Exception, said: str) -> None:
    def failing(*_: Any) -> Any:
        raise raised

    with pytest.raises(JobError) as count:
        counted(replace(SHARE, count=failing), [1], [1], WHERE)
    with pytest.raises(JobError) as score:
        scored(replace(SHARE, score=failing), checked(SHARE, [(1, 1)], WHERE), WHERE)
    assert str(count.value).startswith(f"{WHERE}, example 1: share cannot be counted: {said}")
    assert str(score.value).startswith(f"{WHERE}: share cannot be scored: {said}")
    for error in (count, score):
        assert "\n" not in str(error.value)
        assert not str(error.value).endswith(":")


def test_whole_numbers_of_other_types_are_whole_numbers() -> None:
    assert checked(SHARE, [(True, 1), (np.int64(2), 3.0), (np.bool_(False), 4)], WHERE).tolist() == [
        [1, 1], [2, 3], [0, 4]
    ]  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -3.0, 100.5])
def test_a_score_that_is_no_score_is_named(value: float) -> None:
    metric = replace(SHARE, score=lambda sums: np.full(np.shape(sums)[:-1], value))
    with pytest.raises(JobError, match=r"in qaa: share is"):
        scored(metric, checked(SHARE, [(1, 1)], WHERE), WHERE)


def test_a_score_that_resampling_would_break_is_found_at_its_first_example() -> None:
    bare = replace(SHARE, score=lambda sums: 100 * sums[..., 0] / sums[..., 1])
    with np.errstate(invalid="ignore"), pytest.raises(JobError, match="share of example 3 alone is nan"):
        scored(bare, checked(bare, [(1, 1), (0, 1), (0, 0)], WHERE), WHERE)


def test_a_metric_states_a_range_that_there_is() -> None:
    with pytest.raises(ValueError, match="lowest must be below highest"):
        replace(SHARE, lowest=100.0)
    with pytest.raises(ValueError, match="'whole' or 'real'"):
        replace(SHARE, counts="float")  # type: ignore[arg-type]


def test_model_and_majority_baseline_are_refused_alike(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    half = Metric("half", ("part", "whole"), lambda gold, said: (len(gold) / 2, len(gold)), share)
    plugin = "plugin 'odd' of xlbench-odd 0.3"
    study = replace(
        resolved,
        tasks={k: replace(x, metric=half) for k, x in resolved.tasks.items()},
        plugins=dict.fromkeys(resolved.tasks, plugin),
    )
    lab = Lab(study, str(checkpoint), tmp_path, device="cpu", threads=1)
    lab.task_adapter("pairs")
    cells = study.cells("pairs")
    said = r"in qaa, example 1: half counts 0\.5 as 'part', not a whole number"
    for ask in (lab.evaluate, lab.majority):
        with pytest.raises(JobError, match=said.replace("example", ".*example")) as error:
            ask(cells)
        assert f"task 'pairs' ({plugin}) in qaa" in str(error.value)


def test_real_counts_are_stored_and_scored_with_their_decimals(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(3, 2, 40)
    y = {"before": -0.2 * x + rng.normal(0, 2, 40), "after": 0.5 * x + rng.normal(0, 2, 40)}
    counts = {k: counted(PEARSON, x, said, WHERE) for k, said in y.items()}
    store, cell = Store(tmp_path), Cell("odd", "qaa", "made")
    store.prepare()
    job = Job("zero-shot", 1, {"model": "m"}, (cell,), "zero-shot")
    store.write(job, [Evaluation(cell, counts["before"])], {}, {"odd": PEARSON})
    (row,) = store.frame()[0].to_dict("records")
    assert row["score"] == pytest.approx(100 * pearsonr(x, y["before"]).statistic)
    effects = Effects(
        "odd", PEARSON, {"qaa": counts["before"]}, [Trial(Arm("f", 1), 0, "qaa", counts["after"])]
    )
    assert effects.effect(Arm("f", 1), "qaa").value == pytest.approx(
        100 * (pearsonr(x, y["after"]).statistic - pearsonr(x, y["before"]).statistic)
    )
    number = effects.zero_shot("qaa")
    assert number.value is not None
    assert number.value < 0
    assert number.low is not None
    assert number.high is not None
    assert number.low < number.value < number.high


def test_the_file_of_a_job_keeps_real_counts_bit_for_bit(tmp_path: Path) -> None:
    rows = checked(PEARSON, np.random.default_rng(1).normal(size=(7, 6)), WHERE)
    store, cell = Store(tmp_path), Cell("odd", "qaa", "made")
    store.prepare()
    job = Job("zero-shot", 1, {"model": "m"}, (cell,), "zero-shot")
    store.write(job, [Evaluation(cell, rows)], {}, {"odd": replace(PEARSON, lowest=-1e9, highest=1e9)})
    (record,) = store.read(store.index()[job.condition_key])
    np.testing.assert_array_equal(record.evaluation.counts, rows)


def test_the_interval_of_a_score_ends_where_the_metric_says() -> None:
    rows = np.array([[1, 1]] * 29 + [[0, 1]])
    for lowest, highest in ((0.0, 100.0), (0.0, 97.0), (-50.0, 400.0)):
        metric = replace(SHARE, lowest=lowest, highest=highest)
        effects = Effects("odd", metric, {"qaa": checked(metric, rows, WHERE)}, [])
        free, held = effects.before("qaa").number(), effects.zero_shot("qaa")
        assert free.high is not None
        assert free.high > 100
        assert held.high == min(highest, free.high)
        assert held.low == free.low
    assert Effects("odd", SHARE, {"qaa": "gone"}, []).zero_shot("qaa").missing == ("gone",)


def test_a_score_that_is_not_finite_on_a_draw_is_refused_with_its_name() -> None:
    bare = replace(SHARE, score=lambda sums: 100 * sums[..., 0] / sums[..., 1])
    rows = np.array([[1, 1], [0, 0]], np.int32)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ResultsError, match="the metric 'share' of the task 'odd'"),
    ):
        Effects("odd", bare, {"qaa": rows}, [])


def test_large_whole_counts_are_summed_exactly() -> None:
    rows = np.full((9, 2), 2**31 - 1, np.int32)
    rows[0, 0] -= 1
    effects = Effects("odd", SHARE, {"qaa": rows}, [Trial(Arm("f", 1), 0, "qaa", rows - 1)])
    found = effects.effect(Arm("f", 1), "qaa")
    exact = 100 * ((9 * (2**31 - 2) - 1) / (9 * (2**31 - 2)) - (9 * (2**31 - 1) - 1) / (9 * (2**31 - 1)))
    assert found.value == pytest.approx(exact, abs=1e-12)
    assert found.draws is not None
    assert np.abs(found.draws).max() < 1e-7
