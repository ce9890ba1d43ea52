"""Adaptive studies: jobs in rounds, and between two rounds what their probes say is not worth running."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xlbench.contracts import Adapts
from xlbench.errors import PluginError, StudyError, XlbenchError, said_of
from xlbench.results import StoredStudy, describe
from xlbench.results.studies import less
from xlbench.spec.study import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xlbench.contracts import Cell, Job, Resolved
    from xlbench.plugins import Registry
    from xlbench.results import Index, Store


class Standing(NamedTuple):
    """How far an adaptive study is."""

    due: tuple[Job, ...]
    """Of the rounds so far, less what was dropped; all but those of the last round are done."""
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
    number = 0
    while True:
        so_far = tuple(job for job in jobs if job.round <= number)
        to_come = tuple(job for job in jobs if job.round > number)
        due = less(so_far, dropped)
        if number == last or unfinished(due):
            return Standing(due, less(to_come, dropped), dropped)
        study = StoredStudy("", "", as_json(resolved.study), so_far, described, dict(dropped))
        records = store.records_of(study, metrics, store.contents(study, index))
        for name, probe in registry.probes.items():
            coming = less((job for job in to_come if job.probe == name), dropped)
            if coming and isinstance(probe, Adapts):
                try:
                    found = probe.drop(records, coming)
                except XlbenchError:
                    raise
                except Exception as error:
                    raise PluginError(
                        f"probe {name!r} ({registry.owners['probe', name]}) failed between two rounds: "
                        f"{said_of(error)}"
                    ) from error
                known = {(job.condition_key, cell) for job in coming for cell in job.cells}
                if not found.keys() <= known:
                    raise PluginError(f"probe {name!r} drops cells that are in no later round of its own")
                dropped |= {key: found[key] for key in sorted(found, key=_order)}
        number += 1


def _order(key: tuple[str, Cell]) -> tuple[str, str]:
    return key[0], key[1].key
