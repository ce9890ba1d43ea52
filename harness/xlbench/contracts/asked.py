"""How a field of a study is said, beyond its type, and what a form of a type can do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Panel = Literal["The question", "The method"]


class Shorthand(NamedTuple):
    """An option of its own for one setting of a table."""

    option: str
    key: str
    help: str
    metavar: str


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """How a field is said, beyond its type."""

    option: str
    help: str
    metavar: str
    panel: Panel = "The question"
    what: str = ""
    """One value of it, in messages: "control"; empty: the field's name."""
    least: int = 1
    """Of numbers."""
    counts: bool = False
    """Whether a number alone says how many, rather than which."""
    settings: type[Any] | None = None
    """The class whose fields a table sets."""
    by_task: bool = False
    """Whether such settings may be for one task: `TASK.KEY`, or a table within the table."""
    form: str = ""
    """What a table's entries look like on the command line: "LANG=FOLDER"."""
    shorthand: Shorthand | None = None


class Form(Protocol):
    """How values of a type are read and written."""

    repeats: bool
    """Whether its option may be repeated, and has parts with commas between."""
    flag: bool

    def read(self, value: Any) -> Any:
        """The field's value of plain data, or of a value that is one. Raises StudyError for what is not."""

    def given(self, parts: Sequence[str]) -> Any:
        """Plain data of what an option was given, one text for each time."""

    def words(self, value: Any) -> Iterator[str | None]:
        """What to give the option so that it says this plain value; None for an option without a value."""


class Once:
    """A form whose option is given once."""

    repeats = flag = False


class Parts:
    """A form whose option may be repeated."""

    repeats, flag = True, False
