"""Stored scores as one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from xlbench.contracts import Cell
from xlbench.results import jobfile

if TYPE_CHECKING:
    from xlbench.results.index import Index


def frame(index: Index, wanted: Collection[tuple[str, Cell]] | None) -> pd.DataFrame:
    """A row a (condition, cell), each once; only those in `wanted` where it is given."""
    rows: dict[tuple[str, Cell], dict[str, Any]] = {}
    for key, files in index.items():
        for file in files:
            if file.failed:
                continue
            head = jobfile.header(file)
            fixed = {"probe": head.probe, "probe_version": head.probe_version}
            condition = dict(_flat("condition", head.condition))
            for row in jobfile.rows(file):
                cell = Cell(row["task"], row["target"], row["data"], row["limit"])
                if wanted is None or (key, cell) in wanted:
                    numbers = {name: row[name] for name in ("task", "target", "score", "n", "truncated")}
                    extra = {f"extra.{name}": value for name, value in row["extra"].items()}
                    rows.setdefault((key, cell), {**fixed, **numbers, **condition, **extra})
    first = ["probe", "probe_version", "task", "target", "score", "n", "truncated"]
    table = pd.DataFrame(list(rows.values()))
    others = sorted(set(table.columns) - set(first))
    table = table.reindex(columns=[*first, *others])
    conditions = [name for name in others if name.startswith("condition.")]
    return table.astype(table[conditions].convert_dtypes().dtypes.to_dict())  # a seed stays an integer


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _flat(f"{name}.{key}", inner)]
    return [(name, value)]
