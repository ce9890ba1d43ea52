"""Values as text, and texts made harmless: names and errors come from anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from xlbench.contracts import Number, Verdict, decimal
from xlbench.output import clean, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlbench.contracts import Matrix, Page, Table, Value

WORDS = get_args(Verdict)
EMPTY = "–"
"""Stands where something needed is missing."""
ALL_TASKS = "all tasks"
"""What a page that is about all of them has for its task."""

_ACTIVE = re.compile(r"([\\`*_{}\[\]|~$!#])")
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)
"""What becomes a link by itself."""
_STARTS = re.compile(r"^(\d*)([-+=.)])(?=[-=\s]|$)")
"""What makes a list, a rule or a heading of a line that starts with it."""


def escape(text: str) -> str:
    """Cleaned, and nothing in it read as markdown or HTML, in a table or out of it."""
    quoted = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = _ACTIVE.sub(r"\\\1", quoted)
    quoted = _ADDRESS.sub(lambda found: found[0].replace(".", "&#46;").replace(":", "&#58;"), quoted)
    return _STARTS.sub(r"\1\\\2", quoted)


def label(probe: str, page: Page) -> str:
    """What a page of a probe is called beside its task and model; no other page of the study has it."""
    return f"{probe}: {page.topic}" if page.topic else probe


def fenced(text: str, language: str = "") -> str:
    """A code block, its fence longer than any row of backticks inside; lines are kept."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def shown(value: Value | Number) -> str:
    """A cell: value, interval in brackets, verdict; a dash for what is missing, blank for no cell."""
    if isinstance(value, Number):
        if value.value is None:
            return EMPTY if value.missing else ""
        word = f" {value.word}" if value.word in WORDS else ""  # plugins give what they like
        if value.low is None or value.high is None:
            return f"{value.text()}{word}"
        return f"{value.text()} [{value.text(value.low)}, {value.text(value.high)}]{word}"
    if value is None:
        return ""
    return Number(value).text() if isinstance(value, float) else str(value)


def brief(matrix: Matrix, number: Number) -> str:
    """A cell of a matrix, its value alone, with the decimals that it has beside its interval."""
    if number.value is None:
        return shown(number)
    return decimal(number.value, number.decimals, signed=number.signed or matrix.diverging)


def clear(number: Number) -> bool:
    """Whether a corrected test found an effect."""
    return number.word in ("helps", "harms")


def numeric(column: Iterable[Value | Number]) -> bool:
    """Whether a column has numbers only, and so is set to the right."""
    return all(not isinstance(value, str) for value in column)


def gaps(numbers: Iterable[Value | Number], most: int = 3) -> str:
    """What the dashes among `numbers` lack, or nothing."""
    found = [x for x in numbers if isinstance(x, Number) and x.value is None]
    missing: Sequence[str] = list(dict.fromkeys(text for number in found for text in number.missing))
    if not missing:
        return ""
    more = f"; and {len(missing) - most} more" if len(missing) > most else ""
    return f"{EMPTY} is missing: {'; '.join(missing[:most])}{more}."


def notes(table: Table) -> list[str]:
    """The paragraphs under a table."""
    return [x for x in (table.note, gaps(value for row in table.rows for value in row)) if x]
