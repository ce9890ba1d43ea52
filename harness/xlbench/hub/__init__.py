"""The Hugging Face hub: what a revision holds, its files, kept and checked; every failure one line."""

from xlbench.hub.cache import cached, folder, store
from xlbench.hub.failures import reaching
from xlbench.hub.files import fetch, is_here, opened
from xlbench.hub.guard import hidden
from xlbench.hub.parquet import CONVERTED, parquet_files
from xlbench.hub.repo import Repo
from xlbench.hub.retry import retried
from xlbench.hub.snapshot import Snapshot, find, known_commit, known_commits, remember

__all__ = [
    "CONVERTED",
    "Repo",
    "Snapshot",
    "cached",
    "fetch",
    "find",
    "folder",
    "hidden",
    "is_here",
    "known_commit",
    "known_commits",
    "opened",
    "parquet_files",
    "reaching",
    "remember",
    "retried",
    "store",
]
