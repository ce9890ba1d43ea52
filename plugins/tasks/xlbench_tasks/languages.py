"""Real languages: those of the table `xlbench.data.languages`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.data.languages import all_languages

if TYPE_CHECKING:
    from xlbench.contracts import Language


@hookimpl
def xlbench_languages() -> Iterator[Language]:
    """The languages of the table."""
    yield from all_languages()
