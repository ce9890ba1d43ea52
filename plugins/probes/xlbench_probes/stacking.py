"""The probe `stacking`: whether a task adapter still works on a language adapter that it was not trained on.

Transfer by minimal finetuning and interference both take it for granted that what was trained apart can
be put together. This probe looks: each transfer language's adapter, and a random one, beneath each task
adapter, on every target language, against no language adapter at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xlbench import hookimpl
from xlbench.contracts import Composition, Cost, Evaluation, Job, LanguageAdapter
from xlbench.errors import StudyError
from xlbench_probes.zero_shot import ZeroShot

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Lab, Page, Probe, Records, Resolved

PIECES_A_LINE = 30
"""Of text, roughly, for estimates."""


def adapters(resolved: Resolved, language: str) -> list[LanguageAdapter]:
    """The adapters of a language, one a seed; a given one has no seeds and comes once."""
    found = [resolved.language_adapter(language, seed) for seed in resolved.study.seeds]
    return list(dict.fromkeys(found))


def at_random(resolved: Resolved) -> list[LanguageAdapter]:
    """Adapters at random initialisation, one a seed."""
    how = resolved.language_training
    return [LanguageAdapter("random", "", how, seed) for seed in resolved.study.seeds]


def adapted_tasks(resolved: Resolved, probe: str) -> tuple[str, ...]:
    """The tasks whose adapter can be put on language adapters. Raises StudyError where there is none."""
    if not resolved.adapted_tasks:
        raise StudyError(
            f"the {probe} probe puts task adapters on language adapters, and {', '.join(resolved.tasks)} has "
            "no task adapter; add a task that has one, or leave the probe out"
        )
    return resolved.adapted_tasks


def composition_job(
    resolved: Resolved,
    probe: tuple[str, int],
    task: str,
    under: Composition,
    cells: tuple[Cell, ...],
    needs: tuple[str, ...],
    fuse_examples: int = 0,
) -> Job:
    """A job that scores a task adapter on a composition of language adapters."""
    name = "+".join(x.language or "random" for x in under.adapters)
    mix = "" if under.mix == "single" else f" {under.mix}"
    seed = max([under.seed, *(x.seed for x in under.adapters)])
    return Job(
        probe=probe[0],
        probe_version=probe[1],
        condition={
            "model": resolved.model_fingerprint,
            "adapter": resolved.adapter_identity(task),
            "under": resolved.composition_identity(under),
        },
        cells=cells,
        label=f"{name}{mix}, seed {seed}, {task}",
        cost=Cost(evaluate_examples=resolved.passes(cells), fuse_examples=fuse_examples),
        shares={
            **ZeroShot().job(resolved, task).shares,
            **{resolved.language_adapter_name(x): _training(resolved, x) for x in under.adapters},
        },
        group=f"{name}/{seed}",
        needs=needs,
    )


def run(job: Job, lab: Lab) -> Sequence[Evaluation]:
    """Score a task adapter on a composition; with what was measured in training a single adapter."""
    identity: Any = job.condition["under"]
    under = lab.resolved.composition(identity)
    lab.task_adapter(job.cells[0].task)
    lab.restore()
    measured = lab.language_adapter(under.adapters[0]) if under.mix == "single" else {}
    return [
        Evaluation(e.cell, e.counts, e.truncated, {**e.extra, **measured})
        for e in lab.evaluate(job.cells, under=under)
    ]


class Stacking:
    """Scores with each language's adapter beneath the task adapter, against none."""

    name = "stacking"
    version = 1
    summary = "Language adapters beneath the task adapter, one at a time: does stacking break the task?"
    settings = None

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Baselines first, then a job for each (adapter, task), seeds outermost."""
        if not resolved.study.transfer:
            raise StudyError(
                "the stacking probe needs languages with adapters; name them with --transfer deu,tur"
            )
        jobs = [ZeroShot().job(resolved, task) for task in adapted_tasks(resolved, self.name)]
        languages = [x for f in resolved.study.transfer for x in adapters(resolved, f)]
        for one in sorted((*languages, *at_random(resolved)), key=lambda x: x.seed):
            jobs += self.alone(resolved, one)
        return jobs

    def alone(self, resolved: Resolved, one: LanguageAdapter, *, invertible: bool = True) -> Iterator[Job]:
        """The jobs of one adapter, a task each, on all targets; other probes need them too."""
        for task in resolved.adapted_tasks:
            cells = resolved.cells(task)
            baseline = ZeroShot().job(resolved, task).condition_key
            under = Composition((one,), invertible=invertible)
            yield composition_job(resolved, (self.name, self.version), task, under, cells, (baseline,))

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Train or load both adapters, then score."""
        return run(job, lab)

    def pages(self, records: Records) -> Sequence[Page]:
        """A page a task: the change of the score by kind of adapter, the matrix, the adapters' losses."""
        from xlbench_probes import stacking_pages

        return stacking_pages.pages(records)


def _training(resolved: Resolved, one: LanguageAdapter) -> Cost:
    """Of making an adapter, in pieces of text, roughly; known before the text is tokenized."""
    if one.kind != "trained":
        return Cost()
    how = one.training
    whole = how.epochs * resolved.text_lines(one.language, how.lines) * PIECES_A_LINE
    return Cost(
        adapt_tokens=whole if how.steps is None else min(whole, how.steps * how.batch_size * how.chunk)
    )


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe."""
    yield Stacking()
