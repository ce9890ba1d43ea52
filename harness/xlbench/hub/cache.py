"""The cache of xlbench itself, beside the hub's: lists of files, lines of text, what has been checked.

It lies in `HF_HOME/xlbench`, so that a machine without a network needs a copy of one folder.
"""

from __future__ import annotations

import errno
from pathlib import Path


def folder() -> Path:
    """Where it lies; may not exist yet."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "xlbench"


def cached(name: str) -> bytes | None:
    """What is kept under a name, a relative path; None where nothing is."""
    try:
        return (folder() / name).read_bytes()
    except FileNotFoundError:
        return None


def store(name: str, content: bytes) -> None:
    """Keep something under a name; a cache that nobody may write to stays as it is.

    Raises OSError, of a full disk above all.
    """
    from xlbench.files.disk import put

    path = folder() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, content)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
