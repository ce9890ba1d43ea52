"""One line for each way in which something of the hub cannot be obtained."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xlbench.errors import DataError, ModelError, XlbenchError
from xlbench.hub.guard import UnsafeAnswerError, hidden
from xlbench.hub.retry import answer, chain, has_been_reached

if TYPE_CHECKING:
    from xlbench.hub.repo import Repo

FULL = frozenset({errno.EDQUOT, errno.ENOSPC})
"""Errors of a disk that takes no more."""
LOGIN = "`hf auth login`, or set HF_TOKEN"


@contextmanager
def reaching(repo: Repo, revision: str | None = None) -> Iterator[None]:
    """Turn a failure to have something of a repository into a DataError, of a model into a ModelError.

    Errors of a full disk pass as they are.
    """
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except (OSError, HFValidationError) as error:  # all that huggingface_hub and requests raise
        if any(isinstance(x, OSError) and x.errno in FULL for x in chain(error)):
            raise
        # Without the cause, whose text has the whole address.
        raise refused(repo, f"{repo.id}: {_why(repo, revision, error)}") from None


def refused(repo: Repo, line: str) -> XlbenchError:
    """The error for a repository of this kind."""
    line = hidden(line)
    return ModelError(line) if repo.kind == "model" else DataError(line)


def _why(repo: Repo, revision: str | None, error: Exception) -> str:
    from huggingface_hub import errors

    causes = list(chain(error))

    def among(*kinds: type[Exception]) -> bool:
        return any(isinstance(x, kinds) for x in causes)

    if unsafe := next((x for x in causes if isinstance(x, UnsafeAnswerError)), None):
        return f"{unsafe}; nothing was kept; use another hub or mirror, or {repo.instead}"
    if among(errors.GatedRepoError):
        return f"access is restricted; accept its terms at {repo.page}, then {LOGIN}"
    if among(errors.RevisionNotFoundError):
        return f"no revision {revision!r} on the hub; its revisions are at {repo.page}/tree/main"
    if among(errors.RepositoryNotFoundError, errors.HFValidationError):
        neither = "neither a folder nor a checkpoint" if repo.kind == "model" else "no data set"
        return f"{neither} on the hub; correct the name, or if it is private, {LOGIN}"
    if among(errors.EntryNotFoundError) and answer(error) is not None and _status(error) == 404:
        return f"a file that belongs to it is not on the hub; use another revision, or {repo.instead}"
    if (status := _status(error)) is not None:
        return _answered(status, repo)
    if among(errors.OfflineModeIsEnabled):
        return (
            "not in the local cache, and offline mode is set (HF_HUB_OFFLINE); "
            f"get it with `xlbench fetch` where there is a network, or use {repo.instead}"
        )
    last = next((x for x in causes if isinstance(x, OSError) and x.errno is not None), None)
    if last is not None and not isinstance(last, ConnectionError | TimeoutError):
        return f"cannot be downloaded: {' '.join(str(last).split())}; HF_HOME names the cache's folder"
    if has_been_reached():
        return f"the connection broke again and again ({type(error).__name__}); the same command goes on"
    return (
        f"not in the local cache, and the hub cannot be reached ({type(error).__name__}); connect to the "
        f"network once (`xlbench fetch`), or use {repo.instead}"
    )


def _status(error: Exception) -> int | None:
    response = answer(error)
    return None if response is None else int(response.status_code)


def _answered(status: int, repo: Repo) -> str:
    if status == 401:
        return f"the hub does not know the token (401); renew it with {LOGIN}"
    if status == 403:
        return f"the token has no access (403); ask for it at {repo.page}, then {LOGIN}"
    if status == 429:
        return f"the hub has had too many requests from here (429); try again later, or for more, {LOGIN}"
    if status >= 500:
        return f"the hub cannot answer now ({status}); try again later, or use {repo.instead}"
    return f"the hub refuses ({status}); see {repo.page}, or use {repo.instead}"
