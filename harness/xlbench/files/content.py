"""Digests of files: what is read is what was fingerprinted, or it is refused."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from xlbench.errors import DataError, XlbenchError

Stamp: TypeAlias = tuple[int, int, int, int]
"""Size, times of modification and status change (ns), and inode: no write leaves all of them unchanged."""

SETTLED = 2.0
"""Seconds after which a further write changes the stamp, however coarse a file system's clock is."""

_known: dict[Path, tuple[Stamp, str]] = {}


def stamp(path: Path) -> Stamp:
    """What tells that a file was written to, without reading it. Raises OSError."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def is_settled(found: Stamp) -> bool:
    """Whether the file's last write is so long ago that another one cannot have the same stamp."""
    return time.time() - max(found[1:3]) / 1e9 > SETTLED


def file_digest(path: Path) -> str:
    """64 hexadecimal digits of the SHA-256 of a file as it is now. Raises OSError.

    A file is read again only where its stamp is new.
    """
    path = path.absolute()
    now = stamp(path)
    known = _known.get(path)
    if known is not None and known[0] == now:
        return known[1]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    _known.pop(path, None)
    if is_settled(now) and stamp(path) == now:
        _known[path] = now, found
    return found


@contextmanager
def unchanged(path: Path, digest: str, error: type[XlbenchError] = DataError) -> Iterator[None]:
    """Around the reading of a file that was fingerprinted before: raise `error` unless its content is that of
    `digest` (the first hexadecimal digits of its SHA-256), and nothing wrote to it meanwhile.
    """
    before: Stamp | None = None
    try:
        before = stamp(path)
        yield
    except Exception as problem:
        check(path, digest, error, problem)  # what is malformed may be so for having changed
        raise
    check(path, digest, error, before=before)


def check(
    path: Path,
    digest: str,
    error: type[XlbenchError] = DataError,
    cause: Exception | None = None,
    before: Stamp | None = None,
) -> None:
    """Raise `error` unless the content of a file is that of `digest`, the first digits of its SHA-256."""
    try:
        same = file_digest(path).startswith(digest) and before in (None, stamp(path))
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror}") from problem
    if not same:
        raise error(
            f"{path}: changed since the study was planned, so its numbers would be stored for the wrong "
            "content; run the same command again, and leave the file alone meanwhile"
        ) from cause
