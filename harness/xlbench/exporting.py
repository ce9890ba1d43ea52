"""Stored results as the content of a file: scores, the tables of probes, in the formats that others read."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.errors import ResultsError
from xlbench.frames import Tables
from xlbench.stored import Stored, read_frame, read_predictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from xlbench.contracts import Format

SCORES, PREDICTIONS = "scores", "predictions"
"""What is exported that is no table of a probe; the first by default."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The content of a file."""

    content: bytes
    rows: int
    problems: tuple[str, ...] = ()
    """What is not in it, one line each."""


def exported(
    results: str | Path,
    form: Format,
    study: str | None = None,
    plugins: Iterable[object] = (),
    what: str = SCORES,
) -> Exported:
    """Stored scores, one row per cell, of everything in the folder or of one study by its id (see
    `load_results`); or, as `what`, what was predicted of each example, or a table of a study's probes by name
    ("effects"): of the study that was started last, or one by its id. No path of this machine is in it.
    Raises ResultsError, also for none.
    """
    if what == PREDICTIONS:
        return _predictions(Path(results), form, study, plugins)
    if form == "every-eval-ever":
        from xlbench.reporting import every_eval_ever

        read = Stored(results, study, plugins)
        name = "zero_shot" if what == SCORES else what
        frame, problems = _table(read, name)
        document = every_eval_ever.document(
            read.stored, read.records.metrics, name, frame, read.publisher.text
        )
        content = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        return Exported(f"{content}\n".encode(), len(document["evaluation_results"]), problems)
    if what == SCORES:
        if form in ("latex", "markdown"):
            raise ResultsError(f"stored scores are too wide for {form}; name a table: --what effects")
        frame, damaged = read_frame(Path(results), study, plugins)
        lines = tuple(f"{error} ignored; run its study again" for error in damaged)
        if frame.empty:
            raise _none("finished results", results, lines, "run a study first, or give another --results")
        return Exported(_content(frame, form), len(frame), lines)
    read = Stored(results, study, plugins)
    frame, problems = _table(read, what)
    if form in ("latex", "markdown"):
        from xlbench.reporting import paper

        write = paper.latex if form == "latex" else paper.markdown
        return Exported(write(frame, "", read.name).encode(), len(frame), problems)
    return Exported(_content(frame, form), len(frame), problems)


def export(
    out: str | Path,
    *,
    form: Format = "csv",
    what: str = SCORES,
    results: str | Path = "results",
    study: str | None = None,
    plugins: Iterable[object] = (),
) -> Path:
    """Write what `exported` gives to a file. What is not in it, such as a damaged file's scores, is a
    UserWarning. Raises ResultsError.
    """
    from xlbench.files.disk import put_named

    found = exported(results, form, study, plugins, what)
    for line in found.problems:
        warnings.warn(line, stacklevel=2)
    put_named(Path(out), found.content)
    return Path(out)


def _predictions(results: Path, form: Format, study: str | None, plugins: Iterable[object]) -> Exported:
    if form not in ("csv", "parquet", "json"):
        raise ResultsError(f"predictions cannot be written as {form}; use csv, parquet or json")
    table, lines = read_predictions(results, study, plugins)
    if table.empty:
        advice = "run with --keep-predictions, and --rerun all for finished jobs"
        raise _none("predictions", results, lines, advice)
    return Exported(_content(table, form), len(table), lines)


def _none(what: str, results: str | Path, ignored: Sequence[str], advice: str) -> ResultsError:
    """For a folder with nothing of what was asked for, or nothing that is not damaged."""
    if not ignored:
        return ResultsError(f"no {what} in {results}; {advice}")
    more = f" (and {len(ignored) - 1} more)" if len(ignored) > 1 else ""
    return ResultsError(f"no {what} in {results} that can be read: {ignored[0]}{more}")


def _table(read: Stored, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    tables = Tables(read)
    frame = tables.frame(name)
    hide = read.publisher.text
    frame = frame.map(lambda x: hide(x) if isinstance(x, str) else x)
    return frame, (*tables.problems, *(f"{x}" for x in read.unread()))


def _content(frame: pd.DataFrame, form: Format) -> bytes:
    if form == "parquet":
        content: bytes = frame.to_parquet(index=False)
        return content
    if form == "csv":
        lists = frame.map(lambda x: json.dumps(x) if isinstance(x, list) else x)
        return lists.to_csv(index=False, lineterminator="\n").encode()
    return f"{frame.to_json(orient='records', indent=1, double_precision=15)}\n".encode()
