"""The file of one job, read: its content is checked against its name and checksum first."""

from __future__ import annotations

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
from xlbench.errors import ResultsError, said_of
from xlbench.files.disk import reading
from xlbench.metrics.scoring import score_of
from xlbench.metrics.task_loss import mean_loss
from xlbench.results.encoding import COLUMNS, LOSS, PREDICTED, UNSCORED
from xlbench.results.index import DamagedError
from xlbench.results.schema import check as check_schema
from xlbench.results.sealed import SEAL_KEY, is_sealed, named, seal_of, sealed, table_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from xlbench.contracts import Json, Loss, Metric
    from xlbench.results.index import StoredFile

_CELL = ["task", "target", "data", "limit"]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its job, its cells apart."""

    probe: str
    probe_version: int
    condition: dict[str, Json]
    provenance: dict[str, Any]
    error: dict[str, str] | None


def header(file: StoredFile) -> Header:
    """The metadata alone. Raises as `opened` does."""
    return opened(file).header


def has_predictions(file: StoredFile) -> bool:
    """Whether predictions were kept with a job; True of a file that cannot be read: its readers say so."""
    try:
        return PREDICTED[0].name in pq.read_schema(file.path).names
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
    if not is_sealed(content, named(file.identity, failed=file.failed)):
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
        table = table_of(self.content, [x.name for x in PREDICTED])
        if len(table.column_names) < len(PREDICTED):
            return [None] * len(self.evaluations)
        found: list[list[dict[str, Any]] | None] = []
        for evaluation, row in zip(self.evaluations, table.to_pylist(), strict=True):
            counts = evaluation.counts.tolist()
            gold, predicted, correct = (row[x.name] for x in PREDICTED)
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
    path, vouched = file.path, is_sealed(content, named(file.identity, failed=file.failed))
    try:
        head, found, scores = _decoded(path, content, known)
    except ResultsError:
        raise  # a newer xlbench
    except Exception as error:  # whatever a damaged or foreign file leads to
        if vouched:
            raise ResultsError(f"cannot read {path}: {said_of(error)}") from error
        why = "it is empty" if not content else "it was cut off, overwritten, or is no results file"
        raise DamagedError(path, why) from error
    job = Job(head.probe, head.probe_version, head.condition, tuple(x.cell for x in found), "")
    right = file.condition_key == job.condition_key and (file.failed or job.identity == file.identity)
    if not right or file.failed != (head.error is not None):
        raise DamagedError(path, "its content does not belong to its name")
    if not vouched and seal_of(content) is not None:
        raise DamagedError(path, "its content changed after it was written")
    return Opened(file, content, vouched, head, found, scores)


def resealed(found: Opened) -> bytes:
    """The same file with a checksum, of one of an earlier xlbench that has none."""
    table = table_of(found.content)
    texts = {k.decode(): v for k, v in (table.schema.metadata or {}).items() if k != SEAL_KEY.encode()}
    name = named(found.file.identity, failed=found.file.failed)
    return sealed(table.replace_schema_metadata(None), texts, name)


def _decoded(
    path: Path, content: bytes, known: dict[Any, Any] | None
) -> tuple[Header, tuple[Evaluation, ...], tuple[float, ...]]:
    """Header, evaluations and scores. Raises DamagedError, and whatever foreign content leads to."""
    table = table_of(content, [x.name for x in (*COLUMNS, *LOSS)])
    facts = {name.decode(): value for name, value in (table.schema.metadata or {}).items()}
    check_schema(path, json.loads(facts["schema"]))
    read = json.loads if known is None else partial(json.loads, object_pairs_hook=partial(_shared, known))
    probe, version, condition = (json.loads(facts[x]) for x in ("probe", "probe_version", "condition"))
    provenance = read(facts["provenance"])
    error = json.loads(facts["error"]) if "error" in facts else None
    if SEAL_KEY in facts and seal_of(content) is None:
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
    for field in LOSS:
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
