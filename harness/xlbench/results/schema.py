"""The version of what is stored, and where it is written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xlbench.errors import ResultsError
from xlbench.files.disk import content_of, make_way, put

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
"""Raised when an older xlbench could not read what this one writes."""


def check(path: Path, found: object) -> None:
    """Raise ResultsError unless this xlbench can read schema version `found`, seen in `path`."""
    if not isinstance(found, int):
        raise ResultsError(f"{path} has no schema version; it is not of xlbench: use another --results")
    if found > SCHEMA:
        raise ResultsError(
            f"{path} was made by a newer xlbench (schema {found}); upgrade xlbench or use another --results"
        )


def check_folder(folder: Path) -> None:
    """Raise ResultsError where a newer xlbench made `folder`, or it is no folder. Absent is fine."""
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file, not a results folder; use another --results")
    path = folder / "schema.json"
    try:
        found = _read(path)
    except FileNotFoundError:
        return
    except ValueError as error:
        if (folder / "jobs").is_dir():
            return  # damaged: each file says its version too, and `mark` writes this one again
        raise ResultsError(f"{path} is not JSON; delete it if the folder is of xlbench") from error
    if isinstance(found, int) or not (folder / "jobs").is_dir():
        check(path, found)


def _read(path: Path) -> object:
    """The version that is written down, None for nothing of the kind. Raises ValueError, ResultsError,
    FileNotFoundError.
    """
    try:
        content = json.loads(content_of(path))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return content.get("schema") if isinstance(content, dict) else None


def mark(folder: Path) -> None:
    """Write the schema version down, where that is not done yet. Raises OSError, ResultsError."""
    path = folder / "schema.json"
    try:
        marked = isinstance(_read(path), int)
    except (FileNotFoundError, ValueError):
        marked = False
    if not marked:
        make_way(path, folder / "aside")
        put(path, json.dumps({"schema": SCHEMA}).encode() + b"\n")
