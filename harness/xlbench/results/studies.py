"""The manifest of a study: what was asked, and the jobs that it came to."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import tomli_w

from xlbench.contracts import Cell, Job, digest
from xlbench.errors import ResultsError
from xlbench.results.aside import put

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Json


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """One study as it was planned."""

    id: str
    """12 hexadecimal digits, the same for the same jobs; an adaptive study has its own."""
    created: str
    """ISO time, UTC, when it was last started."""
    study: dict[str, Any]
    """As in its `study.toml`: what is None or empty is not there."""
    jobs: tuple[Job, ...]
    described: dict[str, Any]
    """What `describe` gave."""
    dropped: Mapping[tuple[str, Cell], str] = field(default_factory=dict)
    """See `Records.dropped`."""

    @property
    def expected(self) -> tuple[Job, ...]:
        """The jobs, less what was dropped."""
        return less(self.jobs, self.dropped)


def with_cells(job: Job, cells: tuple[Cell, ...]) -> Job:
    """A job with some of its cells; finetuning and training cost the same."""
    if cells == job.cells:
        return job
    examples = job.cost.evaluate_examples * len(cells) // len(job.cells)
    return replace(job, cells=cells, cost=replace(job.cost, evaluate_examples=examples))


def less(jobs: Iterable[Job], dropped: Mapping[tuple[str, Cell], str]) -> tuple[Job, ...]:
    """Jobs without the cells that were dropped; those with none left are not there."""
    found = []
    for job in jobs:
        cells = tuple(cell for cell in job.cells if (job.condition_key, cell) not in dropped)
        if cells:
            found.append(with_cells(job, cells))
    return tuple(found)


def study_id(jobs: Sequence[Job], *, adaptive: bool = False) -> str:
    """12 hexadecimal digits that tell which cells under which conditions were asked for, and how."""
    pairs = sorted({f"{job.condition_key} {cell.key}" for job in jobs for cell in job.cells})
    return digest([*pairs, *(["adaptive"] if adaptive else [])])[:12]


def save(
    folder: Path,
    study: Mapping[str, Json],
    jobs: Sequence[Job],
    described: Mapping[str, Json],
    dropped: Mapping[tuple[str, Cell], str],
) -> None:
    """Write `study.toml` and `plan.json`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    put(folder / "study.toml", tomli_w.dumps(_without_none(_said(study))).encode())
    cells = list(dict.fromkeys(cell for job in jobs for cell in job.cells))
    number = {cell: i for i, cell in enumerate(cells)}
    plan: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(),
        "cells": [cell.as_json() for cell in cells],
        "jobs": [
            {
                "probe": job.probe,
                "version": job.probe_version,
                "condition": dict(job.condition),
                "cells": [number[cell] for cell in job.cells],
                "label": job.label,
            }
            for job in jobs
        ],
        "described": dict(described),
    }
    if dropped:
        place = {job.condition_key: i for i, job in enumerate(jobs)}
        plan["dropped"] = [[place[key], number[cell], why] for (key, cell), why in dropped.items()]
    put(folder / "plan.json", json.dumps(plan, ensure_ascii=False, separators=(",", ":")).encode())


def load(folder: Path) -> StoredStudy:
    """Read a manifest. Raises ResultsError."""
    try:
        study = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        cells = [Cell(**cell) for cell in plan["cells"]]
        jobs = tuple(
            Job(x["probe"], x["version"], x["condition"], tuple(cells[i] for i in x["cells"]), x["label"])
            for x in plan["jobs"]
        )
        dropped = {(jobs[i].condition_key, cells[j]): why for i, j, why in plan.get("dropped", ())}
        return StoredStudy(folder.name, plan["created"], study, jobs, plan["described"], dropped)
    except FileNotFoundError as error:
        raise ResultsError(f"{error.filename} is missing; run the study again, nothing is lost") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ResultsError(
            f"cannot read the study in {folder}; delete it and run the study again, no result is lost"
        ) from error


def _said(study: Mapping[str, Json]) -> dict[str, Json]:
    """Without what is empty or false; but no controls is something said."""
    return {k: v for k, v in study.items() if v not in ([], {}, False) or k == "controls"}


def _without_none(value: Any) -> Any:
    """TOML has no null: what is None is left out."""
    if isinstance(value, Mapping):
        return {name: _without_none(x) for name, x in value.items() if x is not None}
    if isinstance(value, list | tuple):
        return [_without_none(x) for x in value]
    return value
