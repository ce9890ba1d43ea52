"""The Parquet file of one job: one row per cell, and all else as metadata of the file.

Among the metadata is a SHA-256 of the job's identity and of every byte of the file (its own digits taken as
zeros), so that no reader of this module can be given another job's content, or content that changed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlbench.contracts import Cell, Evaluation, Job, Record
from xlbench.contracts.published import metric_of
from xlbench.errors import JobError, ResultsError, said_of
from xlbench.files.disk import reading
from xlbench.metrics.counting import checked, scored
from xlbench.metrics.scoring import score_of
from xlbench.metrics.task_loss import checked_loss, mean_loss
from xlbench.results.index import DamagedError
from xlbench.results.schema import SCHEMA
from xlbench.results.schema import check as check_schema

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from xlbench.contracts import Json, Loss, Metric
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
UNSCORED = (0, 0)
"""Shape of the counts of an evaluation without a score."""
_LOSS = [pa.field("nats", pa.list_(pa.float32())), pa.field("decisions", pa.list_(pa.int32()))]
"""Further columns of a file in which a cell has a task loss; null for one that has none. Nats are stored with
the precision of the model's arithmetic."""
_PREDICTED = [
    pa.field("gold", pa.list_(pa.string())),
    pa.field("predicted", pa.list_(pa.string())),
    pa.field("correct", pa.list_(pa.bool_())),
]
"""Further columns of a file whose predictions were kept, one per example: gold and predicted as JSON."""


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
    columns = _COLUMNS
    if any(x.counts == "real" for x in used.values()):
        place = columns.get_field_index("counts")
        columns = columns.set(place, pa.field("counts", pa.list_(pa.float64()), nullable=False))
    if any(x.loss is not None for x in evaluations):
        for field in _LOSS:
            columns = columns.append(field)
    if any(x.predictions is not None for x in evaluations):
        for field in _PREDICTED:
            columns = columns.append(field)
        rows = [row | _predicted(x, row["n"]) for row, x in zip(rows, evaluations, strict=True)]
    return _file(job, rows, provenance, None, columns)


def encode_failure(job: Job, error: Mapping[str, str], provenance: Mapping[str, Json]) -> bytes:
    """The file of a job that failed: no rows, and the error as metadata."""
    return _file(job, [], provenance, error, _COLUMNS)


def header(file: StoredFile) -> Header:
    """The metadata alone. Raises as `opened` does."""
    return opened(file).header


def has_predictions(file: StoredFile) -> bool:
    """Whether predictions were kept with a job; True of a file that cannot be read: its readers say so."""
    try:
        return _PREDICTED[0].name in pq.read_schema(file.path).names
    except (pa.ArrowException, OSError):
        return True


def decode(file: StoredFile, metrics: Mapping[str, Metric] | None = None) -> list[Record]:
    """All records. Raises as `opened` does, and as `check_scores` where `metrics` are given."""
    found = opened(file)
    if metrics is not None:
        found.check_scores(metrics)
    return found.records()


