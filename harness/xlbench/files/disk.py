"""Atomic writes, setting aside, and what the operating system's errors mean.

A file is whole or absent, whatever happens meanwhile: it is written under a temporary name in its own folder,
flushed to the disk, and renamed. What is found damaged is moved out of the way, never deleted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xlbench.errors import ResultsError

_DAY = 24 * 60 * 60
_TOO_MANY = "too many files are open; raise the limit (ulimit -n) and try again"
SYSTEM = {
    errno.EMFILE: _TOO_MANY,
    errno.ENFILE: _TOO_MANY,
    errno.EIO: "the disk reports an input/output error; check the disk or network and try again",
    errno.ESTALE: "the network disk has lost it (stale file handle); mount it again and try again",
    errno.ENOMEM: "the machine is out of memory; free some and try again",
}
"""What is wrong with the system, whatever file is asked for, and what to do."""
_UNREADABLE = {
    **SYSTEM,
    errno.EACCES: "it may not be read; change its permissions",
    errno.EPERM: "it may not be read; change its permissions",
    errno.ENOTDIR: "a file is in the way of a folder; use another --results",
}
"""Why a file cannot be read just now, which says nothing of its content."""
_WHY = {
    **SYSTEM,
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
def reading(path: Path) -> Iterator[None]:
    """Turn an operating system's error into a ResultsError of one line. Raises FileNotFoundError as it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, MemoryError) as error:
        raise ResultsError(f"cannot read {path}: {why_unreadable(error)}") from error


def why_unreadable(error: OSError | MemoryError) -> str:
    """What an error says of the system, not of a file's content, and what to do."""
    code = errno.ENOMEM if isinstance(error, MemoryError) else error.errno
    return _UNREADABLE.get(code or 0, f"{getattr(error, 'strerror', None) or error}; try again")


def content_of(path: Path) -> bytes:
    """All of a regular file, read without waiting for anyone to write to it.

    Raises ValueError where the path is something else (a folder, a FIFO, a link to itself), ResultsError as
    `reading` does, FileNotFoundError.
    """
    with reading(path):
        try:
            with open(path, "rb", opener=_no_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ValueError(f"{path} is no file")
                return file.read()
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
                raise ValueError(f"{path} is no file") from error
            raise


def _no_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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
        make_folder(path.parent)
        sweep(path.parent)
        put(path, content)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing. Raises OSError.

    In a folder that a group shares (`chmod g+ws`), the group may write to what is made too, whatever the
    umask of whoever makes it.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    shared = stat.S_ISGID | stat.S_IWGRP
    if path.parent.stat().st_mode & shared == shared:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRWXG)


def temporary(path: Path) -> Path:
    """A name beside `path` that no other process uses, and that `sweep` knows."""
    return path.with_name(f".{path.name[:150]}.{_HERE}-{os.getpid()}-{secrets.token_hex(4)}")


def put(path: Path, content: bytes) -> None:
    """Write `content` under a temporary name, in the folder of `path`, and rename it to `path`.

    A reader sees the old file or the whole new one. Several processes may do this to one path.
    Raises OSError, and then leaves nothing behind.
    """
    aside = temporary(path)
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def set_aside(path: Path, folder: Path) -> Path | None:
    """Move a file or folder, whatever it is, into `folder` under a name of its own; returns where it is then.

    None where another process was first. Raises OSError.
    """
    make_folder(folder)
    now = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    place = folder / f"{path.name[:200]}.{now}-{secrets.token_hex(4)}"
    try:
        path.rename(place)
    except FileNotFoundError:
        return None
    return place


def make_way(path: Path, aside: Path) -> None:
    """Set aside a folder that is where a file belongs. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        set_aside(path, aside)


def sweep(*folders: Path) -> None:
    """Remove the temporary files and folders of processes that are gone. Raises OSError.

    Those of other machines, of which that cannot be told, go once they are a day old, by the clock of the
    disk: machines may disagree. What another user left and this one may not remove stays.
    """
    for folder in folders:
        found = [(x, match) for x in folder.glob(".*") if (match := _TEMPORARY.fullmatch(x.name))]
        oldest = _clock(folder) - _DAY if found else 0.0
        for left, match in found:
            try:
                if left.lstat().st_mtime > oldest and not _is_gone(match["here"], match["pid"]):
                    continue
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left)
                else:
                    left.unlink(missing_ok=True)
            except (FileNotFoundError, PermissionError):
                continue  # its own process has just renamed it; or it is another user's


def _clock(folder: Path) -> float:
    """Time in seconds by the clock of the disk that a folder is on. Raises OSError."""
    new = temporary(folder / "clock")
    try:
        new.touch()
        return new.stat().st_mtime
    finally:
        new.unlink(missing_ok=True)


def _is_gone(here: str | None, pid: str | None) -> bool:
    """Whether a process of this machine has ended."""
    if here != _HERE or pid is None or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _machine() -> str:
    """8 hexadecimal digits that tell apart what counts processes apart: machines, also those of one name,
    each time that they were started, and containers on one.
    """
    started = space = ""
    with suppress(OSError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text()
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{platform.node()} {space} {started}".encode()).hexdigest()[:8]


_HERE = _machine()
_OURS = (
    r"[0-9a-f]{40}-[0-9a-f]{12}(?:\.failed)?\.parquet|(?:schema|plan|subwords)\.json|study\.toml"
    r"|\.writable|[a-z][a-z0-9-]*-[0-9a-f]{12,}"
)
_TEMPORARY = re.compile(
    r"\..+\.(?P<here>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}"
    rf"|\.(?:{_OURS})\.\d+(?:\.[0-9a-f]{{8}})?",
    re.DOTALL,
)
"""Temporary names. Those of earlier versions end like hidden files that others may have, so they are known by
what they were to become.
"""
