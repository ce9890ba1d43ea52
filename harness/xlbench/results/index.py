"""What is stored, told from file names, and from the last bytes of the files."""

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


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder."""

    index: Index
    damaged: tuple[Path, ...]
    """Files of the right name that were cut off or overwritten: they are no Parquet."""


def list_files(folder: Path) -> Listing:
    """Read the names in `folder`, and of each file no more than its last bytes; other names are passed over.

    Raises ResultsError where the folder cannot be read; an absent one is empty.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return Listing({}, ())
    except OSError as error:
        why = f"{error.strerror}; use another --results"
        raise ResultsError(f"cannot read results in {folder}: {why}") from error
    index: dict[str, list[StoredFile]] = {}
    damaged: list[Path] = []
    for name in names:
        if found := _NAME.fullmatch(name):
            try:
                whole = _is_whole(folder / name)
            except FileNotFoundError:
                continue  # another process has just removed it
            if not whole:
                damaged.append(folder / name)
                continue
            key, cells, failed = found.groups()
            index.setdefault(key, []).append(
                StoredFile(folder / name, key, f"{key}-{cells}", failed is not None)
            )
    return Listing(index, tuple(damaged))


def _is_whole(path: Path) -> bool:
    """Whether the file ends as Parquet does: with the length of a footer that it has room for, and a mark.

    True of what may not be read, too: it may be whole, and whoever reads it says why that fails. Raises
    FileNotFoundError.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 8))
            end = file.read(8)
    except FileNotFoundError:
        raise
    except OSError:
        return True
    return end[4:] == b"PAR1" and int.from_bytes(end[:4], "little") + 12 <= size
