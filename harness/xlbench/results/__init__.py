"""Stored results: one immutable Parquet file a finished job, and a manifest a study."""

from xlbench.results.described import describe
from xlbench.results.index import Index, StoredFile
from xlbench.results.rates import Rates
from xlbench.results.store import Store
from xlbench.results.studies import StoredStudy

__all__ = ["Index", "Rates", "Store", "StoredFile", "StoredStudy", "describe"]
