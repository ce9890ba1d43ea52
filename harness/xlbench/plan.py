"""From a resolved study to the jobs that it needs, in order, less those that are done."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xlbench.errors import PluginError, StudyError, XlbenchError
from xlbench.estimate import Meter, total
from xlbench.resolve import ManyProblemsError, left_out

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Cell, Cost, Job, Rerun, Resolved, Study
    from xlbench.plugins import Registry
    from xlbench.results import Index, Rates, Store

BYTES_A_JOB = 9_000
BYTES_AN_EXAMPLE = 2
"""Size of a result file, as measured: 9 kB with hardly an example, 93 kB with 40,000 of span F1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study comes to."""

    study: Study
    """With all defaults filled in."""
    jobs: tuple[Job, ...]
    """All of them, in order, whole."""
    todo: tuple[Job, ...]
    """What is to be run, less the cells that are stored."""
    failed: tuple[Job, ...] = ()
    """Failed before; in `todo` too unless only missing ones are asked for."""
    left_out: tuple[str, ...] = ()
    """A line for each task without test data in some target."""
    damaged: tuple[Path, ...] = ()
    """Result files that were cut off or overwritten, taken as not there."""

    @property
    def done(self) -> int:
        """Jobs of which every cell is stored."""
        left = {x.condition_key for x in (*self.todo, *self.failed)}
        return sum(x.condition_key not in left for x in self.jobs)

    @property
    def cost(self) -> Cost:
        """Of what is to be run."""
        return total(x.cost for x in self.todo)

    @property
    def disk(self) -> int:
        """Bytes that the results still to come take, roughly."""
        return BYTES_A_JOB * len(self.todo) + BYTES_AN_EXAMPLE * self.cost.evaluate_examples

    def seconds(self, rates: Rates | None, workers: int = 1) -> float | None:
        """Estimated duration of what is to be run; None where nothing is known."""
        seconds = Meter.of(rates).estimate(self.cost)
        return None if seconds is None else seconds / workers


def make(resolved: Resolved, registry: Registry, store: Store, rerun: Rerun = "failed") -> Plan:
    """Ask the probes for their jobs and take out what is stored.

    `rerun`: "missing" runs what neither ended nor failed; "failed" those that failed too; "all" runs
    everything again. Raises StudyError where the study makes no sense for a probe, PluginError where
    a probe's jobs make none.
    """
    jobs = in_order(_ask(resolved, registry))
    listing = store.listing()
    index = {} if rerun == "all" else listing.index
    failed = tuple(x for x in jobs if _failed(x, index) and store.missing_cells(x, index))
    skipped: set[str] = {x.condition_key for x in failed} if rerun == "missing" else set()
    todo = []
    for job in jobs:
        if job.condition_key in skipped or not skipped.isdisjoint(job.needs):
            skipped.add(job.condition_key)
            continue
        left = store.missing_cells(job, index)
        if left:
            todo.append(_part(job, left))
    return Plan(resolved.study, jobs, _charged(jobs, todo), failed, left_out(resolved), listing.damaged)


def in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """What is needed first, and of the rest the jobs of a group together; otherwise as they come.

    Raises PluginError for a need that is no job, or jobs that need each other.
    """
    place = {job.condition_key: number for number, job in enumerate(jobs)}
    first: dict[str, int] = {}
    for number, job in enumerate(jobs):
        first.setdefault(job.group or job.condition_key, number)
        if unknown := next((x for x in job.needs if x not in place), None):
            raise PluginError(
                f"probe {job.probe!r}: the job {job.label!r} needs {unknown[:12]}, which is no job"
            )
    sorter = graphlib.TopologicalSorter({x.condition_key: x.needs for x in jobs})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        job = jobs[place[error.args[1][0]]]
        raise PluginError(f"probe {job.probe!r}: the job {job.label!r} needs itself") from None
    ordered: list[Job] = []
    while sorter.is_active():
        keys = sorter.get_ready()
        ready = sorted(
            (place[x] for x in keys), key=lambda i: (first[jobs[i].group or jobs[i].condition_key], i)
        )
        ordered += (jobs[i] for i in ready)
        sorter.done(*keys)
    return tuple(ordered)


def _ask(resolved: Resolved, registry: Registry) -> list[Job]:
    """The jobs of all probes; what two of them ask for comes once, with the cells of both."""
    found: dict[str, Job] = {}
    problems: list[str] = []
    for name in resolved.study.probes:
        try:
            jobs = registry.find("probe", name).jobs(resolved)
        except StudyError as error:
            problems += str(error).splitlines()
            continue
        except XlbenchError:
            raise
        except Exception as error:
            owner = registry.owners["probe", name]
            raise PluginError(
                f"probe {name!r} ({owner}) failed while planning: {type(error).__name__}: {error}"
            ) from error
        for job in jobs:
            if job.probe not in registry.probes:
                raise PluginError(
                    f"probe {name!r} asks for a job of the probe {job.probe!r}, which is not installed"
                )
            other = found.setdefault(job.condition_key, job)
            if other.cells != job.cells:
                found[job.condition_key] = _with(other, job)
    if problems:
        raise ManyProblemsError(problems)
    return list(found.values())


def _with(job: Job, other: Job) -> Job:
    cells = tuple(dict.fromkeys((*job.cells, *other.cells)))
    examples = max(job.cost.evaluate_examples, other.cost.evaluate_examples)
    return replace(job, cells=cells, cost=replace(job.cost, evaluate_examples=examples))


def _failed(job: Job, index: Index) -> bool:
    return any(file.failed for file in index.get(job.condition_key, ()))


def _part(job: Job, cells: tuple[Cell, ...]) -> Job:
    """A job with some of its cells; finetuning and training cost the same."""
    if cells == job.cells:
        return job
    examples = job.cost.evaluate_examples * len(cells) // len(job.cells)
    return replace(job, cells=cells, cost=replace(job.cost, evaluate_examples=examples))


def _charged(jobs: Iterable[Job], todo: Iterable[Job]) -> tuple[Job, ...]:
    """The finetuning that a group shares, charged to the first of its jobs that is to be run."""
    tokens: dict[str, int] = {}
    for job in jobs:
        group = job.group or job.condition_key
        tokens[group] = max(tokens.get(group, 0), job.cost.finetune_tokens)
    charged = []
    for job in todo:
        due = tokens.pop(job.group or job.condition_key, 0)
        charged.append(
            job
            if due == job.cost.finetune_tokens
            else replace(job, cost=replace(job.cost, finetune_tokens=due))
        )
    return tuple(charged)