def check(file: StoredFile, metrics: Mapping[str, Metric]) -> None:
    """Raise DamagedError unless the file is what was written under its name.

    Of a file with a checksum nothing is decoded; of one of an earlier xlbench the scores are compared with
    those of its counts, as far as `metrics` has them by task.
    """
    with reading(file.path):
        content = file.path.read_bytes()
    if not _is_sealed(file, content):
        found = _opened(file, content)
        if not file.failed:
            found.check_scores(metrics)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's content, read and decoded once, and checked against its name and checksum."""

    file: StoredFile
    content: bytes
    sealed: bool
    """Whether it has a checksum; files of an earlier xlbench have none."""
    header: Header
    evaluations: tuple[Evaluation, ...]
    """One a cell."""
    scores: tuple[float, ...]
    """As they were stored, one a cell."""

    @property
    def cells(self) -> list[Cell]:
        """What was evaluated, in order."""
        return [x.cell for x in self.evaluations]

    def rows(self) -> list[dict[str, Any]]:
        """All that is of no single example, a dictionary a cell: `task_loss` is in nats per decision."""
        return [
            {
                **x.cell.as_json(),
                "n": len(x.counts),
                "score": score,
                "truncated": x.truncated,
                "extra": dict(x.extra),
                "task_loss": mean_loss(x.loss),
            }
            for x, score in zip(self.evaluations, self.scores, strict=True)
        ]

    def records(self) -> list[Record]:
        """What was measured on each cell."""
        head, key = self.header, self.file.condition_key
        return [Record(head.probe, head.probe_version, head.condition, key, x) for x in self.evaluations]

    def predictions(self) -> list[list[dict[str, Any]] | None]:
        """Of each cell, what was predicted of its examples, in order: gold and predicted as JSON, whether
        that is right (None where only the metric can say), and the metric's counts; None where none was kept.
        Raises DamagedError.
        """
        table = _table(self.content, [x.name for x in _PREDICTED])
        if len(table.column_names) < len(_PREDICTED):
            return [None] * len(self.evaluations)
        found: list[list[dict[str, Any]] | None] = []
        for evaluation, row in zip(self.evaluations, table.to_pylist(), strict=True):
            counts = evaluation.counts.tolist()
            gold, predicted, correct = (row[x.name] for x in _PREDICTED)
            if gold is None and predicted is None:
                found.append(None)
                continue
            correct = [None] * len(counts) if correct is None else correct
            if any(x is None or len(x) != len(counts) for x in (gold, predicted, correct)):
                raise DamagedError(self.file.path, "its predictions are not complete")
            each = zip(gold, predicted, correct, counts, strict=True)
            found.append(
                [{"gold": a, "predicted": b, "correct": right, "counts": own} for a, b, right, own in each]
            )
        return found

    def check_scores(self, metrics: Mapping[str, Metric]) -> None:
        """Raise unless each stored score is that of its counts, of the tasks in `metrics`.

        DamagedError; a plain ResultsError where the checksum vouches for both, so that the metric is another.
        """
        for one, whole in zip(self.evaluations, self.scores, strict=True):
            task, counts = one.cell.task, one.counts
            if (metric := metric_of(self.header.condition) or metrics.get(task)) is None:
                continue
            if not one.is_scored and math.isnan(whole):
                continue
            fits = counts.shape[1] == len(metric.columns)
            stored = {metric.name: whole, **{x: one.extra.get(x) for x, _ in metric.others}}
            for name, score in ((metric.name, metric.score), *metric.others):
                try:
                    found = float(score_of(score, counts)) if fits else math.nan
                except Exception as error:
                    raise ResultsError(
                        f"{self.file.path}: {name} of {task} cannot be scored: "
                        f"{said_of(error)}; the task's plugin is at fault"
                    ) from error
                was = stored[name]
                if was is not None and not (fits and _same(found, was)):
                    raise self._other_metric(task, one.cell.target, name, was, found)

    def _other_metric(self, task: str, target: str, name: str, was: float, found: float) -> ResultsError:
        """What to say of a stored score that the metric does not make of the stored statistics."""
        if not self.sealed:
            return DamagedError(self.file.path, f"the score of {task} is not that of its counts")
        maker = self.header.provenance.get("plugins", {}).get(f"task {task}")
        by = f"it was scored by {maker}: install that version" if maker else "install the version of the "
        by += "" if maker else "task's plugin that it was scored with"
        return ResultsError(
            f"{self.file.path}: the score of {task} on {target} is {was:g}, but the metric {name!r} makes "
            f"{found:g} of its counts; {by}, or run again with --rerun all"
        )


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))


def opened(file: StoredFile, known: dict[Any, Any] | None = None) -> Opened:
    """Read a file once, and check that its content is what was written under its name. `known` keeps what
    files of one study have in common, so that many of them have it in memory once: nobody may change it.

    Raises DamagedError where it is not; ResultsError where it cannot be read just now, and for one that a
    newer xlbench wrote; FileNotFoundError.
    """
    with reading(file.path):
        content = file.path.read_bytes()
    return _opened(file, content, known)


def _opened(file: StoredFile, content: bytes, known: dict[Any, Any] | None = None) -> Opened:
    path, sealed = file.path, _is_sealed(file, content)
    try:
        head, found, scores = _decoded(path, content, known)
    except ResultsError:
        raise  # a newer xlbench
    except Exception as error:  # whatever a damaged or foreign file leads to
        if sealed:
            raise ResultsError(f"cannot read {path}: {said_of(error)}") from error
        why = "it is empty" if not content else "it was cut off, overwritten, or is no results file"
        raise DamagedError(path, why) from error
    job = Job(head.probe, head.probe_version, head.condition, tuple(x.cell for x in found), "")
    named = file.condition_key == job.condition_key and (file.failed or job.identity == file.identity)
    if not named or file.failed != (head.error is not None):
        raise DamagedError(path, "its content does not belong to its name")
    if not sealed and _seal_of(content) is not None:
        raise DamagedError(path, "its content changed after it was written")
    return Opened(file, content, sealed, head, found, scores)


def _is_sealed(file: StoredFile, content: bytes) -> bool:
    """Whether a file has a checksum that is right."""
    return _seal_of(content) == _digest(content, _name(file.identity, failed=file.failed))


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
    """Values of `_PREDICTED`. Raises JobError where there is not one for each example."""
    kept = evaluation.predictions
    if kept is None:
        return dict.fromkeys(x.name for x in _PREDICTED)
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
    name = _name(job.identity, failed=error is not None)
    return _sealed(pa.Table.from_pylist(list(rows), schema=columns), texts, name)


def resealed(found: Opened) -> bytes:
    """The same file with a checksum, of one of an earlier xlbench that has none."""
    table = _table(found.content)
    texts = {k.decode(): v for k, v in (table.schema.metadata or {}).items() if k != _SEAL_KEY.encode()}
    name = _name(found.file.identity, failed=found.file.failed)
    return _sealed(table.replace_schema_metadata(None), texts, name)


def _sealed(table: Any, texts: Mapping[str, bytes], name: str) -> bytes:
    # Last, so that nothing that the file says is taken for it.
    said = {**texts, _SEAL_KEY: f"{_SEAL}{_BLANK}".encode()}
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


