"""First-order evaluation of the probe `transfer`: what a fine-tuning does to the task loss of each target,
from one gradient per target at the pretrained weights.

With g the gradient of a target's mean task loss under its task adapter, and d the change of the weights that
a fine-tuning made, the loss changes by <g, d> + O(|d|^2). The jobs are the exact ones of `transfer` in all
but how they score; some of these are run exactly too, so that pages can say whether the first order is
enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Cost, Evaluation, Job, digest
from xlbench.contracts.gradient import BYTES, GradientNumbers, gradient_told, gradients_of
from xlbench.contracts.mixture import has
from xlbench.contracts.treatment import PLAIN
from xlbench.errors import ResultsError, StudyError
from xlbench_probes.zero_shot import training_of

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Lab, Page, Records, Resolved, Row

PROBE = "first-order"
EXACT, FIRST_ORDER = "exact", "first-order"
CHANGE = "loss_change"
"""Name of what is measured: by how much the mean task loss changes, nats per decision."""
FEWEST = 3
"""Transfer languages of a target, and targets with so many, below which agreement is not known."""
SAMPLED = 8
"""Transfer languages, and targets, whose effects are evaluated exactly too, at most."""


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """What may be set for the probe `transfer`."""

    further_seeds: int = 16
    """Fine-tuning seeds beyond the study's that `--evaluation exact,first-order` evaluates to first order."""
    gradients: GradientNumbers = "float32"
    """In which numbers gradients are kept on disk; bfloat16 takes half the room."""


def evaluations(study: Any) -> tuple[str, ...]:
    """How a study evaluates fine-tuned models; `study` is one, or its plain data."""
    found = study.get("evaluation") if isinstance(study, Mapping) else study.evaluation
    return tuple(found or (EXACT,))


def is_exact(records: Records) -> bool:
    """Whether a study evaluates all of its runs exactly."""
    return EXACT in evaluations(records.study)


def check_exact(records: Records) -> None:
    """Raise ResultsError where a study does not."""
    if not is_exact(records):
        raise ResultsError(
            "the study was evaluated to first order, which says nothing of scores; run it with "
            "--evaluation exact"
        )


def check(resolved: Resolved) -> None:
    """Raise StudyError where first-order evaluation makes no sense for a study."""
    study = resolved.study
    alone = EXACT not in evaluations(study)
    if alone and "retrained" in study.readings:
        raise StudyError(
            "evaluation first-order: the reading retrained trains task adapters on the moved weights, of "
            "which no gradient at the pretrained weights speaks; name --readings put-back, or --evaluation "
            "exact"
        )
    if study.adaptive:
        raise StudyError(
            "evaluation first-order: an adaptive study spends exact evaluations where answers are open; "
            "leave out --adaptive, or name --evaluation exact"
        )
    if not alone and len(study.seeds) < 2:
        raise StudyError(
            "evaluation exact,first-order: how exact effects follow first-order ones can be estimated from "
            "two seeds or more; name them with --seeds, or one evaluation"
        )
    without = [x for x in resolved.tasks if not has_gradient(resolved, x)]
    if without and (alone or len(without) == len(resolved.tasks)):
        raise StudyError(
            f"evaluation first-order: {', '.join(without)} {'has' if len(without) == 1 else 'have'} no task "
            "loss with a gradient; leave it out, or name --evaluation exact"
        )
    if alone:
        _check_size(resolved)


def _check_size(resolved: Resolved) -> None:
    """Raise StudyError where so few pairs are evaluated exactly too that pages could show no effects."""
    donors = drawn(resolved.study.transfer, "transfer")
    for task, languages in resolved.targets.items():
        targets = drawn(languages, "target")
        compared = [g for g in targets if sum(not has(f, g) for f in donors) >= FEWEST]
        if len(compared) < FEWEST:
            raise StudyError(
                f"evaluation first-order: to see whether it holds takes {FEWEST} targets with {FEWEST} "
                f"transfer languages each, none of them the target itself, and {task} has "
                f"{len(compared) or 'none'}; add languages, or name --evaluation exact"
            )


def has_gradient(resolved: Resolved, task: str) -> bool:
    """Whether the loss of a task has a gradient."""
    return resolved.kind(resolved.tasks[task]).task_loss


def further(resolved: Resolved) -> tuple[int, ...]:
    """Seeds beyond the study's that are evaluated to first order beside exact evaluation."""
    study = resolved.study
    count = settings(resolved).further_seeds if EXACT in evaluations(study) else 0
    start = max(study.seeds) + 1
    return tuple(range(start, start + count))


