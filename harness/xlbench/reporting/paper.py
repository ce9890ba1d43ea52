"""Tidy tables as one puts them into a paper or a README: rounded as on the pages, in LaTeX or markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from xlbench.contracts import Number, decimal
from xlbench.output import clean
from xlbench.reporting.grid import grid
from xlbench.reporting.text import EMPTY, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

_INTERNAL = (
    "unit",
    "missing",
    "minimum_detectable_effect",
    "before",
    "after",
    "alone",
    "combined",
    "own_text",
)
"""Columns that a table in a paper does without; the unit stands in a heading."""
_MADE_OF = ("low", "high")


class _Paper(NamedTuple):
    """A table of texts, and what all its rows have in common."""

    heads: list[str]
    right: list[bool]
    """Columns of numbers."""
    rows: list[list[str]]
    about: str


def latex(frame: pd.DataFrame, caption: str, name: Callable[[str], str]) -> str:
    """A `table` with the lines of the package booktabs. Letters are UTF-8; whatever LaTeX would obey is
    escaped. `name` says what a language's code stands for.
    """
    made = _paper(frame, name)
    about = " ".join(x for x in (clean(caption), made.about) if x)
    aligned = "".join("r" if x else "l" for x in made.right)
    lines = [
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{_latex(about)}}}"] if about else []),
        rf"\begin{{tabular}}{{{aligned}}}",
        r"\toprule",
        _line(made.heads),
        r"\midrule",
        *map(_line, made.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def markdown(frame: pd.DataFrame, caption: str, name: Callable[[str], str]) -> str:
    """A table in GitHub's dialect, and below it what all rows have in common."""
    made = _paper(frame, name)
    table = grid([*map(escape, made.heads)], [[escape(x) for x in row] for row in made.rows], made.right)
    about = " ".join(x for x in (escape(caption), escape(made.about)) if x)
    return f"{table}\n\n{about}\n" if about else f"{table}\n"


def _paper(frame: pd.DataFrame, name: Callable[[str], str]) -> _Paper:
    columns = [x for x in frame.columns if x not in (*_INTERNAL, *_MADE_OF) and frame[x].notna().any()]
    tested = "effect" in columns
    one = [x for x in columns if len(frame) > 1 and x not in ("effect", "q", "verdict") and _same(frame[x])]
    about = "; ".join(f"{_head(x)}: {_text(frame[x].iloc[0], x, name)}" for x in one)
    shown = [x for x in columns if x not in one]
    unit = ", ".join(map(str, frame["unit"].dropna().unique())) if "unit" in frame.columns else ""
    heads: list[str] = []
    cells: list[list[str]] = []
    for x in shown:
        if x == "effect":
            numbers = [_number(row) for row in frame.to_dict("records")]
            heads += [f"Effect ({unit})" if unit else "Effect", "95% CI"]
            cells.append([number.text() or EMPTY for number in numbers])
            cells.append([_interval(number) for number in numbers])
        else:
            heads.append(_head(x))
            cells.append([_text(value, x, name) for value in frame[x]])
    right = [all(_is_number(x) for x in column) for column in cells]
    rows = [list(row) for row in zip(*cells, strict=True)]
    signs = "Positive: the target gains." if tested else ""
    return _Paper(heads, right, rows, " ".join(x for x in (f"{about}." if about else "", signs) if x))


def _number(row: dict[Any, Any]) -> Number:
    value, low, high = (None if _lacks(row.get(x)) else float(row[x]) for x in ("effect", *_MADE_OF))
    return Number(value, low, high, signed=True)


def _interval(number: Number) -> str:
    if number.low is None or number.high is None:
        return ""
    return f"[{number.text(number.low)}, {number.text(number.high)}]"


def _text(value: Any, column: str, name: Callable[[str], str]) -> str:
    if _lacks(value):
        return ""
    if isinstance(value, str):
        return clean(name(value) if column in _LANGUAGES else value)
    if column == "q":
        return "<0.001" if value < 0.001 else decimal(value, 3)
    return decimal(float(value), 1) if isinstance(value, float) else str(value)


_LANGUAGES = frozenset({"transfer", "target", "language", "partners", "languages", "adapter"})
"""Columns of codes."""


def _lacks(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _same(column: pd.Series[Any]) -> bool:
    return column.nunique(dropna=False) == 1


def _head(column: str) -> str:
    known = {"q": "q", "n": "n", "transfer": "Transfer language", "target": "Target language"}
    return known.get(column, column.replace("_", " ").capitalize())


def _is_number(text: str) -> bool:
    return text in ("", EMPTY) or text.lstrip("+-[<")[:1].isdigit()


_ESCAPES = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "\N{EN DASH}": "--",
})  # fmt: skip
_MINUS = re.compile(r"(?<!-)-(?=[0-9])")


def _line(cells: Iterable[str]) -> str:
    """A row. A bracket or star at its start would belong to the line break before it."""
    row = " & ".join(map(_latex, cells))
    return rf"{'{}' if row.startswith(('[', '*')) else ''}{row} \\"


def _latex(text: str) -> str:
    """Nothing in it is a command; a number's hyphen is the sign that it is."""
    escaped = text.translate(_ESCAPES)
    return _MINUS.sub("$-$", escaped) if _is_number(text) else escaped
