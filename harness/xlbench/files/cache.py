"""What is kept between commands in the user's cache, and may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from xlbench.files.disk import put


def folder() -> Path:
    """Where caches are kept: XDG_CACHE_HOME, or ~/.cache. Raises OSError for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "xlbench"
    except RuntimeError as error:
        raise OSError(str(error)) from error


def remembered(name: str, make: Callable[[], bytes]) -> bytes:
    """What `make` gave before under this name, which says all that it depends on; else what it gives now.

    The content is kept behind its SHA-256, and made again where it has another. Raises what `make` raises.
    """
    place = None
    with suppress(OSError):
        place = folder() / name
        seal, _, content = place.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() == seal:
            return content
    content = make()
    with suppress(OSError):
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            put(place, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    return content
