"""Predictions of examples: kept where asked, with no other number, and exported."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import METRICS, Synthetic

import xlbench
from xlbench import plugins
from xlbench.contracts import Likelihood, Predictions, Resolved, Study, Tagged
from xlbench.errors import JobError, ResultsError
from xlbench.exporting import exported
from xlbench.lab import Lab
from xlbench.results import Store, encoding, jobfile
from xlbench.results.index import DamagedError, StoredFile
from xlbench_tasks.artificial.data import ArtificialData


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), data={"pos": ("artificial",)}, text="artificial",
        transfer=("qaa",), targets=("qaa", "qab"), train_languages=("qaa",), steps=(3,), seeds=(0,),
        controls=(), limit=10, mlm={"chunk": 16, "lines": 200}, adapter={"limit": 20, "epochs": 1},
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "results"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        done = xlbench.run(study, results=folder, workers=1, device="cpu", keep_predictions=True)
    assert (done.run, done.failed, done.without_predictions) == (2, {}, ())
    return folder


def test_what_is_exported_makes_the_scores(kept: Path) -> None:
    content = exported(kept, "csv", what="predictions").content
    table = pd.read_csv(io.BytesIO(content))
    assert list(table.columns)[:8] == [
        "probe", "task", "target", "example", "gold", "predicted", "correct", "statistics",
    ]  # fmt: skip
    assert "condition.text.language" in table.columns
    scores = xlbench.load_results(kept)
    assert len(table) == 10 * len(scores) == 40
    data = ArtificialData("pos")
    for (probe, target), rows in table.groupby(["probe", "target"]):
        assert rows["example"].to_list() == list(range(1, 11))
        sides = [[json.loads(x) for x in rows[side]] for side in ("gold", "predicted")]
        whole = {x.tags for x in data.examples(str(target), "test") if isinstance(x, Tagged)}
        assert {tuple(x) for x in sides[0]} <= whole
        right = sum(a == b for g, p in zip(*sides, strict=True) for a, b in zip(g, p, strict=True))
        words = sum(map(len, sides[0]))
        sums = pd.DataFrame([json.loads(x) for x in rows["statistics"]]).sum()
        assert (sums["correct"], sums["total"]) == (right, words)
        stored = scores[(scores["probe"] == probe) & (scores["target"] == target)]
        assert stored["score"].item() == pytest.approx(100 * right / words)
        assert rows["correct"].to_list() == [g == p for g, p in zip(*sides, strict=True)]
    result = xlbench.open_results(kept)
    assert result.predictions()["gold"].to_list() == table["gold"].to_list()
    for form in ("latex", "every-eval-ever"):
        with pytest.raises(ResultsError, match="predictions cannot be written as"):
            exported(kept, form, what="predictions")  # type: ignore[arg-type]


def test_keeping_them_changes_no_identity_and_no_number(kept: Path, study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    done = xlbench.run(study, results=folder, workers=1, device="cpu")
    names = [sorted(x.name for x in (x / "jobs").iterdir()) for x in (kept, folder)]
    assert names[0] == names[1]
    metrics = {"pos": plugins.load().tasks["pos"].metric}
    one, other = (Store(x).records(metrics) for x in (kept, folder))
    for a, b in zip(one.records, other.records, strict=True):
        assert np.array_equal(a.evaluation.counts, b.evaluation.counts)
        assert a.evaluation.predictions is None
    with pytest.raises(ResultsError, match=r"no predictions in .*--keep-predictions"):
        exported(folder, "csv", what="predictions")
    # Finished jobs do not run again for it; which they are is said.
    with pytest.warns(UserWarning, match=r"2 jobs have no predictions \(such as 'zero-shot, pos'\)"):
        again = xlbench.run(study, results=folder, workers=1, device="cpu", keep_predictions=True)
    assert (again.run, again.kept, again.study_id) == (0, 2, done.study_id)
    assert again.without_predictions[0] == "zero-shot, pos"
    # One more target: its cells have them, the others are named.
    more = replace(study, targets=("qaa", "qab", "qac"))
    with pytest.warns(UserWarning, match="2 jobs have no predictions"):
        xlbench.run(more, results=folder, workers=1, device="cpu", keep_predictions=True)
    found = exported(folder, "json", what="predictions")
    assert {x["target"] for x in json.loads(found.content)} == {"qac"}
    assert found.rows == 20
    assert any("2 jobs have no predictions" in x for x in found.problems)


def test_each_example_has_its_prediction_where_the_lab_keeps_them(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1, keep_predictions=True)
    for task in resolved.tasks:
        (first, *_) = cells = resolved.cells(task)
        lab.task_adapter(task)
        for one in lab.evaluate(cells):
            kept = one.predictions
            assert kept is not None
            assert kept.correct == [a == b for a, b in zip(kept.gold, kept.predicted, strict=True)]
            count = resolved.tasks[task].metric.count
            counts = [count(*x) for x in zip(kept.gold, kept.predicted, strict=True)]
            assert np.array_equal(counts, one.counts)
        assert first.task == task


def written(kept: Sequence[Predictions | None], tmp_path: Path) -> jobfile.Opened:
    made = Synthetic(examples=2, controls=(), seeds=(0,), steps=(1,))
    job = replace(made.jobs[0], cells=made.jobs[0].cells[: len(kept)])
    pairs = zip(made.evaluate(job), kept, strict=True)
    content = encoding.encode(job, [replace(x, predictions=y) for x, y in pairs], METRICS, {})
    path = tmp_path / f"{job.identity}.parquet"
    path.write_bytes(content)
    return jobfile.opened(StoredFile(path, job.condition_key, job.identity, failed=False))


def test_any_form_of_prediction_is_stored(tmp_path: Path) -> None:
    odd = Predictions(
        [("a\udc80", None), ((1, "nsubj"), None)], [Likelihood(1.5, 2, 3), (np.float32(0.5), np.arange(2))]
    )
    found = written([odd, None], tmp_path).predictions()
    assert found[1] is None
    assert found[0] is not None
    first, second = found[0]
    assert json.loads(first["gold"]) == ["a\udc80", None]
    assert json.loads(second["gold"]) == [[1, "nsubj"], None]
    assert json.loads(second["predicted"]) == [0.5, [0, 1]]
    assert "1.5" in first["predicted"]
    assert first["correct"] is None
    assert first["counts"] == written([None], tmp_path).records()[0].evaluation.counts[0].tolist()
    assert written([None], tmp_path).predictions() == [None]


def test_predictions_that_are_not_those_of_the_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="predictions of 2, 1 examples, not of the 2"):
        written([Predictions(["a", "b"], ["a"])], tmp_path)

    def short(value: Any) -> Any:
        return value[:1]

    opened = written([Predictions(["a", "b"], ["a", "b"], [True, True])], tmp_path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(opened.content))
    place = table.column_names.index("predicted")
    cut = pa.array([short(x) for x in table.column("predicted").to_pylist()], pa.list_(pa.string()))
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(place, "predicted", cut), sink)
    broken = replace(opened, content=bytes(sink.getvalue()))
    with pytest.raises(DamagedError, match="its predictions are not complete"):
        broken.predictions()