def settings(resolved: Resolved) -> TransferSettings:
    """Those of the study."""
    found = resolved.settings.get("transfer")
    return found if isinstance(found, TransferSettings) else TransferSettings()


def is_evaluated(resolved: Resolved, job: Job) -> bool:
    """Whether the fine-tuning of an exact job is evaluated to first order too: of plain text of a transfer
    language, read by the adapter that is put back.
    """
    one = job.typed
    run, task = one.finetuning, job.cells[0].task
    return (
        one.reading == "put-back"
        and run is not None
        and run.treatment == PLAIN
        and run.name in resolved.study.transfer
        and has_gradient(resolved, task)
    )


def of(resolved: Resolved, job: Job) -> Job:
    """An exact job, evaluated to first order instead."""
    numbers = settings(resolved).gradients
    made = replace(
        job,
        probe=PROBE,
        probe_version=FirstOrder.version,
        condition={**job.condition, "evaluation": FIRST_ORDER, **gradient_told(numbers)},
        label=f"{job.label}, to first order",
        cost=Cost(),
    )
    names = dict(zip(job.cells, gradients_of(made), strict=True))
    costs = {name: Cost(gradient_examples=resolved.passes([x])) for x, name in names.items()}
    return replace(made, shares={**job.shares, **costs}, keeps=dict.fromkeys(names.values(), BYTES[numbers]))


def sampled(resolved: Resolved, jobs: Iterable[Job]) -> Iterator[Job]:
    """Of exact jobs those of the first seeds, and of the transfer languages and targets that are drawn."""
    study = resolved.study
    donors = drawn(study.transfer, "transfer")
    for job in jobs:
        run, adapter = job.typed.finetuning, job.typed.adapter
        if run is None or run.name not in donors or run.seed != study.seeds[0]:
            continue
        several = adapter is not None and adapter.is_adapter and bool(study.adapter_seeds[1:])
        if several and adapter is not None and adapter.seed != study.adapter_seeds[0]:
            continue
        targets = drawn([x.target for x in job.cells], "target")
        cells = tuple(x for x in job.cells if x.target in targets)
        yield replace(job, cells=cells, cost=replace(job.cost, evaluate_examples=resolved.passes(cells)))


def drawn(languages: Sequence[str], what: str) -> frozenset[str]:
    """Up to SAMPLED of some languages, the same for the same ones; most stay when a study grows."""
    return frozenset(sorted(languages, key=lambda x: digest([what, x]))[:SAMPLED])


class FirstOrder:
    """Does the jobs that `transfer` asks for with `--evaluation first-order`, and shows what they say."""

    name = PROBE
    version = 1
    summary = "First-order evaluation of transfer studies (--probe transfer --evaluation first-order)"
    settings = None
    reads = frozenset[str]()

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """None of its own: they are those of the probe `transfer`."""
        raise StudyError(
            "first-order is no probe of its own; write --probe transfer --evaluation first-order"
        )

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Fine-tune as `transfer` does, unless the model is in that state already; then inner products."""
        run, how, numbers = job.typed.finetuning, training_of(job, lab), numbers_of(job)
        if run is None:
            raise ResultsError(f"the job {job.label!r} has no fine-tuning in its condition")
        lab.gradients(job.cells, how, numbers)
        lab.finetune(run.name, steps=run.steps, seed=run.seed, treatment=run.treatment)
        changes, read = lab.along(job.cells, how, numbers), lab.read()
        found = zip(job.cells, changes, strict=True)
        return [unscored(cell, {CHANGE: float(x), **read}) for cell, x in found]

    def pages(self, records: Records) -> Sequence[Page]:
        """A page per task: agreement with exact evaluation, and effects as far as the first order holds."""
        from xlbench_probes import first_order_pages

        return first_order_pages.pages(records)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """Every first-order effect, and whether the first order holds there."""
        from xlbench_probes import first_order_pages

        return first_order_pages.frames(records)


def numbers_of(job: Job) -> GradientNumbers:
    """In which numbers the gradients of a job are kept."""
    told = job.condition.get("gradient")
    return "bfloat16" if isinstance(told, Mapping) and told.get("numbers") == "bfloat16" else "float32"


def unscored(cell: Cell, measured: Mapping[str, float]) -> Evaluation:
    """An evaluation in which nothing was predicted."""
    import numpy as np

    return Evaluation(cell, np.empty((0, 0), np.int32), extra=measured)
