"""Adapters on disk: kept with a digest of all that is in their folder, and used only while that holds."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlbench.contracts import digest
from xlbench.files import content, disk

ABOUT = "xlbench.json"
"""Beside the library's own files: identity, what was measured, and the digest of each file."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept adapter that is as it was written."""

    about: Mapping[str, Any]
    digest: str
    """Of its weights and settings: what the result's provenance names. Never part of an identity, since
    another machine trains the same adapter with other rounding."""


def examine(folder: Path, identity: Mapping[str, Any]) -> Kept | str:
    """The adapter of a folder, or why it cannot be used, as in "changed since ..."; "" where there is none.

    Raises ResultsError where a file cannot be read just now.
    """
    if not os.path.lexists(folder):
        return ""
    if not folder.is_dir() or not any(folder.iterdir()):
        return "is no folder of an adapter"
    try:
        about = json.loads(disk.content_of(folder / ABOUT))
        files, said = about.pop("files", None), about.pop("digest", None)
        if not isinstance(files, dict):
            return "was kept without a digest, as earlier versions did, so it cannot be checked"
        if said != _digest(about, files):
            return f"changed since it was trained ({ABOUT})"
        if digest(about["identity"]) != digest(dict(identity)):
            return "is another one than its name says"
        found = _files(folder)
        if unlike := sorted(x for x in {*files, *found} if files.get(x) != found.get(x)):
            return f"changed since it was trained ({unlike[0]})"
    except FileNotFoundError as error:
        return f"is not whole ({Path(str(error.filename)).name} is missing)"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return f"changed since it was trained ({ABOUT})"
    return Kept(about, digest({**files}))


def keep(folder: Path, about: Mapping[str, Any], save: Callable[[Path], None]) -> None:
    """Write an adapter under a temporary name, with what is to be known about it, and rename.

    What is in its place already stays if it is whole, since another process was first with the same adapter;
    otherwise it is set aside. Raises OSError.
    """
    new = disk.temporary(folder)
    try:
        disk.make_folder(new)
        _save(new, save)
        files = _files(new)
        whole = {**about, "files": files, "digest": _digest(about, files)}
        (new / ABOUT).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "utf-8")
        for path in new.iterdir():  # the library writes weights that their owner alone may read
            path.chmod(stat.S_IMODE((new / ABOUT).stat().st_mode))
        for left in reversed(range(TRIES)):
            try:
                new.rename(folder)
            except OSError:
                if not isinstance(why := examine(folder, about["identity"]), str):
                    return
                if not left or not why:
                    raise
                disk.set_aside(folder, folder.parent.with_name("aside"))
            else:
                return
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _save(folder: Path, save: Callable[[Path], None]) -> None:
    """Have the library save; its own errors do not say in a number that the disk is full."""
    try:
        save(folder)
    except OSError:
        raise
    except Exception as error:
        for code in (errno.ENOSPC, errno.EDQUOT):
            if os.strerror(code) in str(error) or f"os error {code}" in str(error):
                raise OSError(code, os.strerror(code)) from error
        raise


def _files(folder: Path) -> dict[str, str]:
    """SHA-256 of each file but `ABOUT`, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != ABOUT:
            with disk.reading(path):
                found[path.name] = content.file_digest(path) if path.is_file() else "no file"
    return found


def _digest(about: Mapping[str, Any], files: Mapping[str, str]) -> str:
    text = json.dumps({**about, "files": dict(files)}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
