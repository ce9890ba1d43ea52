"""What a probe says of a task: numbers and what they are shown in, checks, headlines, a page of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

Value: TypeAlias = "str | int | float | None"
_EXACTLY = Context(prec=400)
"""Digits enough for any number of 64 bits."""


Verdict: TypeAlias = Literal["helps", "harms", "no clear effect", "this run only"]
"""What a test of a difference, corrected over its table, lets one claim; nothing beyond the run where a
condition was run with one seed."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in points with its interval; None where a needed cell is missing."""

    value: float | None
    low: float | None = None
    high: float | None = None
    missing: tuple[str, ...] = ()
    """What is missing, for people, where value is None. Nothing: no such cell, and it stays blank."""
    word: Verdict | None = None
    """Of a difference that was tested with its whole table; it is shown beside the interval, and in a
    matrix what helps or harms is bold."""
    details: tuple[tuple[str, float], ...] = ()
    """What the number is made from, by name for people: ("Before", 45.2), ("After", 47.0). The HTML page
    shows them with a matrix's cell."""
    signed: bool = False
    """Whether it is a difference, whose sign is always shown."""

    @property
    def decimals(self) -> int:
        """With how many decimals it is shown, its interval too: one; two where the interval is narrower than
        0.5, three where it is narrower than 0.05; two where there is no interval and the value is below 10 in
        size.
        """
        if self.low is not None and self.high is not None:
            width = self.high - self.low
            return 3 if width < 0.05 else 2 if width < 0.5 else 1
        return 2 if abs(self.value or 0.0) < 10 else 1

    def text(self, end: float | None = None) -> str:
        """The value, or an end of its interval, as it is shown anywhere: rounded once, here. "" for none."""
        value = self.value if end is None else end
        return "" if value is None else decimal(value, self.decimals, signed=self.signed)


def decimal(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number for people. Zero has no sign; what is not finite is a dash. What lies exactly between two is
    rounded away from 0, as JavaScript does it, so that a browser shows the same.
    """
    if not math.isfinite(value):
        return "–"
    exact = Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _EXACTLY)
    text = f"{exact:+f}" if signed else f"{exact:f}"
    return text.lstrip("+-") if exact == 0 else text


@dataclass(frozen=True, slots=True)
class Table:
    """A table for the terminal and the leaderboard; renderers escape every text in it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value | Number, ...], ...]
    note: str = ""
    """One paragraph under the table: what the columns mean, and their unit."""
    drawn: tuple[str, ...] = ()
    """Columns of numbers that are drawn too, side by side, the first before others: one row per dot with its
    interval, the largest above, named by the table's first column."""
    unit: str = "points"
    """Of the columns that are drawn."""
    sign: str = ""
    """What a number above 0 means there, such as "positive: the target gains"; stands at the axis."""
    leads: bool = False
    """Whether a leaderboard page shows it at once, beside its rankings and its first matrix: a table of
    controls, say. Other tables are folded there."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix of numbers, drawn as a heat map."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Number, ...], ...]
    row_title: str
    column_title: str
    unit: str = "points"
    diverging: bool = True
    """Whether 0 is the middle of the colour scale."""
    note: str = ""
    sign: str = ""
    """As of a table."""
    ties: tuple[tuple[int, ...], ...] = ()
    """By column, the places of the rows than which its best is not clearly better, by paired tests corrected
    over the column, the best among them; none of them where that was not tested."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Numbers over a quantity, such as steps: drawn as one line each, or as points where x is only one."""

    title: str
    names: tuple[str, ...]
    """Of the curves, in the order of the table that says the same."""
    x: tuple[float, ...]
    """Ascending."""
    values: tuple[tuple[Number | None, ...], ...]
    """Shape (names, x)."""
    name_title: str
    x_title: str
    unit: str = "points"
    note: str = ""
    sign: str = ""
    """As of a table."""

    def table(self) -> Table:
        """The same as a table: one row per curve."""
        heads = (f"{self.x_title} {x:g}" for x in self.x)
        rows = tuple((name, *line) for name, line in zip(self.names, self.values, strict=True))
        return Table(self.title, (self.name_title, *heads), rows, self.note)


