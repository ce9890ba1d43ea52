"""What made a result: versions, plugins, data, hardware."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from xlbench.contracts import commit_of
from xlbench.plugins.registry import normal, split

if TYPE_CHECKING:
    import torch

    from xlbench.contracts import Job, Json, Resolved, Vocabulary
    from xlbench.plugins import Kind, Registry

LIBRARIES = ("xlbench", "torch", "transformers", "adapters", "tokenizers", "numpy")


def of_process(device: torch.device, resolved: Resolved, registry: Registry) -> dict[str, Json]:
    """What is the same for all jobs of a process."""
    from xlbench.lab.hardware import hardware

    versions: dict[str, Json] = {x: importlib.metadata.version(x) for x in LIBRARIES}
    return {
        "device": device.type,
        "hardware": hardware(device),
        "versions": {"python": platform.python_version(), **versions},
        "model": {
            "name": resolved.model.name,
            "checkpoint": resolved.model.source,
            "revision": resolved.model.revision,
            "fingerprint": resolved.model_fingerprint,
            "plugin": _plugin("model", resolved.model.name, registry),
        },
        "text": {
            "source": resolved.corpus.source,
            "revision": resolved.corpus.commit,
            "plugin": _plugin("corpus", resolved.corpus.name.partition(":")[0], registry),
        },
    }


def of_job(job: Job, resolved: Resolved, registry: Registry) -> dict[str, Json]:
    """The plugins and data behind one job."""
    tasks = dict.fromkeys(cell.task for cell in job.cells)
    return {
        "plugins": {
            f"probe {job.probe}": _plugin("probe", job.probe, registry),
            **{f"task {x}": _plugin("task", x, registry) for x in tasks},
            **_parts(job, resolved, registry),
        },
        "data": {
            x: {
                "source": resolved.data[x].source,
                "revision": commit_of(resolved.data[x]),
                "plugin": _plugin("data", f"{x}:{resolved.data[x].name}", registry),
            }
            for x in tasks
        },
    }


def _parts(job: Job, resolved: Resolved, registry: Registry) -> dict[str, Json]:
    """The plugins of third parties' parts of the method in the job's identity, and of its tasks' kinds."""
    method = resolved.method
    used: set[tuple[Vocabulary, str]] = {("kind", resolved.tasks[cell.task].kind) for cell in job.cells}
    leaves = set(_leaves(job.condition))
    used |= {x for x, origin in method.origins.items() if {x[1], f"{x[0]}_plugin", origin} <= leaves}
    found: dict[str, Json] = {}
    for vocabulary, name in sorted(used & method.origins.keys()):
        distribution, short = split(name)
        owners = registry.claims(vocabulary, short)
        own = [x for x in owners if normal(x.distribution) == normal(distribution)] or owners
        found[f"{vocabulary} {name}"] = own[0].told if own else None
    return found


def _leaves(value: object) -> Iterator[object]:
    """Names and plain values in nested tables and lists."""
    if isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def of_text(job: Job, resolved: Resolved) -> dict[str, Json]:
    """Lines of the job's text that were left out, and near-duplicates of test sentences that were not;
    nothing where it has no text of its own.
    """
    texts = job.typed.texts
    if not texts:
        return {}
    corpus, limit = resolved.corpus, resolved.mlm.lines
    dropped = [corpus.dropped(x, limit) for x in texts]
    return {
        "text_dropped": {
            "repeated": sum(len(x.repeated) for x in dropped),
            "tested": sum(len(x.tested) for x in dropped),
        },
        "text_near_duplicates": sum(corpus.near_duplicates(x, limit) for x in texts),
    }


def _plugin(kind: Kind, name: str, registry: Registry) -> str | None:
    """Name, distribution and version; None for a folder or hub id that no plugin knows."""
    owner = registry.owners.get((kind, name))
    return None if owner is None else owner.told
