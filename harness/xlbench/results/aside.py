"""Writing so that a file is whole or absent, whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlbench.errors import ResultsError

_DAY = 24 * 60 * 60
_WHY = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EROFS: "it is on a read-only disk; use another --results",
    errno.EACCES: "it may not be written to; change its permissions or use another --results",
    errno.EPERM: "it may not be written to; change its permissions or use another --results",
    errno.ENOTDIR: "a file is in the way of a folder; use another --results",
    errno.EEXIST: "a file is in the way of a folder; use another --results",
    errno.ENOENT: "it cannot be made; use another --results",
    errno.ENAMETOOLONG: "the name is too long; use another --results",
}


@contextmanager
def writing(folder: Path, option: str = "--results") -> Iterator[None]:
    """Turn an operating system's error into a ResultsError of one line; `option` names the folder."""
    try:
        yield
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"{error.strerror or error}; use another --results").replace(
            "--results", option
        )
        raise ResultsError(f"cannot write to {folder}: {why} (what is stored is unharmed)") from error


def put_named(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a file that the user named with `option`, and the folders that it is in. Raises ResultsError."""
    if path.is_dir():
        raise ResultsError(f"{path} is a folder; name a file with {option}")
    with writing(path.parent, option):
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, content)


def put(path: Path, content: bytes) -> None:
    """Write `content` aside, in the folder of `path`, and rename it to `path`.

    A reader sees the old file or the whole new one. Several processes may do this to one path.
    Raises OSError, and then leaves nothing behind.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove what killed processes left aside more than a day ago. Raises OSError."""
    oldest = time.time() - _DAY
    for aside in folder.glob(".*.parquet.*"):
        try:
            if aside.stat().st_mtime < oldest:
                aside.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # its own process has just renamed it
