"""What is stored, determined from the names of the files and their kind."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from xlbench.errors import ResultsError
from xlbench.files.disk import reading

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


class DamagedError(ResultsError):
    """A file of a job whose content is not what was written under its name."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"corrupted file {path} ({why})")
        self.path, self.why = path, why

    def __reduce__(self) -> tuple[type[DamagedError], tuple[Path, str]]:
        return type(self), (self.path, self.why)

    @property
    def condition_key(self) -> str:
        """Of the job whose name the file has."""
        return self.path.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder."""

    index: Index
    damaged: tuple[DamagedError, ...]
    """Those that everything else takes as not there."""


def list_files(folder: Path) -> Listing:
    """Read the names in `folder`; no file is opened, and other names are passed over.

    What has a job's name but is no file (a folder, a FIFO, a link that leads nowhere) is damaged. Raises
    ResultsError where the folder cannot be read; an absent one is empty.
    """
    index: dict[str, list[StoredFile]] = {}
    damaged: list[DamagedError] = []
    try:
        with reading(folder), os.scandir(folder) as entries:
            found = sorted(((x.name, x) for x in entries if _NAME.fullmatch(x.name)), key=lambda x: x[0])
    except FileNotFoundError:
        return Listing({}, ())
    except ResultsError as error:
        raise ResultsError(f"{error} or use another --results") from error
    for name, entry in found:
        if (match := _NAME.fullmatch(name)) is None:
            continue
        if (kind := _kind(entry)) is not None:
            damaged.append(DamagedError(folder / name, kind))
            continue
        key, cells, failed = match.groups()
        file = StoredFile(folder / name, key, f"{key}-{cells}", failed is not None)
        index.setdefault(key, []).append(file)
    return Listing(index, tuple(damaged))


def _kind(entry: os.DirEntry[str]) -> str | None:
    """What an entry is that is no file; None for a file."""
    try:
        if entry.is_file():
            return None
        if entry.is_dir():
            return "it is a folder"
    except OSError:
        return "it is a link that leads nowhere"
    return "it is a link that leads nowhere" if entry.is_symlink() else "it is no regular file"
