"""The manifest of a study: what was asked, and the jobs that it came to."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import tomli_w

from xlbench.contracts import Cell, Job, digest
from xlbench.errors import ResultsError
from xlbench.files.disk import content_of, make_folder, make_way, put

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Json

_FEW = 3
"""Items of a list that stand in a study's name; longer ones are counted."""


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


def told_apart(studies: Sequence[StoredStudy], folders: Sequence[str]) -> list[str]:
    """What to call each of several studies: the first by all in which some other differs from it, the others
    by what is not as in the first; those that would have one name have their ids besides, and copies of one
    study the names of their folders, or where these are alike their places.
    """
    settings = [dict(_flat(x.study)) for x in studies]
    for each, study in zip(settings, studies, strict=True):
        each["model"] = str(study.described["model"]["name"])
    names = list(dict.fromkeys(name for each in settings for name in each))
    first = settings[0]
    differ = [name for name in names if any(x.get(name) != first.get(name) for x in settings[1:])]
    said = [
        [
            _setting(name, each.get(name))
            for name in differ
            if each is first or each.get(name) != first.get(name)
        ]
        for each in settings
    ]
    texts = [", ".join(x) for x in said]
    named = [
        text if text and texts.count(text) == 1 else f"{text} ({study.id})".strip()
        for text, study in zip(texts, studies, strict=True)
    ]
    if len(set(named)) < len(named):
        placed = [f"{x} in {folder}" for x, folder in zip(named, folders, strict=True)]
        places = [
            placed[i] if placed.count(placed[i]) == 1 else f"{x}, number {i + 1}" for i, x in enumerate(named)
        ]
        named = [x if named.count(x) == 1 else place for x, place in zip(named, places, strict=True)]
    return named


def _flat(study: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Settings in tables of tables, names joined by dots."""
    for name, value in study.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _setting(name: str, value: Any) -> str:
    """For people."""
    if name == "model":
        return str(value)
    if isinstance(value, list | tuple):
        what = name.replace("_", " ")
        return f"{what} {', '.join(map(str, value))}" if len(value) <= _FEW else f"{len(value)} {what}"
    shown = f"{value:g}" if isinstance(value, float) else "default" if value is None else str(value)
    return f"{name} {shown}"


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
    after: str = "",
) -> None:
    """Write `plan.json`, with a digest of its content, and `study.toml` for people. `after` is when the last
    of the other studies was started, which this one is later than, whatever the clock says. Raises OSError.
    """
    make_folder(folder)
    for name in ("study.toml", "plan.json"):
        make_way(folder / name, folder.parent.parent / "aside")
    said = _without_none(_said(study))
    put(folder / "study.toml", tomli_w.dumps(said).encode())
    cells = list(dict.fromkeys(cell for job in jobs for cell in job.cells))
    number = {cell: i for i, cell in enumerate(cells)}
    plan: dict[str, Any] = {
        "created": _later(datetime.now(UTC), after),
        "study": said,
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
    put(folder / "plan.json", sealed(plan))


def load(folder: Path) -> StoredStudy:
    """Read a manifest. Raises ResultsError, also where its content is not what was written."""
    path = folder / "plan.json"
    try:
        plan = unsealed(content_of(path))
        # Those of earlier versions have the study beside them alone, and no digest.
        study = plan["study"] if "study" in plan else _toml(folder / "study.toml")
        cells = [Cell(**cell) for cell in plan["cells"]]
        jobs = tuple(
            Job(x["probe"], x["version"], x["condition"], tuple(cells[i] for i in x["cells"]), x["label"])
            for x in plan["jobs"]
        )
        if folder.name != study_id(jobs, adaptive=bool(study.get("adaptive"))):
            raise ValueError("the jobs are not those of the study's id")
        dropped = {(jobs[i].condition_key, cells[j]): why for i, j, why in plan.get("dropped", ())}
        return StoredStudy(folder.name, plan["created"], study, jobs, plan["described"], dropped)
    except FileNotFoundError as error:
        raise ResultsError(f"{error.filename} is missing; run the study again, nothing is lost") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ResultsError(
            f"cannot read the study in {folder}; its manifest is damaged: run the study again, or delete the "
            "folder (no result is lost)"
        ) from error


def _later(now: datetime, after: str) -> str:
    """An ISO time, later than another one, if that is one."""
    with suppress(ValueError, TypeError):
        now = max(now, datetime.fromisoformat(after) + timedelta(microseconds=1))
    return now.isoformat()


def sealed(content: Mapping[str, Json]) -> bytes:
    """JSON of a table, with a digest of all else in it."""
    return _json({**content, "digest": hashlib.sha256(_json(content)).hexdigest()})


def unsealed(content: bytes) -> dict[str, Any]:
    """The table that `sealed` wrote, or one of an earlier version. Raises ValueError where it was changed."""
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("no table")
    digest = found.pop("digest", None)
    if digest is not None and digest != hashlib.sha256(_json(found)).hexdigest():
        raise ValueError("its content changed after it was written")
    return found


def _json(content: Mapping[str, Json]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(content_of(path).decode())


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
