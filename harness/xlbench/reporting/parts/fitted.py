"""Rows and columns as wide as a terminal: columns that do not fit go below, beside the first one once more,
so that no number is broken in two and none is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from xlbench.contracts import Number
from xlbench.output import clean
from xlbench.reporting.summary_lines import MARKS
from xlbench.reporting.text import EMPTY, shown

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from xlbench.contracts import Value

ALONE = "○"
SIGNS = {**MARKS, "this run only": ALONE}
"""How a verdict is shown in few columns, by the verdict."""
STYLES = {"helps": "bold blue", "harms": "bold red"}
"""Colours of the pictures."""
_SPACE = 2
"""Columns between two columns of a table."""
_RULE = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_LONGEST = 28
"""Columns from which a text is broken between words."""


@dataclass(frozen=True)
class Fitted:
    """A table for rich."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Text]]
    right: Sequence[bool]
    """By column: whether it has numbers only, which are set to the right and never broken."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        least = [self._least(i) for i in range(len(self.heads))]
        names = next((i for i, x in enumerate(self.right) if x), len(self.right))
        for i, columns in enumerate(_groups(least, names, options.max_width)):
            yield self._part(columns, self.title if i == 0 else "", least, options.max_width)

    def _least(self, i: int) -> int:
        """Columns that a column takes at least: a number is whole, a text as long as its longest word, or a
        few of them.
        """
        words = max((cell_len(x) for x in self.heads[i].split()), default=0)
        cells = [row[i] for row in self.rows]
        if self.right[i]:
            return max([words, *(cell_len(x.plain) for x in cells)])
        longest = max((cell_len(word) for x in cells for word in x.plain.split()), default=0)
        whole = max((cell_len(x.plain) for x in cells), default=0)
        return max(words, longest, min(whole, _LONGEST))

    def _part(self, columns: Sequence[int], title: str, least: Sequence[int], width: int) -> Table:
        found = Table(
            title=Text(title) if title else None, title_justify="left", title_style="bold",
            box=_RULE, show_edge=False, pad_edge=False, padding=(0, _SPACE - 1, 0, 0),
        )  # fmt: skip
        whole = _taken(least, columns) <= width
        for i in columns:
            found.add_column(
                Text(self.heads[i]),
                justify="right" if self.right[i] else "left",
                overflow="fold",
                width=least[i] if whole and self.right[i] else None,
                min_width=least[i] if whole else None,
                vertical="bottom",
            )
        for row in self.rows:
            found.add_row(*(row[i] for i in columns))
        return found


def number(value: Number, *, marked: bool, brief: str | None = None) -> Text:
    """Value, interval and mark of the verdict; where others of the column are marked, as wide as they are.
    `brief` is the value alone.
    """
    if value.value is None:
        return Text(f"{EMPTY}{'  ' * marked}" if value.missing else "")
    text = shown(_untold(value)) if brief is None else brief
    verdict = value.word if value.word in SIGNS else None
    found = Text(text)
    if verdict is not None:
        found.append(f" {SIGNS[verdict]}", STYLES.get(verdict, ""))
    elif marked:
        found.append("  ")
    return found


def column(values: Iterable[Value | Number]) -> list[Text]:
    """The cells of a column."""
    each = list(values)
    marked = any(isinstance(x, Number) and x.word in SIGNS for x in each)
    return [number(x, marked=marked) if isinstance(x, Number) else Text(clean(shown(x))) for x in each]


def legend(values: Iterable[Value | Number]) -> str:
    """What the marks that are used mean; "" for none."""
    used = {x.word for x in values if isinstance(x, Number) and x.value is not None}
    return ", ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items() if verdict in used)


def _untold(value: Number) -> Number:
    return Number(value.value, value.low, value.high, value.missing, signed=value.signed)


def _taken(least: Sequence[int], columns: Sequence[int]) -> int:
    """Columns that some take, with the space between them."""
    return sum(least[i] for i in columns) + _SPACE * (len(columns) - 1)


def _groups(least: Sequence[int], names: int, width: int) -> list[list[int]]:
    """Places of columns that fit side by side; in each group the first ones, which say what its rows are, as
    long as they leave room.
    """
    first = list(range(names))
    while len(first) > 1 and 2 * _taken(least, first) > width:
        first = first[:-1]
    rest = [i for i in range(len(least)) if i not in first]
    groups: list[list[int]] = []
    for i in rest:
        if not groups or _taken(least, [*groups[-1], i]) > width:
            groups.append([*first])
        groups[-1].append(i)
    return groups or [first]
