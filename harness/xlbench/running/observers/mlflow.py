"""The observer `mlflow`: a run of MLflow for each study, with its settings, scores and results."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import JobEnded, JobFailed, StudyEnded, StudyPlanned
from xlbench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Observed, Observer, Tell

STUDY = "xlbench.study_id"
LONGEST = 5000  # characters of a parameter; MLflow takes 6,000


@dataclass(frozen=True)
class Settings:
    """What may be set."""

    uri: str = ""
    """Of the store, such as sqlite:///runs.db; MLFLOW_TRACKING_URI unless it is set."""
    experiment: str = "xlbench"

    def __post_init__(self) -> None:
        """Raise ValueError where there is no MLflow, or no place to store runs."""
        if find_spec("mlflow") is None:
            raise ValueError("mlflow is not installed; install it with pip install 'xlbench[mlflow]'")
        if not (self.uri or os.environ.get("MLFLOW_TRACKING_URI")):
            raise ValueError(
                "mlflow has no store; write --observer mlflow:URI, such as mlflow:sqlite:///runs.db"
            )


class MlFlow:
    """Parameters are the study's settings, metrics its scores by fine-tuning steps, artefacts its files."""

    name = "mlflow"
    summary = "A run of MLflow: --observer mlflow:URI, such as mlflow:sqlite:///runs.db"
    settings = Settings

    def observe(self, settings: Settings) -> Tell:
        """See `contracts.Observer`."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        return _Run(MlflowClient(settings.uri or None), settings).tell


class _Run:
    def __init__(self, client: Any, settings: Settings) -> None:
        self.client, self.settings, self.id = client, settings, ""

    def tell(self, what: Observed) -> None:
        if isinstance(what, StudyPlanned):
            self.begin(what)
        elif isinstance(what, JobEnded):
            run = what.job.typed.finetuning
            steps = run.steps if run is not None else 0
            label = re.sub(rf"(, )?\b{steps:,} steps?", "", what.job.label).replace(",", "")  # one curve
            for one in what.scores:
                key = f"{what.job.probe}/{label}/{one.task}/{one.target}/{one.metric}"
                self.client.log_metric(self.id, re.sub(r"[^\w\-. :/]", "_", key), one.score, step=steps)
            self.client.log_artifact(self.id, str(what.path), "jobs")
        elif isinstance(what, JobFailed):
            self.client.set_tag(self.id, f"failed.{what.job.identity}", f"{what.job.label}: {what.error}")
        elif isinstance(what, StudyEnded):
            status = "KILLED" if what.error else "FAILED" if what.failed else "FINISHED"
            self.client.set_terminated(self.id, status)

    def begin(self, what: StudyPlanned) -> None:
        """Go on with the run of this study where there is one; otherwise begin it."""
        name, file = self.settings.experiment, re.fullmatch("sqlite:///(.+)", self.settings.uri)
        place = Path(file[1]).absolute().with_suffix(".artifacts").as_uri() if file else None
        found = self.client.get_experiment_by_name(name)
        number = found.experiment_id if found else self.client.create_experiment(name, place)
        runs = self.client.search_runs([number], f"tags.`{STUDY}` = '{what.study_id}'", max_results=1)
        run = runs[0] if runs else self.client.create_run(number, tags={STUDY: what.study_id})
        self.id = run.info.run_id
        self.client.update_run(self.id, status="RUNNING")
        for key, value in what.study.items():
            if key not in run.data.params and value not in (None, "", [], {}):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                self.client.log_param(self.id, key, text[:LONGEST])


@hookimpl
def xlbench_observers() -> Iterable[Observer]:
    """Register the observer."""
    yield MlFlow()
