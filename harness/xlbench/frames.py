"""The numbers of a stored study as tidy tables, by what its probes offer (`contracts.Frames`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Frames
from xlbench.contracts.frames import NUMBERS, TAKEN
from xlbench.contracts.settings import nearest
from xlbench.errors import ResultsError
from xlbench.running.work import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from xlbench.contracts import Row
    from xlbench.stored import Stored

MOST_ROWS = 1_000_000
"""Rows of one table; a probe that gives more never ends."""


class Tables:
    """Tables of one stored study, each made when it is first asked for."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._rows: dict[tuple[str, str], Iterable[Row]] = {}
        """By probe and name, until they are asked for."""
        self._made: dict[tuple[str, str], pd.DataFrame] = {}
        self._failed: dict[tuple[str, str], ResultsError] = {}
        self.problems: list[str] = []
        """One line for each probe whose tables cannot be made."""
        for name in dict.fromkeys((*stored.asked, *(job.probe for job in stored.stored.jobs))):
            probe = stored.registry.probes.get(name)
            if not isinstance(probe, Frames):
                continue
            try:
                offered = dict(probe.frames(stored.records))
                for table in offered:
                    checked_name(table, "table")
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.problems.append(f"no tables of {self._called(name)}: {one_line(error)}")
                continue
            self._rows |= {(name, x): rows for x, rows in offered.items()}

    @property
    def names(self) -> list[str]:
        """Of all tables that the study's probes offer."""
        return list(dict.fromkeys(name for _, name in (*self._made, *self._rows)))

    def frame(self, name: str, probe: str | None = None) -> pd.DataFrame:
        """A table by name; by its probe too where several offer that name. Its first column is the model.

        Raises ResultsError, one line: for a table that no probe of the study offers, and for one that is not
        what the contract says.
        """
        every = (*self._made, *self._rows)
        owners = [x for x, own in every if own == name and probe in (None, x)]
        if not owners:
            raise ResultsError(self._unknown(name, probe))
        if len(owners) > 1:
            raise ResultsError(
                f"several probes of study {self._stored.stored.id} have a table {name!r}; name one: "
                f"{', '.join(owners)}"
            )
        key = owners[0], name
        if key in self._failed:
            raise self._failed[key]
        if key not in self._made:
            self._made[key] = self._frame(*key)
            self._rows.pop(key, None)
        return self._made[key].copy()

    def _frame(self, probe: str, name: str) -> pd.DataFrame:
        import pandas as pd

        model = str(self._stored.stored.described["model"]["name"])
        rows: list[dict[str, Any]] = []
        try:
            for row in self._rows[probe, name]:
                if len(rows) == MOST_ROWS:
                    raise ResultsError(f"gives more than {MOST_ROWS:,} rows; give fewer")
                rows.append({"model": model, **checked_row(row)})
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            said = ResultsError(f"no table {name!r} of {self._called(probe)}: {one_line(error)}")
            self._failed[probe, name] = said  # rows are given once: asked again, it would seem to be empty
            raise said from error
        columns = list(dict.fromkeys(x for row in rows for x in row))
        table = pd.DataFrame(rows, columns=columns or ["model"])
        for column in columns:
            known = [x for row in rows if (x := row.get(column)) is not None]
            if column in NUMBERS or (known and any(type(x) is float for x in known)):
                table[column] = table[column].astype("float64")
            elif known and all(type(x) is int for x in known):
                # A count with gaps is one of whole numbers still.
                table[column] = table[column].astype("Int64")
        return table

    def _called(self, probe: str) -> str:
        return f"the probe {probe!r} ({self._stored.registry.owners['probe', probe]})"

    def _unknown(self, name: str, probe: str | None) -> str:
        of = f" of the probe {probe!r}" if probe else ""
        more = f" ({'; '.join(self.problems)})" if self.problems else ""
        near = nearest(name, self.names) if self.names else ""
        return f"study {self._stored.stored.id} has no table {name!r}{of}{near}{more}"


def checked_row(row: object) -> dict[str, Any]:
    """A row of a probe (`contracts.Frames`); numpy's numbers as Python's, and what is not finite as missing.
    Raises TypeError for what is none.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f"a row must be a mapping of columns to values, not {type(row).__name__}")
    return {checked_name(column, "column"): _value(column, value) for column, value in row.items()}


def checked_name(name: object, of: str) -> str:
    """A name of a table or column. Raises TypeError for what is none."""
    if not (isinstance(name, str) and name.isidentifier()) or name in TAKEN:
        raise TypeError(
            f"{name!r} cannot be the name of a {of}; use letters, digits and _, but not {', '.join(TAKEN)}"
        )
    return name


def _value(column: str, value: Any) -> str | int | float | bool | None:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"the column {column} must have plain values, not {type(value).__name__}")
    return value
