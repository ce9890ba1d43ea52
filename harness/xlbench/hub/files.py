"""Files of a snapshot: fetched, checked against the hub's digest once, or read in parts."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from xlbench.files.content import stamp
from xlbench.hub import retry
from xlbench.hub.cache import cached, store
from xlbench.hub.failures import reaching, refused
from xlbench.hub.retry import retried
from xlbench.hub.snapshot import quiet

if TYPE_CHECKING:
    from xlbench.hub.snapshot import HubFile, Snapshot

LARGE = 20_000_000
"""Bytes of a file whose download is worth a progress bar."""


def fetch(snapshot: Snapshot, path: str) -> Path:
    """A file of a snapshot, downloaded if it is not here yet, and checked against the hub's digest once.

    What does not match is downloaded once more. Raises DataError, of a model ModelError, where that does not
    help or it cannot be obtained.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    repo, said = snapshot.repo, snapshot.files[path]
    mark = f"{snapshot.place}/whole/{path}"
    here = try_to_load_from_cache(repo.id, path, revision=snapshot.commit, repo_type=repo.kind)
    if isinstance(here, str) and (_is_marked(Path(here), mark) or _is_whole(Path(here), said, mark)):
        return Path(here)
    again = isinstance(here, str)
    for force in (True,) if again else (False, True):
        if force and constants.HF_HUB_OFFLINE:
            raise refused(
                repo, f"{repo.id}: {path} is damaged in the local cache; unset HF_HUB_OFFLINE to get it again"
            )
        try:
            with reaching(repo):
                got = Path(retried(partial(_download, snapshot, path, force)))
        except _ShortError:
            continue
        if _is_whole(got, said, mark):
            return got
        got.resolve().unlink(missing_ok=True)
        got.unlink(missing_ok=True)
    raise refused(
        repo,
        f"{repo.id}: {path} arrives damaged, twice over: it is not what the hub says it is; try again later, "
        f"or use {repo.instead}",
    )


def opened(snapshot: Snapshot, path: str) -> BinaryIO:
    """A file of a snapshot, open for reading parts of it: here where it is here, otherwise on the hub."""
    from huggingface_hub import HfFileSystem, try_to_load_from_cache

    repo = snapshot.repo
    here = try_to_load_from_cache(repo.id, path, revision=snapshot.commit, repo_type=repo.kind)
    if isinstance(here, str):
        return Path(here).open("rb")
    prefix = "datasets/" if repo.kind == "dataset" else ""
    file: BinaryIO = HfFileSystem().open(f"{prefix}{repo.id}@{snapshot.commit}/{path}", "rb")
    return file


def is_here(snapshot: Snapshot, paths: Iterable[str]) -> bool:
    """Whether none of these files has to be downloaded."""
    return all((snapshot.folder / path).exists() for path in paths)


class _ShortError(Exception):
    """A download that ended before its end, and said nothing."""


def _download(snapshot: Snapshot, path: str, force: bool) -> str:
    from huggingface_hub import hf_hub_download

    quiet()
    repo = snapshot.repo
    try:
        with _bar(snapshot.files[path].size):
            return hf_hub_download(
                repo.id,
                path,
                repo_type=repo.kind,
                revision=snapshot.commit,
                force_download=force,
                # The library itself would wait for half a minute.
                local_files_only=retry.out_of_reach(),
            )
    except OSError as error:
        if str(error).startswith("Consistency check failed"):
            raise _ShortError from error
        raise
    except RuntimeError as error:  # the only kind that hf_xet has
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise ConnectionError(str(error)) from error


def _is_marked(path: Path, mark: str) -> bool:
    """Whether nothing wrote to a file since it was found to be whole."""
    return cached(mark) == json.dumps(stamp(path)).encode()


def _is_whole(path: Path, said: HubFile, mark: str) -> bool:
    """Whether a file is what the hub says; marked then, so that it is not read for this until it changes."""
    before = stamp(path)
    if said.digest:
        if path.stat().st_size != said.size:
            return False
        with path.open("rb") as file:
            if len(said.digest) == 64:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                head = hashlib.sha1(b"blob %d\0" % said.size, usedforsecurity=False)
                found = hashlib.file_digest(file, lambda: head).hexdigest()
        if found != said.digest:
            return False
    store(mark, json.dumps(before).encode())
    return True


@contextmanager
def _bar(size: int) -> Iterator[None]:
    """The library's progress bar for what takes a while alone; hundreds of small files need none."""
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if size >= LARGE or constants.HF_HUB_DISABLE_PROGRESS_BARS is not None or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
