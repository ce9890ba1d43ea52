"""Reader of tab-separated files with a header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.errors import DataError
from xlbench_tasks._lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def read_table(path: Path, columns: Sequence[str], limit: int | None) -> Iterator[Row]:
    """The first `limit` rows of a file whose header has just these columns, in any order.

    Fields are separated by tabs and never quoted. Raises DataError, naming file, line and column.
    """
    header, *lines = read_lines(path)
    names = header.split("\t")
    if sorted(names) != sorted(columns):
        raise DataError(f"{path}:1: header {header!r}; it has to be {' TAB '.join(columns)}")
    if not lines:
        raise DataError(f"{path}: a header and nothing else; fetch it again, or remove it")
    for number, line in enumerate(lines[:limit], 2):
        fields = line.split("\t")
        if len(fields) != len(names):
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where {len(names)} are due; repair the line"
            )
        yield Row(path, number, names, fields)


class Row:
    """One row; its methods name file, line and column of what is wrong."""

    def __init__(self, path: Path, number: int, names: Sequence[str], fields: Sequence[str]) -> None:
        self._where = f"{path}:{number}"
        self._names = names
        self._fields = fields

    def text(self, column: str) -> str:
        """What stands in a column. Raises DataError where that is nothing."""
        place = self._names.index(column)
        if not self._fields[place].strip():
            raise DataError(f"{self._where}: column {place + 1}: an empty {column}; repair the line")
        return self._fields[place]

    def label(self, column: str, labels: Sequence[str]) -> str:
        """One of the labels. Raises DataError for another."""
        place = self._names.index(column)
        if self._fields[place] not in labels:
            raise DataError(
                f"{self._where}: column {place + 1}: unknown label {self._fields[place]!r}; "
                f"it has to be one of {', '.join(labels)}"
            )
        return self._fields[place]
