"""`xlbench recommend`, `compare` and `export`: what stored results answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench import report, stored
from xlbench.cli.reporting import show_pages
from xlbench.disk import put_named
from xlbench.errors import ResultsError
from xlbench.output import complain, say, write
from xlbench.progress import counted

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.stored import Format


def recommend(results: Path, task: str, model: str, target: str, study: str | None) -> None:
    """Print which transfer language to take. Raises XlbenchError."""
    found = stored.recommend(task, target, model=model, results=results, study=study)
    show_pages(report.terminal(found))


def compare(one: str, other: str, results: Path) -> None:
    """Print which effects changed from one to the other. Raises XlbenchError."""
    show_pages(report.terminal(stored.compare(one, other, results=results)))


def export(results: Path, form: Format, out: Path | None, study: str | None) -> None:
    """Write stored scores, one row per cell. Raises ResultsError."""
    if form == "parquet" and out is None:
        raise ResultsError("parquet is no text to print; name a file with --out scores.parquet")
    found = stored.exported(results, form, study)
    for error in found.damaged:
        complain(f"{error} ignored; run its study again")
    if out is None:
        write(found.content)
        return
    put_named(out, found.content)
    say(f"{counted(found.rows, 'row')}  {out}")
