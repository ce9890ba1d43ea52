"""The probe `zero-shot`: the pretrained model under its task adapter, if any, on every target language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Condition, Cost, Job, ReadBy, merged
from xlbench_probes.adapter_work import of_task_adapter

if TYPE_CHECKING:
    from xlbench.contracts import AdapterTraining, Evaluation, Lab, Page, Probe, Records, Resolved, Row


class ZeroShot:
    """Scores every target once, and the majority baseline beside it."""

    name = "zero-shot"
    version = 1
    summary = "Task adapter on the pretrained model: zero-shot scores on every target language"
    settings = None
    reads = frozenset[str]()

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """One job per task and seed of its adapter."""
        read = [resolved.read("put-back", seed) for seed in resolved.adapter_seeds]
        return merged(self.job(one, task) for one in read for task in resolved.tasks)

    def job(self, resolved: Resolved, task: str) -> Job:
        """The baseline of one task, which other probes need too."""
        cells = resolved.cells(task)
        shares, label = dict[str, Cost](), f"zero-shot, {task}"
        if resolved.has_adapter(task):
            if len(resolved.study.adapter_seeds) > 1:
                label += f", adapter seed {resolved.training[task].seed}"
            shares = of_task_adapter(resolved, task)
        return Job(
            probe=self.name,
            probe_version=self.version,
            condition=Condition(
                resolved.model_fingerprint, ReadBy(resolved.adapter_identity(task))
            ).as_json(),
            cells=cells,
            label=label,
            cost=Cost(evaluate_examples=resolved.passes(cells)),
            shares=shares,
            group=f"pretrained/{task}",
        )

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Train or load the task adapter, then score."""
        how = training_of(job, lab)
        lab.task_adapter(job.cells[0].task, how)
        lab.restore()
        majority = lab.majority(job.cells, how)
        return [
            replace(e, extra={**e.extra, "majority": points})
            for e, points in zip(lab.evaluate(job.cells), majority, strict=True)
        ]

    def pages(self, records: Records) -> Sequence[Page]:
        """A page a task: score, interval and majority baseline of each target."""
        from xlbench_probes import zero_shot_pages

        return zero_shot_pages.pages(records)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """The score of each target."""
        from xlbench_probes import zero_shot_pages

        return zero_shot_pages.frames(records)


def training_of(job: Job, lab: Lab) -> AdapterTraining | None:
    """How the task adapter of a job is trained; None where it has none."""
    adapter = job.typed.adapter
    return None if adapter is None else lab.resolved.adapter_training(adapter.identity)


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe."""
    yield ZeroShot()