@runtime_checkable
class Chart(Protocol):
    """A part of a page that a plugin brings: a table, and a chart of it."""

    @property
    def title(self) -> str:
        """Of the table and the chart."""

    def table(self) -> Table:
        """All that the chart says, for terminals, markdown and screen readers."""

    def specification(self) -> dict[str, Any] | None:
        """Vega-Lite's, with its data in it; title, colours and fonts are added. None: nothing to draw."""


Part: TypeAlias = Table | Matrix | Curves | Chart
"""What a page is made of. Rows, columns, curves and cells that are a language's label or code are known
as that language: the HTML page orders them by family, and gathers what is said of a language."""


Outcome: TypeAlias = Literal["pass", "fail", "not measured"]
"""Of a check of a page's own numbers."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a page's numbers can be read for what they seem to say; shown above all that they say."""

    name: str
    outcome: Outcome
    found: str
    """What was found, with n; where it was not measured, what to add to the study."""
    then: str = ""
    """What the page's numbers mean where it failed."""
    short: str = ""
    """Its name in a summary, a word or two: "own text"."""
    reading: str = ""
    """The reading whose numbers it is about, as headlines name it; empty: all of the page's."""

    @property
    def text(self) -> str:
        """All that is to be said of it."""
        return f"{self.found} {self.then}".strip()


Role: TypeAlias = Verdict | Literal["not known", "how sure", "note"]
"""What a headline is: a verdict of one number; that needed results are missing; how many runs, adapters and
test examples the numbers are of; anything else worth a line."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One thing that a page says, as data and as a sentence. Summaries are made of them: those that end a
    run, open a report and stand in an index.

    Of each target a probe gives one with its best donor, which helps, or has no clear effect where none
    clearly helps; and one with the donor that harms it most, if any does. The number is that of the page,
    with the same interval and verdict.
    """

    role: Role
    text: str
    """A whole sentence that stands alone, with its numbers; of "how sure", what follows "How sure:"."""
    target: str = ""
    """Code of the language that gains or loses; empty where it is about no one language."""
    donor: str = ""
    """Code of the language whose text, adapter or company does it; empty where there is none to name."""
    number: Number | None = None
    """What the donor does to the target, with its verdict."""
    unit: str = "points"
    measure: str = ""
    """What the number is a change of: "points of accuracy"."""
    reading: str = ""
    """How it was read, in a word or a few: "gain", "effect"; empty where there is one way only."""
    steps: int | None = None
    """Of fine-tuning."""
    detectable: float | None = None
    """Minimum detectable effect of the number (80% power), in its unit, where it was tested."""
    more: int = 0
    """How many further donors have the same verdict on the target."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a probe says about one task, or about one question over all tasks: a leaderboard page."""

    task: str
    """Empty where the page is about all tasks of the study."""
    title: str
    summary: tuple[str, ...]
    """A few sentences, each a line, computed from the records."""
    parts: tuple[Part, ...]
    warnings: tuple[str, ...] = ()
    """What puts the page itself in doubt, one line each; shown wherever the page is, first."""
    checks: tuple[Check, ...] = ()
    """Of the page's own numbers; shown before the summary."""
    answer: tuple[str, ...] = ()
    """What the page comes to, in a few lines: shown before all else on the page."""
    topic: str = ""
    """The question that the page answers, in a word or a few, where it is none of the probe's pages by task:
    "who to whom". Of one topic and task a probe has one page."""
    headlines: tuple[Headline, ...] = ()
    """What the page adds to a summary, the most important first. Of a page without any, a summary has the
    title, with the first line of the answer or the summary."""
