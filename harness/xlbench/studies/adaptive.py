"""Adaptive studies: jobs in rounds, and between two rounds what their probes say is not worth running."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from xlbench.contracts import Adapts, Prioritizes
from xlbench.errors import PluginError, StudyError, XlbenchError, said_of
from xlbench.results import StoredStudy, describe
from xlbench.results.studies import less
from xlbench.spec.study import as_json
from xlbench.studies.order import by_priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xlbench.contracts import Cell, Job, Records, Resolved
    from xlbench.plugins import Registry
    from xlbench.results import Index, Store


class Standing(NamedTuple):
    """How far an adaptive study is."""

    due: tuple[Job, ...]
    """Of the rounds so far, less what was dropped; all but those of the last round are done, and these come
    by priority (`Prioritizes`)."""
    later: tuple[Job, ...]
    """Of the rounds to come, less what was dropped: the most that may still be run."""
    dropped: Mapping[tuple[str, Cell], str]
    """See `Records.dropped`."""


def check(resolved: Resolved, registry: Registry) -> None:
    """Raises StudyError where there is nothing to be adaptive with."""
    study = resolved.study
    if len(study.seeds) < 2:
        raise StudyError(
            "adaptive studies spend seeds where answers are open: name two seeds or more with --seeds, "
            "or leave out --adaptive"
        )
    if len(study.adapter_seeds) > 1:
        raise StudyError(
            f"adaptive studies have one task adapter, and adapter_seeds names {len(study.adapter_seeds)}; "
            "leave out --adaptive, or take one with --adapter-seeds 1"
        )
    if not any(isinstance(registry.find("probe", name), Adapts) for name in study.probes):
        known = ", ".join(name for name, x in registry.probes.items() if isinstance(x, Adapts))
        raise StudyError(
            f"no probe of this study ({', '.join(study.probes)}) can be adaptive; "
            f"leave out --adaptive, or name one that can: {known or 'none is installed'}"
        )


def follow(
    jobs: Sequence[Job],
    resolved: Resolved,
    registry: Registry,
    store: Store,
    index: Index,
    unfinished: Callable[[tuple[Job, ...]], bool],
) -> Standing:
    """Go through the rounds as far as they are done, asking the probes after each.

    A probe sees the files of `index`, and of those the rounds so far alone: whatever else is stored, and in
    whatever order jobs ended, the same rounds give the same answers. Raises PluginError where a probe's
    answer makes no sense.
    """
    last = max((job.round for job in jobs), default=0)
    dropped: dict[tuple[str, Cell], str] = {}
    described = describe(resolved) if last else {}
    metrics = {name: task.metric for name, task in resolved.tasks.items()}
    number, records = 0, None
    while True:
        so_far = tuple(job for job in jobs if job.round <= number)
        to_come = tuple(job for job in jobs if job.round > number)
        due = less(so_far, dropped)
        if number == last or unfinished(due):
            if records is not None:
                own = [job for job in due if job.round == number]
                due = by_priority(due, _priorities(own, records, registry))
            return Standing(due, less(to_come, dropped), dropped)
        study = StoredStudy("", "", as_json(resolved.study), so_far, described, dict(dropped))
        records = store.contents(study, index).records(metrics)
        for name, probe in registry.probes.items():
            coming = less((job for job in to_come if job.probe == name), dropped)
            if coming and isinstance(probe, Adapts):
                with _blamed(name, registry):
                    found = probe.drop(records, coming)
                known = {(job.condition_key, cell) for job in coming for cell in job.cells}
                if not found.keys() <= known:
                    raise PluginError(f"probe {name!r} drops cells that are in no later round of its own")
                dropped |= {key: found[key] for key in sorted(found, key=_order)}
        number += 1


def _priorities(due: Sequence[Job], records: Records, registry: Registry) -> dict[str, float]:
    """What the probes say of the jobs of a round."""
    said: dict[str, float] = {}
    for name, probe in registry.probes.items():
        coming = [job for job in due if job.probe == name]
        if coming and isinstance(probe, Prioritizes):
            with _blamed(name, registry):
                found = {key: float(x) for key, x in probe.priorities(records, coming).items()}
            if wrong := [x for x in found.values() if x != x]:
                raise PluginError(f"probe {name!r} gives a job the priority {wrong[0]}; give it a number")
            if not found.keys() <= {job.condition_key for job in coming}:
                raise PluginError(f"probe {name!r} gives priorities to jobs that are not in the next round")
            said |= found
    return said


@contextmanager
def _blamed(name: str, registry: Registry) -> Iterator[None]:
    """What a probe raises between two rounds, said of it."""
    try:
        yield
    except XlbenchError:
        raise
    except Exception as error:
        raise PluginError(
            f"probe {name!r} ({registry.owners['probe', name]}) failed between two rounds: {said_of(error)}"
        ) from error


def _order(key: tuple[str, Cell]) -> tuple[str, str]:
    return key[0], key[1].key
