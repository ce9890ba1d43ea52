"""Stored results: one immutable Parquet file a finished job, and a manifest a study."""

from xlbench.results.index import DamagedError, Index, StoredFile
from xlbench.results.manifest import describe
from xlbench.results.store import Failure, Store
from xlbench.results.studies import StoredStudy

__all__ = ["DamagedError", "Failure", "Index", "Store", "StoredFile", "StoredStudy", "describe"]
