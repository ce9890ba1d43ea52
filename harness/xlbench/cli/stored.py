"""`xlbench recommend`, `compare`, `import` and `export`: what stored results answer, and whose they are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from xlbench import exporting, importing, reporting, stored
from xlbench.cli import screen
from xlbench.compared import Compared
from xlbench.data.matrices import ROWS
from xlbench.errors import ResultsError, StudyError
from xlbench.files.disk import put_named
from xlbench.output import clean, complain, counted, say, say_json, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xlbench.contracts import Format, Page


def recommend(
    results: Path,
    task: str,
    model: str,
    target: str,
    study: str | None,
    plugins: Sequence[Path] = (),
    *,
    as_json: bool = False,
    set_size: int | None = None,
) -> None:
    """Print which transfer language, or which set of so many, to take. Raises XlbenchError."""
    found = stored.recommended(task, target, model, results, study, plugins, set_size)
    _print(found, as_json)


def compare(
    names: Sequence[str],
    results: Path,
    out: Path | None = None,
    plugins: Sequence[Path] = (),
    *,
    as_json: bool = False,
) -> None:
    """Print which effects changed from the first of two studies to the second, and what two or more come to
    on the same pairs; with `out`, write the pages there too. Raises XlbenchError.
    """
    found = Compared(names, results, plugins)
    _print(found.pages, as_json)
    if out is not None:
        with screen.waiting("drawing pictures"):
            written, undrawn = found.write_leaderboard(out)
        if not as_json:
            say(f"leaderboard  {written[0]} ({counted(len(found.pages), 'page')})")
        for why in undrawn:
            complain(f"pictures could not be drawn: {why}; the tables are complete")


def import_matrix(
    path: Path,
    task: str,
    results: Path,
    only: Sequence[str],
    plugins: Sequence[Path] = (),
    *,
    model: str | None = None,
    rows: str | None = None,
    score: str | None = None,
    unit: str = "points",
    source: str = "",
    skip_unknown: bool = False,
) -> None:
    """Store a published matrix as a study, and say what to ask of it. Raises XlbenchError."""
    said = next((x for x in ROWS if x == rows), None)
    if rows is not None and said is None:
        raise StudyError(f"--rows {rows!r}: write sources or targets")
    wanted = {}
    for one in only:
        column, equals, value = one.partition("=")
        if not column or not equals:
            raise StudyError(f"--only {one!r}: write COLUMN=VALUE, such as model_id=xlm-roberta-base")
        wanted[column] = value
    found = importing.import_matrix(
        path, task, model=model, results=results, rows=said, score=score, only=wanted, unit=unit,
        source=source, skip_unknown=skip_unknown, plugins=plugins,
    )  # fmt: skip
    matrix = found.matrix
    say(
        f"{counted(len(matrix.sources), 'source language')}, "
        f"{counted(len(matrix.targets), 'target language')}, {counted(len(matrix.scores), 'score')} "
        f"({matrix.layout}): study {found.study_id}, model {found.model}"
    )
    if matrix.skipped:
        complain(f"left out, no languages: {', '.join(matrix.skipped)}")
    where = shlex.join(["--results", str(results)])
    say(f"next  xlbench show {where}")
    about = shlex.join(["--task", found.task, "--model", found.model, "--target", "LANG"])
    say(f"      xlbench recommend {about} {where}")


def _print(pages: Sequence[tuple[str, Page]], as_json: bool) -> None:
    if as_json:
        say_json(reporting.pages_as_json(pages))
        return
    # What all pages come to stands before the first.
    first = [Text(clean(x.text), style="bold") for _, page in pages for x in page.headlines]
    screen.show([*first, *reporting.terminal([page for _, page in pages])])


def export(
    results: Path,
    form: Format,
    out: Path | None,
    study: str | None,
    plugins: Sequence[Path] = (),
    what: str = exporting.SCORES,
) -> None:
    """Write stored scores, one row per cell, or another table. Raises ResultsError."""
    if form == "parquet" and out is None:
        raise ResultsError(f"parquet is no text to print; name a file with --out {what}.parquet")
    found = exporting.exported(results, form, study, plugins, what)
    for line in found.problems:
        complain(line)
    if out is None:
        write(found.content)
        return
    put_named(out, found.content)
    say(f"{counted(found.rows, 'row')}  {out}")