_SEAL_KEY = "content"
_SEAL = "xlbench-sha256:"
_BLANK = "0" * 64


def _name(identity: str, *, failed: bool) -> str:
    return f"{identity}.failed" if failed else identity


def _seal_of(content: bytes) -> str | None:
    """The checksum that a file has; None for one of an earlier xlbench."""
    start = content.rfind(_SEAL.encode())
    if start < 0:
        return None
    start += len(_SEAL)
    return content[start : start + len(_BLANK)].decode("ascii", "replace")


def _digest(content: bytes, name: str) -> str:
    """SHA-256 of a job's name and of all bytes of its file, those of the checksum itself taken as zeros."""
    start = content.rfind(_SEAL.encode()) + len(_SEAL)
    total = hashlib.sha256(f"{name}\0".encode())
    total.update(content[:start])
    total.update(_BLANK.encode())
    total.update(content[start + len(_BLANK) :])
    return total.hexdigest()


def _decoded(
    path: Path, content: bytes, known: dict[Any, Any] | None
) -> tuple[Header, tuple[Evaluation, ...], tuple[float, ...]]:
    """Header, evaluations and scores. Raises DamagedError, and whatever foreign content leads to."""
    table = _table(content, [x.name for x in (*_COLUMNS, *_LOSS)])
    facts = {name.decode(): value for name, value in (table.schema.metadata or {}).items()}
    check_schema(path, json.loads(facts["schema"]))
    read = json.loads if known is None else partial(json.loads, object_pairs_hook=partial(_shared, known))
    probe, version, condition = (json.loads(facts[x]) for x in ("probe", "probe_version", "condition"))
    provenance = read(facts["provenance"])
    error = json.loads(facts["error"]) if "error" in facts else None
    if _SEAL_KEY in facts and _seal_of(content) is None:
        raise ValueError("the checksum itself was changed")
    found = _evaluations(path, table, known)
    return Header(probe, version, condition, provenance, error), found, tuple(_column(table, "score"))


def _shared(known: dict[Any, Any], pairs: list[tuple[str, Any]]) -> Any:
    """A table of JSON; the one of before where another file has had its like."""
    said = tuple((name, type(x), id(x) if isinstance(x, dict) else str(x)) for name, x in pairs)
    return known.setdefault(said, dict(pairs))


def _column(table: Any, name: str) -> list[Any]:
    found: list[Any] = table.column(name).to_pylist()
    return found


def _evaluations(path: Path, table: Any, known: dict[Any, Any] | None) -> tuple[Evaluation, ...]:
    """What was measured on each cell. Raises DamagedError."""
    cells = [Cell(*x) for x in zip(*(_column(table, name) for name in _CELL), strict=True)]
    if known is not None:
        cells = [known.setdefault(x, x) for x in cells]
    n, k, truncated, extra = (_column(table, name) for name in ("n", "k", "truncated", "extra"))
    flat, sizes = _lists(table, "counts")
    pairs = list(zip(n, k, strict=True))
    if sizes != [a * b for a, b in pairs] or any(min(x) < 1 and x != UNSCORED for x in pairs):
        raise DamagedError(path, "its counts are not complete")
    counts = iter(_split(flat, [a * b for a, b in pairs]))
    losses = _losses(path, table, n)
    return tuple(
        Evaluation(cell, next(counts).reshape(a, b), cut, dict(more), loss)
        for cell, a, b, cut, more, loss in zip(cells, n, k, truncated, extra, losses, strict=True)
    )


def _lists(table: Any, name: str) -> tuple[NDArray[Any], list[int | None]]:
    """The values of a column of lists, end to end, and how many each has; None for one that is none."""
    lists = table.column(name).combine_chunks()
    return lists.flatten().to_numpy(zero_copy_only=False), lists.value_lengths().to_pylist()


def _split(flat: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    ends = np.cumsum(sizes, dtype=np.int64).tolist()
    return [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _losses(path: Path, table: Any, n: Sequence[int]) -> list[Loss | None]:
    """Task loss of each cell; None where it is not stored. Raises DamagedError."""
    if "nats" not in table.column_names:
        return [None] * len(n)
    parts = []
    for field in _LOSS:
        flat, own = _lists(table, field.name)
        if any(x is not None and x != size for x, size in zip(own, n, strict=True)):
            raise DamagedError(path, "its task loss is not complete")
        each = iter(_split(flat, [x for x in own if x is not None]))
        parts.append([None if x is None else next(each) for x in own])
    found: list[Loss | None] = []
    for nats, decisions in zip(*parts, strict=True):
        if (nats is None) != (decisions is None):
            raise DamagedError(path, "its task loss is not complete")
        found.append(None if nats is None else np.stack([nats, decisions], axis=1, dtype=np.float32))
    return found


def _table(content: bytes, columns: list[str] | None = None) -> Any:
    """The rows of one file. What reads whole data sets, pq.read_table, takes half as long again."""
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        return file.read(columns=columns, use_threads=False)
