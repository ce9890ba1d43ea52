"""What made a result: versions, plugins, data, hardware."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING

from xlbench.contracts import commit_of

if TYPE_CHECKING:
    import torch

    from xlbench.contracts import Job, Json, Resolved
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
    return None if owner is None else f"{owner.name} ({owner.distribution} {owner.version})"
