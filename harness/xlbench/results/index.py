"""What is stored, told from file names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from xlbench.errors import ResultsError

_NAME = re.compile(r"([0-9a-f]{40})-([0-9a-f]{12})(\.failed)?\.parquet")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One job's file, as its name describes it."""

    path: Path
    condition_key: str
    identity: str
    """Of the job: 40 hexadecimal digits, a hyphen, 12 more."""
    failed: bool


Index: TypeAlias = Mapping[str, list[StoredFile]]
"""Condition key to the files of that condition, in order of name."""


def list_files(folder: Path) -> Index:
    """Read the names in `folder`, once, opening no file; files of other names are passed over.

    Raises ResultsError where the folder cannot be read; an absent one is empty.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return {}
    except OSError as error:
        why = f"{error.strerror}; use another --results"
        raise ResultsError(f"cannot read results in {folder}: {why}") from error
    index: dict[str, list[StoredFile]] = {}
    for name in names:
        if found := _NAME.fullmatch(name):
            key, cells, failed = found.groups()
            index.setdefault(key, []).append(
                StoredFile(folder / name, key, f"{key}-{cells}", failed is not None)
            )
    return index
