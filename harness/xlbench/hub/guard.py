"""What a server names never becomes a path elsewhere, and a password in its address is never shown."""

from __future__ import annotations

import re
from typing import Any

COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})?")
"""Git's or SHA-256; empty where the hub says none."""
PASSWORD = re.compile(r"(?<=://)[^/\s@]*(?:@[^/\s@]*)*@")
PATH = re.compile(r"(?![A-Za-z]:)[^/\\\x00-\x1f]+(?:/[^/\\\x00-\x1f]+)*")
"""No root, no drive, no backslash, no control character."""
ETAG = re.compile(r'(?:W/)?"?[A-Za-z0-9._=+-]{1,200}"?')
LONGEST = 1000
"""Characters of a path."""


class UnsafeAnswerError(OSError):
    """An answer with a name that would become a path elsewhere."""


def hidden(text: str) -> str:
    """A text without names and passwords of addresses in it (`https://NAME:PASSWORD@HOST`)."""
    return PASSWORD.sub("", text)


def is_path(text: object) -> bool:
    """Whether this is a path below a folder: relative, of plain parts, none of them `.` or `..`."""
    if not isinstance(text, str) or len(text) > LONGEST or not PATH.fullmatch(text):
        return False
    return not any(part.strip(" .") == "" for part in text.split("/"))


def check_commit(commit: object) -> str:
    """A commit as the server says it. Raises UnsafeAnswerError unless it is 40 hexadecimal digits."""
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise UnsafeAnswerError(
            f"the server names a commit {_said(commit)}, which is not 40 hexadecimal digits"
        )
    return commit


def check_file(path: object, size: object, digest: object) -> None:
    """Raise UnsafeAnswerError unless the name, size and digest of a file can be what they should."""
    if not is_path(path):
        raise UnsafeAnswerError(f"the server names a file {_said(path)}, which is no path in a repository")
    if type(size) is not int or size < 0 or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise UnsafeAnswerError(f"the server says of {_said(path)} no size and digest that can be")


def watch() -> None:
    """Have every answer to huggingface_hub looked at, which makes paths of what its headers say."""
    from huggingface_hub import configure_http_backend
    from huggingface_hub.utils import _http

    if getattr(_http._GLOBAL_BACKEND_FACTORY, "__name__", "") != _session.__name__:
        configure_http_backend(backend_factory=_session)


def _session() -> Any:
    from huggingface_hub.utils._http import _default_backend_factory

    session = _default_backend_factory()
    session.hooks["response"].append(_check)
    return session


def _check(response: Any, *_: Any, **__: Any) -> None:
    """Raise UnsafeAnswerError where headers that name folders and files in the cache name others."""
    commit = response.headers.get("X-Repo-Commit")
    if commit is None:
        return
    check_commit(commit)
    for name in ("ETag", "X-Linked-Etag"):
        etag = response.headers.get(name)
        if etag is not None and (not ETAG.fullmatch(etag) or set(etag.strip('W/"')) <= {"."}):
            raise UnsafeAnswerError(f"the server names content {_said(etag)}, which is no digest")


def _said(value: object) -> str:
    return repr(value)[:80].encode("ascii", "backslashreplace").decode()
