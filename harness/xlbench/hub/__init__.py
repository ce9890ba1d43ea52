"""The Hugging Face hub: what a revision holds, its files, kept and checked; every failure one line."""

from xlbench.hub.files import fetch, is_here, opened
from xlbench.hub.guard import hidden
from xlbench.hub.keep import folder, kept, put_by
from xlbench.hub.parquet import CONVERTED, parquet_files
from xlbench.hub.patience import patiently
from xlbench.hub.refusal import reaching
from xlbench.hub.repo import Repo
from xlbench.hub.snapshot import Snapshot, find, known_commit, known_commits, remember

__all__ = [
    "CONVERTED",
    "Repo",
    "Snapshot",
    "fetch",
    "find",
    "folder",
    "hidden",
    "is_here",
    "kept",
    "known_commit",
    "known_commits",
    "opened",
    "parquet_files",
    "patiently",
    "put_by",
    "reaching",
    "remember",
]
