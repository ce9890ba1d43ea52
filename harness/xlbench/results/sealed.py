"""A Parquet file that has its own checksum.

Among its metadata is a SHA-256 of its name and of every byte of the file (its own digits taken as zeros), so
that no reader can be given another job's content, or content that changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SEAL_KEY = "content"
"""Of the metadata, under which the checksum is."""
_SEAL = "xlbench-sha256:"
_BLANK = "0" * 64


def named(identity: str, *, failed: bool) -> str:
    """What a job's file is sealed with: its name without the ending."""
    return f"{identity}.failed" if failed else identity


def sealed(table: Any, texts: Mapping[str, bytes], name: str) -> bytes:
    """The file of a table, with `texts` as its metadata."""
    # Last, so that nothing that the file says is taken for it.
    said = {**texts, SEAL_KEY: f"{_SEAL}{_BLANK}".encode()}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", store_schema=False, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(said)
    content = bytes(sink.getvalue())
    digest = _digest(content, name)
    start = content.rindex(_SEAL.encode()) + len(_SEAL)
    return content[:start] + digest.encode() + content[start + len(_BLANK) :]


def seal_of(content: bytes) -> str | None:
    """The checksum that a file has; None for one of an earlier xlbench."""
    start = content.rfind(_SEAL.encode())
    if start < 0:
        return None
    start += len(_SEAL)
    return content[start : start + len(_BLANK)].decode("ascii", "replace")


def is_sealed(content: bytes, name: str) -> bool:
    """Whether a file has a checksum that is right."""
    return seal_of(content) == _digest(content, name)


def _digest(content: bytes, name: str) -> str:
    """SHA-256 of a job's name and of all bytes of its file, those of the checksum itself taken as zeros."""
    start = content.rfind(_SEAL.encode()) + len(_SEAL)
    total = hashlib.sha256(f"{name}\0".encode())
    total.update(content[:start])
    total.update(_BLANK.encode())
    total.update(content[start + len(_BLANK) :])
    return total.hexdigest()


def table_of(content: bytes, columns: list[str] | None = None) -> Any:
    """The rows of one file. What reads whole data sets, pq.read_table, takes half as long again."""
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        return file.read(columns=columns, use_threads=False)
