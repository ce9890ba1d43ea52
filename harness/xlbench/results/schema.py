"""The version of what is stored, and where it is written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xlbench.disk import put
from xlbench.errors import ResultsError

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
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}; use another --results") from error
    except ValueError as error:
        if (folder / "jobs").is_dir():
            return  # damaged: each file says its version too, and `mark` writes this one again
        raise ResultsError(f"{path} is not JSON; delete it if the folder is of xlbench") from error
    check(path, content.get("schema") if isinstance(content, dict) else None)


def mark(folder: Path) -> None:
    """Write the schema version down, where that is not done yet. Raises OSError."""
    path = folder / "schema.json"
    try:
        marked = isinstance(json.loads(path.read_bytes())["schema"], int)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        marked = False
    if not marked:
        put(path, json.dumps({"schema": SCHEMA}).encode() + b"\n")
