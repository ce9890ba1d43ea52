"""The observer `wandb`: a run of Weights & Biases for each study, offline unless it is set otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from xlbench import hookimpl
from xlbench.contracts import JobEnded, JobFailed, Observed, Observer, StudyEnded, StudyPlanned, Tell

xlbench_contract = 1


@dataclass(frozen=True)
class Settings:
    """What may be set."""

    folder: str = ""
    """Where runs are written; the folder of results unless it is set."""
    project: str = "xlbench"
    mode: Literal["offline", "online"] = "offline"

    def __post_init__(self) -> None:
        """Raise ValueError where there is no W&B."""
        if find_spec("wandb") is None:
            raise ValueError("wandb is not installed; install it with pip install wandb")


class Wandb:
    """The study's settings are the configuration, its scores are metrics by fine-tuning steps."""

    name = "wandb"
    summary = "A run of Weights & Biases, offline: --observer wandb or wandb:FOLDER"
    settings = Settings

    def observe(self, settings: Settings) -> Tell:
        """See `xlbench.contracts.Observer`."""
        return _Run(settings).tell


class _Run:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.run: Any = None

    def tell(self, what: Observed) -> None:
        if isinstance(what, StudyPlanned):
            import wandb

            self.run = wandb.init(
                id=what.study_id,
                project=self.settings.project,
                dir=self.settings.folder or str(what.results),
                config=dict(what.study),
                mode=self.settings.mode,
                resume="allow" if self.settings.mode == "online" else None,
                settings=wandb.Settings(console="off", silent=True, save_code=False),
            )
            self.run.define_metric("*", step_metric="steps")  # jobs end in any order
        elif isinstance(what, JobEnded):
            finetuning = what.job.typed.finetuning
            scores = {f"{what.job.probe}/{x.task}/{x.target}/{x.metric}": x.score for x in what.scores}
            self.run.log({**scores, "steps": finetuning.steps if finetuning else 0, "job": what.job.label})
        elif isinstance(what, JobFailed):
            self.run.summary[f"failed/{what.job.label}"] = what.error
        elif isinstance(what, StudyEnded):
            self.run.finish(exit_code=1 if what.failed or what.error else 0)


@hookimpl
def xlbench_observers() -> Iterable[Observer]:
    """Register the observer."""
    yield Wandb()
