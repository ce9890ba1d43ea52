"""Stored scores as one table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from xlbench.results import jobfile
from xlbench.results.index import DamagedError

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Metric
    from xlbench.results.index import Index


_NUMBERS = ("task", "target", "score", "n", "truncated", "task_loss")


def frame(
    index: Index,
    wanted: Collection[tuple[str, Cell]] | None,
    metrics: Mapping[str, Metric],
    damaged: list[DamagedError],
) -> pd.DataFrame:
    """One row per (condition, cell), each once; only those in `wanted` where it is given. `task_loss` is in
    nats per decision, empty where none is stored.

    Damaged files are added to `damaged`. Raises ResultsError as `jobfile.decode` does.
    """
    rows: dict[tuple[str, Cell], dict[str, Any]] = {}
    for key, found in opened(index, wanted, metrics, damaged):
        head = found.header
        fixed = {"probe": head.probe, "probe_version": head.probe_version}
        condition = dict(flat("condition", head.condition))
        for cell, row in zip(found.cells, found.rows(), strict=True):
            if wanted is None or (key, cell) in wanted:
                numbers = {name: row[name] for name in _NUMBERS}
                extra = {f"extra.{name}": value for name, value in row["extra"].items()}
                rows.setdefault((key, cell), {**fixed, **numbers, **condition, **extra})
    first = ["probe", "probe_version", *_NUMBERS]
    table = pd.DataFrame(list(rows.values()))
    others = sorted(set(table.columns) - set(first))
    table = table.reindex(columns=[*first, *others]).astype({"task_loss": float})
    conditions = [name for name in others if name.startswith("condition.")]
    return table.astype(table[conditions].convert_dtypes().dtypes.to_dict())  # a seed stays an integer


def opened(
    index: Index,
    wanted: Collection[tuple[str, Cell]] | None,
    metrics: Mapping[str, Metric],
    damaged: list[DamagedError],
) -> Iterator[tuple[str, jobfile.Opened]]:
    """Finished jobs with their condition keys, of the conditions in `wanted` where it is given; each file is
    read and checked once. Damaged files are added to `damaged`. Raises ResultsError as `jobfile.decode` does.
    """
    keys = None if wanted is None else {key for key, _ in wanted}
    for key, files in index.items():
        for file in files if keys is None or key in keys else ():
            if file.failed:
                continue
            try:
                found = jobfile.opened(file)
                found.check_scores(metrics)
            except DamagedError as error:
                damaged.append(error)
            except FileNotFoundError:
                continue  # another process has just removed it
            else:
                yield key, found


def flat(name: str, value: Any) -> list[tuple[str, Any]]:
    """Names, with dots, and values of a nested table."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in flat(f"{name}.{key}", inner)]
    return [(name, value)]
