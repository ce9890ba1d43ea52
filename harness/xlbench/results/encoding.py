"""What the Parquet file of a job holds: one row per cell, and all else as metadata of the file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xlbench.errors import JobError
from xlbench.metrics.counting import checked, scored
from xlbench.metrics.task_loss import checked_loss
from xlbench.results.schema import SCHEMA
from xlbench.results.sealed import named, sealed

if TYPE_CHECKING:
    from xlbench.contracts import Evaluation, Job, Json, Metric

COLUMNS = pa.schema(
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
UNSCORED = (0, 0)
"""Shape of the counts of an evaluation without a score."""
LOSS = [pa.field("nats", pa.list_(pa.float32())), pa.field("decisions", pa.list_(pa.int32()))]
"""Further columns of a file in which a cell has a task loss; null for one that has none. Nats are stored with
the precision of the model's arithmetic."""
PREDICTED = [
    pa.field("gold", pa.list_(pa.string())),
    pa.field("predicted", pa.list_(pa.string())),
    pa.field("correct", pa.list_(pa.bool_())),
]
"""Further columns of a file whose predictions were kept, one per example: gold and predicted as JSON."""


def encode(
    job: Job, evaluations: Sequence[Evaluation], metrics: Mapping[str, Metric], provenance: Mapping[str, Json]
) -> bytes:
    """The file of a job that ended well. Raises JobError unless there is one sound evaluation a cell."""
    if tuple(e.cell for e in evaluations) != job.cells:
        raise JobError(f"probe {job.probe!r} did not give one evaluation for each cell of its job, in order")
    used = {x: metrics[x] for x in dict.fromkeys(e.cell.task for e in evaluations)}
    rows = [_row(evaluation, used[evaluation.cell.task]) for evaluation in evaluations]
    columns = COLUMNS
    if any(x.counts == "real" for x in used.values()):
        place = columns.get_field_index("counts")
        columns = columns.set(place, pa.field("counts", pa.list_(pa.float64()), nullable=False))
    if any(x.loss is not None for x in evaluations):
        for field in LOSS:
            columns = columns.append(field)
    if any(x.predictions is not None for x in evaluations):
        for field in PREDICTED:
            columns = columns.append(field)
        rows = [row | _predicted(x, row["n"]) for row, x in zip(rows, evaluations, strict=True)]
    return _file(job, rows, provenance, None, columns)


def encode_failure(job: Job, error: Mapping[str, str], provenance: Mapping[str, Json]) -> bytes:
    """The file of a job that failed: no rows, and the error as metadata."""
    return _file(job, [], provenance, error, COLUMNS)


def _row(evaluation: Evaluation, metric: Metric) -> dict[str, Any]:
    cell = evaluation.cell
    where = f"task {cell.task!r} in {cell.target}"
    if np.shape(evaluation.counts) == UNSCORED and evaluation.extra:
        return _unscored(evaluation, where)
    counts = checked(metric, evaluation.counts, where)
    others = {name: scored(metric, counts, where, score, name) for name, score in metric.others}
    loss = None if evaluation.loss is None else checked_loss(evaluation.loss, len(counts), where)
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
        "nats": None if loss is None else loss[:, 0],
        "decisions": None if loss is None else loss[:, 1].astype(np.int32),
    }


def _unscored(evaluation: Evaluation, where: str) -> dict[str, Any]:
    """Of an evaluation of which only `extra` is known. Raises JobError where one is not finite."""
    for name, value in evaluation.extra.items():
        if not math.isfinite(value):
            raise JobError(f"{where}: {name} is {value}, and there is nothing else to be stored")
    return {
        **evaluation.cell.as_json(),
        "n": 0,
        "k": 0,
        "counts": [],
        "score": math.nan,
        "truncated": evaluation.truncated,
        "extra": sorted((name, float(value)) for name, value in evaluation.extra.items()),
        "nats": None,
        "decisions": None,
    }


def _predicted(evaluation: Evaluation, n: int) -> dict[str, Any]:
    """Values of `PREDICTED`. Raises JobError where there is not one for each example."""
    kept = evaluation.predictions
    if kept is None:
        return dict.fromkeys(x.name for x in PREDICTED)
    sides = (kept.gold, kept.predicted, *([] if kept.correct is None else [kept.correct]))
    if any(len(x) != n for x in sides):
        raise JobError(
            f"task {evaluation.cell.task!r} in {evaluation.cell.target}: predictions of "
            f"{', '.join(str(len(x)) for x in sides)} examples, not of the {n} that were counted"
        )
    correct = None if kept.correct is None else [bool(x) for x in kept.correct]
    return {"gold": _texts(kept.gold), "predicted": _texts(kept.predicted), "correct": correct}


def _texts(values: Sequence[Any]) -> list[str]:
    """As JSON; what has no such form as its text."""
    return [
        json.dumps(x, ensure_ascii=False, default=_plain).encode(errors="backslashreplace").decode()
        for x in values
    ]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def _file(
    job: Job,
    rows: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Json],
    error: Mapping[str, str] | None,
    columns: pa.Schema,
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
        name: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8",
            "backslashreplace",  # a lone surrogate, as in the error of a plugin, by its JSON escape
        )
        for name, value in facts.items()
    }
    name = named(job.identity, failed=error is not None)
    return sealed(pa.Table.from_pylist(list(rows), schema=columns), texts, name)
