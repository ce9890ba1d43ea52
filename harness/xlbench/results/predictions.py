"""Stored predictions as one table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from xlbench.results.frame import flat, opened
from xlbench.results.index import DamagedError

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Metric
    from xlbench.results.index import Index

COLUMNS = ("probe", "task", "target", "example", "gold", "predicted", "correct", "statistics")


class Predicted(NamedTuple):
    """What is stored, and what is not."""

    table: pd.DataFrame
    without: tuple[str, ...]
    """Labels of jobs whose predictions were not kept, wholly or in part."""


def frame(
    index: Index,
    wanted: Collection[tuple[str, Cell]] | None,
    metrics: Mapping[str, Metric],
    damaged: list[DamagedError],
) -> Predicted:
    """One row per (condition, cell, example); only those in `wanted` where it is given. `example` counts from
    1, in the order in which a cell's examples are scored; `statistics` are those of the metric, as JSON.

    Damaged files are added to `damaged`. Raises ResultsError as `jobfile.decode` does.
    """
    rows: list[dict[str, Any]] = []
    without: dict[str, None] = {}
    seen: set[tuple[str, Cell]] = set()
    for key, job in opened(index, wanted, metrics, damaged):
        try:
            found = job.predictions()
        except DamagedError as error:
            damaged.append(error)
            continue
        head = job.header
        condition = dict(flat("condition", head.condition))
        for cell, examples in zip(job.cells, found, strict=True):
            if (wanted is not None and (key, cell) not in wanted) or (key, cell) in seen:
                continue
            if examples is None:
                without[str(head.provenance.get("label", job.file.identity))] = None
                continue
            seen.add((key, cell))
            metric = metrics.get(cell.task)
            width = len(examples[0]["counts"])
            names = metric.columns if metric else [f"count {i}" for i in range(1, 1 + width)]
            fixed = {"probe": head.probe, "task": cell.task, "target": cell.target}
            rows += (
                {
                    **fixed,
                    "example": number,
                    **{k: v for k, v in one.items() if k != "counts"},
                    "statistics": json.dumps(dict(zip(names, one["counts"], strict=True))),
                    **condition,
                }
                for number, one in enumerate(examples, 1)
            )
    table = pd.DataFrame(rows)
    others = sorted(set(table.columns) - set(COLUMNS))
    table = table.reindex(columns=[*COLUMNS, *others])
    return Predicted(table.astype(table[others].convert_dtypes().dtypes.to_dict()), tuple(without))
