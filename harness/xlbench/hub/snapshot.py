"""A revision of a repository: its commit, and what it holds."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.hub import retry
from xlbench.hub.cache import cached, store
from xlbench.hub.failures import reaching, refused
from xlbench.hub.guard import COMMIT, check_commit, check_file, is_path, watch
from xlbench.hub.retry import is_broken_connection, retried

if TYPE_CHECKING:
    from xlbench.hub.repo import Repo

TIMEOUT = 10.0
"""Seconds that the hub may take to answer."""
SHARD = re.compile(r"(.*-)(\d{5})-of-(\d{5})(\..*)")
MANY = 10_000
"""Files beyond which the hub's short list may not have them all."""

_commits: dict[tuple[str, str, str], str] = {}
"""By kind, id and revision: what has been looked up in this process, so that one run sees one commit."""
_snapshots: dict[tuple[str, str, str], Snapshot] = {}
"""By kind, id and commit."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """What the hub says of a file."""

    size: int
    digest: str
    """SHA-256 of a large file, git's SHA-1 of another; empty where not known."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit of a repository."""

    repo: Repo
    commit: str
    files: Mapping[str, HubFile]
    """By path."""

    @property
    def place(self) -> str:
        """Where its list of files and marks lie among what is kept."""
        return f"hub/{self.repo.cache.name}/{self.commit}"

    @property
    def folder(self) -> Path:
        """Where its files lie once they are fetched."""
        return self.repo.cache / "snapshots" / self.commit


def known_commits() -> dict[tuple[str, str, str], str]:
    """What has been looked up in this process, for another one to `remember`."""
    return dict(_commits)


def known_commit(repo: Repo, revision: str | None = None) -> str | None:
    """The commit of a revision, where it has been looked up in this process or the one that started it."""
    return _commits.get((repo.kind, repo.id, revision or "main"))


def remember(commits: Mapping[tuple[str, str, str], str]) -> None:
    """Take over what another process has looked up: both then read the same commits."""
    _commits.update(commits)


def find(repo: Repo, revision: str | None = None) -> Snapshot:
    """The commit that a revision (branch, tag, commit; None: main) is, and what is in it.

    Asked of the hub once a process, where it is not a commit already known. Without a network, what it was
    when last asked. Raises DataError, of a model ModelError, where neither can be obtained.
    """
    wanted = revision or "main"
    if not is_path(wanted):
        raise refused(repo, f"{repo.id}: {wanted!a} is no revision; give a branch, a tag or a commit")
    commit = wanted if COMMIT.fullmatch(wanted) else _commits.get((repo.kind, repo.id, wanted))
    found = None if commit is None else _listed(repo, commit)
    if found is None:
        with reaching(repo, revision):
            found = _ask(repo, wanted if commit is None else commit)
    _commits[repo.kind, repo.id, wanted] = found.commit
    _snapshots[repo.kind, repo.id, found.commit] = found
    return found


def _listed(repo: Repo, commit: str) -> Snapshot | None:
    """A snapshot whose list of files is kept."""
    if (known := _snapshots.get((repo.kind, repo.id, commit))) is not None:
        return known
    bare = Snapshot(repo, commit, {})
    content = cached(f"{bare.place}/files.json")
    if content is None:
        return None
    try:
        files: dict[str, Any] = json.loads(content)
        found = {path: HubFile(**facts) for path, facts in files.items()}
        for path, facts in found.items():
            check_file(path, facts.size, facts.digest)
    except (ValueError, TypeError, AttributeError, OSError):
        return None  # not whole: asked for again
    return Snapshot(repo, commit, found)


def _ask(repo: Repo, revision: str) -> Snapshot:
    """The hub's answer, or without a network what is known of it. Raises what huggingface_hub does."""
    from huggingface_hub import constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    quiet()
    try:
        if constants.HF_HUB_OFFLINE:
            raise OfflineModeIsEnabled("offline mode")
        if retry.out_of_reach() and (known := _cached(repo, revision)) is not None:
            return known
        found = retried(partial(_info, repo, revision))
    except Exception as error:
        busy = (response := retry.answer(error)) is not None and response.status_code in retry.BUSY
        silent = isinstance(error, OfflineModeIsEnabled) or is_broken_connection(error)
        if (busy or silent) and (known := _cached(repo, revision)) is not None:
            return known
        raise
    files = {path: asdict(facts) for path, facts in found.files.items()}
    store(f"{found.place}/files.json", json.dumps(files).encode())
    store(f"hub/{repo.cache.name}/revisions/{revision}", found.commit.encode())
    return found


def _info(repo: Repo, revision: str) -> Snapshot:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    info = api.repo_info(
        repo.id, repo_type=repo.kind, revision=revision, files_metadata=True, timeout=TIMEOUT
    )
    commit = check_commit(info.sha)
    if 0 < len(info.siblings or ()) < MANY:
        files = {
            x.rfilename: HubFile(x.size or 0, x.lfs.sha256 if x.lfs else x.blob_id or "")
            for x in info.siblings or ()
        }
    else:
        tree = api.list_repo_tree(repo.id, repo_type=repo.kind, revision=commit, recursive=True)
        files = {
            x.path: HubFile(x.size, x.lfs.sha256 if x.lfs else x.blob_id)
            for x in tree
            if isinstance(x, RepoFile)
        }
    for path, facts in files.items():
        check_file(path, facts.size, facts.digest)
    return Snapshot(repo, commit, files)


def _cached(repo: Repo, revision: str) -> Snapshot | None:
    """What a revision was when it was last asked for, by xlbench or by anyone who shares the cache."""
    if not COMMIT.fullmatch(revision):
        noted = cached(f"hub/{repo.cache.name}/revisions/{revision}")
        ref = repo.cache / "refs" / revision
        if noted is None and not ref.is_file():
            return None
        revision = (noted or ref.read_bytes()).decode(errors="replace").strip()
        if not COMMIT.fullmatch(revision):
            return None
    return _listed(repo, revision) or _on_disk(repo, revision)


def _on_disk(repo: Repo, commit: str) -> Snapshot | None:
    """A snapshot that something else has fetched, with what is here of it; None where shards are missing."""
    bare = Snapshot(repo, commit, {})
    here = [x for x in bare.folder.rglob("*") if x.is_file()] if bare.folder.is_dir() else []
    files = {x.relative_to(bare.folder).as_posix(): HubFile(x.stat().st_size, "") for x in here}
    for path in files:
        if (shard := SHARD.fullmatch(path)) is not None:
            start, _, count, end = shard.groups()
            if any(f"{start}{i:05}-of-{count}{end}" not in files for i in range(int(count))) and any(
                f"{start}{i:05}-of-{count}{end}" not in files for i in range(1, int(count) + 1)
            ):
                return None
    return Snapshot(repo, commit, files) if files else None


def quiet() -> None:
    """What huggingface_hub says when it tries again would come between the lines of the progress.

    And what it is answered is looked at.
    """
    watch()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
