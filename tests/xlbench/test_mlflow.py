"""The observer `mlflow`, against a real store of MLflow in SQLite; and `--observer NAME:VALUE`."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from synthetic import METRICS, Synthetic, write_all

from xlbench import api
from xlbench.contracts import (
    JobEnded,
    JobFailed,
    JobProgressed,
    JobStarted,
    Scored,
    Study,
    StudyEnded,
    StudyPlanned,
)
from xlbench.errors import StudyError, UnknownNameError
from xlbench.metrics import score_of
from xlbench.results import Store
from xlbench.running.observers import mlflow

needed = pytest.mark.skipif(
    any(importlib.util.find_spec(x) is None for x in ("mlflow", "sqlalchemy", "alembic")),
    reason="mlflow is not installed (pip install 'xlbench[mlflow]')",
)
STUDY = Study(
    model="tiny", tasks=("pos",), probes=("zero-shot",), targets=("qaa",), train_languages=("qaa",),
    data={"pos": ("artificial",)}, text="artificial", transfer=(), limit=4,
)  # fmt: skip


def test_a_value_after_the_name_is_the_first_setting(tmp_path: Path) -> None:
    def settings(*observers: str, **options: Any) -> list[Any]:
        study = replace(STUDY, options={"jsonl": options} if options else {})
        return [
            how for _, how in api.prepare(api.Request(study, results=tmp_path, observers=observers)).observers
        ]

    assert [x.file for x in settings("jsonl:a:b.jsonl", "jsonl")] == ["a:b.jsonl", ""]
    assert [x.file for x in settings("jsonl:x", file="x")] == ["x"]
    with pytest.raises(StudyError, match=r"observer 'jsonl' has two values of file: 'x' and 'y'"):
        settings("jsonl:y", file="x")
    with pytest.raises(UnknownNameError, match="no observer 'nothing'"):
        settings("nothing:y")


def test_what_is_missing_is_said_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(mlflow, "find_spec", lambda name: name)
    with pytest.raises(StudyError, match="mlflow has no store; write --observer mlflow:URI"):
        api.prepare(api.Request(STUDY, results=tmp_path, observers=("mlflow",)))
    monkeypatch.setattr(mlflow, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r"mlflow is not installed; .* pip install 'xlbench\[mlflow\]'"):
        api.prepare(api.Request(STUDY, results=tmp_path, observers=("mlflow:sqlite:///runs.db",)))


@needed
@pytest.mark.slow
def test_a_run_has_parameters_scores_by_steps_and_files_and_goes_on(tmp_path: Path) -> None:
    """Two runs of one study, of which the first is stopped in the middle, are one run of MLflow."""
    made = Synthetic(
        targets=("qaa", "qac"), transfer=("qaa",), seeds=(0,), steps=(1, 100), controls=(), examples=8
    )
    write_all(tmp_path / "results", made)
    store, uri = Store(tmp_path / "results"), f"sqlite:///{tmp_path / 'runs.db'}"
    planned = StudyPlanned("study-1", store.path, {**made.study, "empty": None}, tuple(made.jobs), 0)
    expected: dict[tuple[str, int], float] = {}

    def ended(job: Any) -> JobEnded:
        scores = []
        for one in made.evaluate(job):
            score = float(score_of(METRICS["pos"].score, one.counts))
            scores.append(Scored("pos", one.cell.target, "accuracy", score, len(one.counts)))
            steps = int(job.condition.get("steps", 0))
            label = job.label.replace(f", {steps} steps", "").replace(f", {steps} step", "").replace(",", "")
            expected[f"{job.probe}/{label}/pos/{one.cell.target}/accuracy", steps] = score
        return JobEnded(job, 1.0, tuple(scores), Path(store.file(job).path))

    first, *rest = made.jobs
    tell = mlflow.MlFlow().observe(mlflow.Settings(uri))
    for what in (planned, JobStarted(first), JobProgressed(first, "evaluate", 1.0), ended(first)):
        tell(what)
    tell(JobFailed(rest[0], 1.0, "ValueError: no"))
    tell(StudyEnded(1, 0, 1, 2.0, "interrupted"))

    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found = client.get_experiment_by_name("xlbench")

    def runs() -> list[Any]:
        return list(client.search_runs([found.experiment_id]))

    (run,) = runs()
    assert run.info.status == "KILLED"
    assert run.data.tags[f"failed.{rest[0].identity}"] == f"{rest[0].label}: ValueError: no"
    tell = mlflow.MlFlow().observe(mlflow.Settings(uri))
    tell(replace(planned, jobs=tuple(rest), kept=1))
    assert [x.info.status for x in runs()] == ["RUNNING"]
    for job in rest:
        tell(ended(job))
    tell(StudyEnded(len(rest), 1, 0, 2.0))

    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.data.tags["xlbench.study_id"] == "study-1"
    assert run.data.params["model"] == "tiny"
    assert json.loads(run.data.params["transfer"]) == made.study["transfer"]
    assert "empty" not in run.data.params
    stored = {
        (key, one.step): one.value
        for key in run.data.metrics
        for one in client.get_metric_history(run.info.run_id, key)
    }
    assert stored == expected
    assert len({key for key, step in stored if step in (1, 100)}) == len(made.targets)  # a curve over steps
    files = {Path(x.path).name for x in client.list_artifacts(run.info.run_id, "jobs")}
    assert files == {Path(store.file(x).path).name for x in made.jobs}
    assert (tmp_path / "runs.artifacts").is_dir()
