"""The Parquet file of one job: a row a cell, and all else as metadata of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlbench.contracts import Cell, Evaluation, Job, Record
from xlbench.counting import checked, scored
from xlbench.errors import JobError, ResultsError
from xlbench.results.schema import SCHEMA, check

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Json, Metric
    from xlbench.results.index import StoredFile

_CELL = ["task", "target", "data", "limit"]
_COLUMNS = pa.schema(
    [
        pa.field("task", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("data", pa.string(), nullable=False),
        pa.field("limit", pa.int64()),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("k", pa.int32(), nullable=False),
        pa.field("counts", pa.list_(pa.int32()), nullable=False),  # of 64-bit floats where a count is real
        pa.field("score", pa.float64(), nullable=False),
        pa.field("truncated", pa.int64(), nullable=False),
        pa.field("extra", pa.map_(pa.string(), pa.float64()), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its job, its cells apart."""

    probe: str
    probe_version: int
    condition: dict[str, Json]
    provenance: dict[str, Any]
    error: dict[str, str] | None


def encode(
    job: Job, evaluations: Sequence[Evaluation], metrics: Mapping[str, Metric], provenance: Mapping[str, Json]
) -> bytes:
    """The file of a job that ended well. Raises JobError unless there is one sound evaluation a cell."""
    if tuple(e.cell for e in evaluations) != job.cells:
        raise JobError(f"probe {job.probe!r} did not give one evaluation for each cell of its job, in order")
    used = {x: metrics[x] for x in dict.fromkeys(e.cell.task for e in evaluations)}
    rows = [_row(evaluation, used[evaluation.cell.task]) for evaluation in evaluations]
    return _file(job, rows, provenance, None, real=any(x.counts == "real" for x in used.values()))


def encode_failure(job: Job, error: Mapping[str, str], provenance: Mapping[str, Json]) -> bytes:
    """The file of a job that failed: no rows, and the error as metadata."""
    return _file(job, [], provenance, error)


def header(file: StoredFile) -> Header:
    """The metadata alone. Raises ResultsError."""
    with _reading(file.path):
        return _header(file.path, pq.read_schema(file.path).metadata)


def cells(file: StoredFile) -> list[Cell]:
    """The cells alone, counts unread. Raises ResultsError."""
    with _reading(file.path):
        table = _table(file.path, _CELL)
        _header(file.path, table.schema.metadata)
        return _cells(table)


def rows(file: StoredFile) -> list[dict[str, Any]]:
    """All columns but the counts, a dictionary a cell. Raises ResultsError."""
    with _reading(file.path):
        columns = [*_CELL, "n", "score", "truncated", "extra"]
        table = _table(file.path, columns)
        return [{**row, "extra": dict(row["extra"])} for row in table.to_pylist()]


def decode(file: StoredFile) -> list[Record]:
    """All records, checked against the name of the file. Raises ResultsError."""
    with _reading(file.path):
        table = _table(file.path)
        head = _header(file.path, table.schema.metadata)
        job = Job(head.probe, head.probe_version, head.condition, tuple(_cells(table)), "")
        if not file.failed and job.identity != file.identity:
            raise _broken(file.path, "its content does not belong to its name")
        n, k = (table.column(name).to_pylist() for name in ("n", "k"))
        flat = table.column("counts").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        ends = np.cumsum([a * b for a, b in zip(n, k, strict=True)], dtype=np.int64)
        if flat.size != (ends[-1] if len(ends) else 0):
            raise _broken(file.path, "its counts are not complete")
        counts = np.split(flat, ends[:-1])
        truncated, extra = (table.column(name).to_pylist() for name in ("truncated", "extra"))
        return [
            Record(
                head.probe,
                head.probe_version,
                head.condition,
                job.condition_key,
                Evaluation(cell, counts[i].reshape(n[i], k[i]), truncated[i], dict(extra[i])),
            )
            for i, cell in enumerate(job.cells)
        ]


def _row(evaluation: Evaluation, metric: Metric) -> dict[str, Any]:
    cell = evaluation.cell
    where = f"task {cell.task!r} in {cell.target}"
    counts = checked(metric, evaluation.counts, where)
    others = {name: scored(metric, counts, where, score, name) for name, score in metric.others}
    return {
        "task": cell.task,
        "target": cell.target,
        "data": cell.data,
        "limit": cell.limit,
        "n": len(counts),
        "k": counts.shape[1],
        "counts": counts.ravel(),
        "score": scored(metric, counts, where),
        "truncated": evaluation.truncated,
        "extra": sorted((name, float(value)) for name, value in {**others, **evaluation.extra}.items()),
    }


def _file(
    job: Job,
    rows: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Json],
    error: Mapping[str, str] | None,
    *,
    real: bool = False,
) -> bytes:
    facts = {
        "schema": SCHEMA,
        "probe": job.probe,
        "probe_version": job.probe_version,
        "condition": dict(job.condition),
        "provenance": dict(provenance),
    }
    if error is not None:
        facts["error"] = dict(error)
    texts = {
        name: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for name, value in facts.items()
    }
    columns = _COLUMNS
    if real:
        place = columns.get_field_index("counts")
        columns = columns.set(place, pa.field("counts", pa.list_(pa.float64()), nullable=False))
    table = pa.Table.from_pylist(list(rows), schema=columns.with_metadata(texts))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _header(path: Path, metadata: Mapping[bytes, bytes] | None) -> Header:
    facts = {name.decode(): value for name, value in (metadata or {}).items()}
    check(path, json.loads(facts["schema"]))
    names = ("probe", "probe_version", "condition", "provenance")
    probe, version, condition, provenance = (json.loads(facts[name]) for name in names)
    error = json.loads(facts["error"]) if "error" in facts else None
    return Header(probe, version, condition, provenance, error)


def _table(path: Path, columns: list[str] | None = None) -> Any:
    """The rows of one file. What reads whole data sets, pq.read_table, takes half as long again."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=columns)


def _cells(table: Any) -> list[Cell]:
    return [Cell(**row) for row in table.select(_CELL).to_pylist()]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever a truncated or foreign file leads to into a ResultsError."""
    try:
        yield
    except FileNotFoundError as error:
        raise ResultsError(f"{path} is gone; run the same command again") from error
    except PermissionError as error:
        raise ResultsError(f"{path} may not be read; change its permissions") from error
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise _broken(path, "it is truncated or not a results file") from error


def _broken(path: Path, why: str) -> ResultsError:
    return ResultsError(f"cannot read {path}: {why}; delete it and run the same command again")
