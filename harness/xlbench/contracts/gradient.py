"""The gradient of a task's loss on one target: what it depends on, and how it is called where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xlbench.contracts.cell import Json, digest

if TYPE_CHECKING:
    from xlbench.contracts.cell import Cell
    from xlbench.contracts.probe import Job

GradientNumbers: TypeAlias = Literal["float32", "bfloat16"]
"""In which numbers a gradient is kept: 4 bytes for each, or 2."""
BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2}
VERSION = 1
"""Raised whenever the same model, adapter and examples would give another gradient."""
_KEY = "gradient"


def gradient_told(numbers: GradientNumbers) -> dict[str, Json]:
    """What the condition of a job says of the gradients that it reads, under the name `gradient`."""
    return {_KEY: {"version": VERSION, "numbers": numbers}}


def gradient_identity(
    model: str, adapter: Mapping[str, Json], cell: Cell, numbers: GradientNumbers
) -> dict[str, Json]:
    """Everything that can change the gradient of the task loss of a cell at the pretrained weights."""
    told: dict[str, Json] = {"version": VERSION, "numbers": numbers}
    return {"model": model, "adapter": dict(adapter), "cell": cell.as_json(), _KEY: told}


def gradient_name(identity: Mapping[str, Any]) -> str:
    """Of the folder that keeps a gradient."""
    cell = identity["cell"]
    return f"{cell['task']}-{cell['target']}-{digest(dict(identity))[:16]}"


def gradients_of(job: Job) -> Iterator[str]:
    """Names of the folders of the gradients that a job reads; none where its condition tells of none."""
    told, adapter = job.condition.get(_KEY), job.condition.get("adapter")
    if isinstance(told, Mapping) and isinstance(adapter, Mapping):
        for cell in job.cells:
            made = {"model": job.condition.get("model"), "adapter": dict(adapter), "cell": cell.as_json()}
            yield gradient_name({**made, _KEY: dict(told)})
