"""The probe `stacking`: whether a task adapter still works on a language adapter that it was not trained on.

Transfer by minimal finetuning and interference both take it for granted that what was trained apart can
be put together. This probe looks: each transfer language's adapter, and a random one, beneath each task
adapter, on every target language, against no language adapter at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from xlbench import hookimpl
from xlbench.contracts import (
    Composition,
    Condition,
    Cost,
    Job,
    LanguageAdapter,
    Mixed,
    ReadBy,
    merged,
    mixture,
)
from xlbench.errors import ResultsError, StudyError
from xlbench_probes.adapter_work import of_language_adapter, of_task_adapter
from xlbench_probes.zero_shot import ZeroShot, training_of

if TYPE_CHECKING:
    from xlbench.contracts import AdapterOrder, Cell, Evaluation, Lab, Page, Probe, Records, Resolved, Row


MAD_X: Final = "mad-x"


def orders(resolved: Resolved) -> tuple[AdapterOrder, ...]:
    """In which orders adapters are trained."""
    return resolved.study.adapter_orders or ("plain",)


def order_of(job: Job) -> AdapterOrder:
    """In which order the adapters of a job were trained."""
    adapter = job.typed.adapter
    return MAD_X if adapter is not None and adapter.over is not None else "plain"


def adapted_tasks(resolved: Resolved, probe: str) -> tuple[str, ...]:
    """The tasks whose adapter can be put on language adapters. Raises StudyError where there is none."""
    if not resolved.adapted_tasks:
        raise StudyError(
            f"the {probe} probe puts task adapters on language adapters, and {', '.join(resolved.tasks)} has "
            "no task adapter; add a task that has one, or leave the probe out"
        )
    return resolved.adapted_tasks


def check_single(resolved: Resolved, probe: str) -> None:
    """Raise StudyError for a transfer text of several languages, which has no adapter."""
    if several := [x for x in resolved.study.transfer if mixture.is_several(x)]:
        raise StudyError(
            f"the {probe} probe needs an adapter of each transfer language, and {several[0]} is several; "
            "leave it out of --transfer, or leave the probe out"
        )


def composition_job(
    resolved: Resolved,
    probe: tuple[str, int],
    task: str,
    under: Composition,
    cells: tuple[Cell, ...],
    needs: tuple[str, ...],
) -> Job:
    """A job that scores a task adapter, trained as `resolved` has it, on a composition of language
    adapters. Raises StudyError where these cannot be put together so.
    """
    name = "+".join(x.language or "random" for x in under.adapters)
    resolved.check_composition(under)
    kind = resolved.method.compositions[under.mix]
    mix = "" if kind.alone else f" {under.mix}"
    tuned = under.fusion.steps * under.fusion.batch_size if kind.trained else 0
    over = resolved.training[task].over
    beneath = (*under.adapters, *(over.adapters if over is not None else ()))
    seed = max([under.seed, *(x.seed for x in beneath)])
    shares = of_task_adapter(resolved, task)
    for one in under.adapters:
        shares |= of_language_adapter(resolved, one)
    return Job(
        probe=probe[0],
        probe_version=probe[1],
        condition=Condition(
            resolved.model_fingerprint,
            ReadBy(resolved.adapter_identity(task)),
            composition=Mixed(resolved.composition_identity(under)),
        ).as_json(),
        cells=cells,
        label=f"{name}{mix}, seed {seed}, {task}{'' if over is None else f', {MAD_X}'}",
        cost=Cost(evaluate_examples=resolved.passes(cells), fuse_examples=tuned),
        shares=shares,
        group=f"{name}/{seed}" if over is None else f"{name}/{seed}/{MAD_X}",
        needs=needs,
    )


def run(job: Job, lab: Lab) -> Sequence[Evaluation]:
    """Score a task adapter on a composition; with what was measured in training a single adapter."""
    under = lab.resolved.composition(mixed_of(job).identity)
    lab.task_adapter(job.cells[0].task, training_of(job, lab))
    lab.restore()
    alone = lab.resolved.method.compositions[under.mix].alone
    measured = lab.language_adapter(under.adapters[0]) if alone else {}
    return [replace(e, extra={**e.extra, **measured}) for e in lab.evaluate(job.cells, under=under)]


def mixed_of(job: Job) -> Mixed:
    """The language adapters of a job. Raises ResultsError for a job that has none."""
    if (found := job.typed.composition) is None:
        raise ResultsError(f"the job {job.label!r} has no language adapters in its condition")
    return found


class Stacking:
    """Scores with each language's adapter beneath the task adapter, against none."""

    name = "stacking"
    version = 1
    summary = "Language adapters beneath the task adapter, one at a time: does stacking break the task?"
    settings = None
    reads = frozenset({"transfer", "adapter_orders", "language_training", "language_adapters"})

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Baselines first, then a job for each (adapter, task), seeds outermost."""
        if not resolved.study.transfer:
            raise StudyError(
                "the stacking probe needs languages with adapters; name them with --transfer deu,tur"
            )
        check_single(resolved, self.name)
        jobs = [ZeroShot().job(resolved, task) for task in adapted_tasks(resolved, self.name)]
        for order in orders(resolved):
            for seed in resolved.study.seeds:
                ordered = resolved.ordered(order, seed)
                languages = [resolved.language_adapter(x, seed) for x in resolved.study.transfer]
                for one in (*languages, LanguageAdapter("random", "", resolved.language_training, seed)):
                    jobs += self.alone(resolved, ordered, one)
        return merged(jobs)

    def alone(
        self, resolved: Resolved, ordered: Resolved, one: LanguageAdapter, *, invertible: bool = True
    ) -> Iterator[Job]:
        """The jobs of one adapter, a task each, on all targets; other probes need them too. `ordered`: the
        study with its task adapters trained in the order that is asked for.
        """
        for task in resolved.adapted_tasks:
            cells = resolved.cells(task)
            baseline = ZeroShot().job(resolved, task).condition_key
            under = Composition((one,), invertible=invertible)
            yield composition_job(ordered, (self.name, self.version), task, under, cells, (baseline,))

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Train or load both adapters, then score."""
        return run(job, lab)

    def pages(self, records: Records) -> Sequence[Page]:
        """A page a task: the change of the score by kind of adapter, the matrix, the adapters' losses."""
        from xlbench_probes import stacking_pages

        return stacking_pages.pages(records)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """The change of the score by every adapter on every target."""
        from xlbench_probes import stacking_pages

        return stacking_pages.frames(records)


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe."""
    yield Stacking()
