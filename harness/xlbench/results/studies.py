"""The manifest of a study: what was asked, and the jobs that it came to."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """12 hexadecimal digits, the same for the same jobs."""
    created: str
    """ISO time, UTC, when it was last started."""
    study: dict[str, Any]
    """As in its `study.toml`: what is None or empty is not there."""
    jobs: tuple[Job, ...]
    described: dict[str, Any]
    """What `describe` gave."""


def study_id(jobs: Sequence[Job]) -> str:
    """12 hexadecimal digits that tell which cells under which conditions were asked for."""
    pairs = sorted({f"{job.condition_key} {cell.key}" for job in jobs for cell in job.cells})
    return digest(list(pairs))[:12]


def save(folder: Path, study: Mapping[str, Json], jobs: Sequence[Job], described: Mapping[str, Json]) -> None:
    """Write `study.toml` and `plan.json`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    put(folder / "study.toml", tomli_w.dumps(_without_none(_said(study))).encode())
    cells = list(dict.fromkeys(cell for job in jobs for cell in job.cells))
    number = {cell: i for i, cell in enumerate(cells)}
    plan = {
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
        return StoredStudy(folder.name, plan["created"], study, jobs, plan["described"])
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
