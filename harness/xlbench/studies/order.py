"""In which order jobs are run."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from xlbench.errors import PluginError

if TYPE_CHECKING:
    from xlbench.contracts import Job


def in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """What is needed first, and of the rest the jobs of a group together; otherwise as they come.

    Raises PluginError for a need that is not a job, or jobs that need each other.
    """
    place = {job.condition_key: number for number, job in enumerate(jobs)}
    first: dict[str, int] = {}
    for number, job in enumerate(jobs):
        first.setdefault(job.group or job.condition_key, number)
        if unknown := next((x for x in job.needs if x not in place), None):
            raise PluginError(
                f"probe {job.probe!r}: the job {job.label!r} needs {unknown[:12]}, which is not a job"
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


def by_priority(jobs: Sequence[Job], priorities: Mapping[str, float]) -> tuple[Job, ...]:
    """Some jobs of a plan, the greatest priority first, by condition key: each takes its whole group along,
    and what it needs of them comes before it. Those without one come after, or before where none of their
    probe has one.
    """
    probes = {job.probe for job in jobs if job.condition_key in priorities}
    most: dict[str, float] = {}
    for job in jobs:
        group = job.group or job.condition_key
        own = priorities.get(job.condition_key, -inf if job.probe in probes else inf)
        most[group] = max(own, most.get(group, -inf))
    there = {job.condition_key: job for job in jobs}
    ranked = sorted(jobs, key=lambda job: -most[job.group or job.condition_key])
    needs = [replace(job, needs=tuple(x for x in job.needs if x in there)) for job in ranked]
    return tuple(there[job.condition_key] for job in in_order(needs))
