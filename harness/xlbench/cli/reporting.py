"""`xlbench show`, `leaderboard` and `report`: stored results as people read them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from xlbench import reporting
from xlbench.output import complain, out, say
from xlbench.results import Store
from xlbench.running.progress import counted
from xlbench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType


WIDTH = 120
"""Characters of a line where there is no terminal."""


def show(read: Stored, *, brief: bool = False) -> None:
    """Print the pages of a study; `brief` is the answer of each page of a task, of the probes asked for."""
    asked = read.asked
    pages = [page for probe, page in read.pages if not brief or (probe in asked and not page.topic)]
    show_pages(reporting.terminal(pages, short=brief))


def failures(results: Path, study: str | None) -> None:
    """Print each failed job of a study: what it was, whose plugins it used, and its traceback."""
    store = Store(results)
    stored = store.study(study)
    found = store.failures(stored)
    for failure in found:
        error, facts = failure.error, failure.provenance
        say(f"{failure.job.label}: {error.get('type', 'error')}: {error.get('message', '')}")
        for name, plugin in {**facts.get("plugins", {}), **_data_plugins(facts)}.items():
            say(f"  {name}: {plugin or 'no plugin'}")
        targets = dict.fromkeys(f"{x.task} in {x.target}" for x in failure.job.cells)
        say(f"  scores: {', '.join(targets)}")
        for line in error.get("traceback", "").splitlines():
            say(f"  {line}")
        say("")
    say(f"{counted(len(found), 'job')} failed in study {stored.id}")


def _data_plugins(facts: Mapping[str, Any]) -> dict[str, str]:
    """By what it is for people, the plugin of each task's data, or where they are from."""
    return {
        f"data {task}": str(x.get("plugin") or x.get("source")) for task, x in facts.get("data", {}).items()
    }


def show_pages(pieces: Sequence[RenderableType]) -> None:
    """Print what `report.terminal` gives."""
    from rich.console import Console

    console = Console(file=out(), highlight=False, width=None if out().isatty() else WIDTH)
    for piece in pieces:
        console.print(piece)


def leaderboard(read: Stored, folder: Path) -> None:
    """Write the pages of a study and print where they are. Raises ResultsError."""
    written, undrawn = read.write_leaderboard(folder)
    pages = sum(path.suffix == ".md" for path in written) - 2
    pictures = [path for path in written if path.suffix == ".png"]
    say(f"leaderboard  {written[0]} ({counted(pages, 'page')})")
    if pictures:
        more = f" (and {len(pictures) - 1} more beside it)" if len(pictures) > 1 else ""
        say(f"picture      {pictures[0]}{more}")
    for why in undrawn:
        complain(f"pictures could not be drawn: {why}; the tables are complete")


def page(read: Stored, path: Path) -> None:
    """Write the HTML report and print where it is. Raises ResultsError."""
    why = read.write_report(path)
    say(f"report       {path} (opens in any browser, without a network)")
    if why:
        complain(f"the report has no charts: {why}; its tables are complete")


def read(results: Path, study: str | None, plugins: Sequence[Path] = ()) -> Stored:
    """A stored study, with a line for each probe whose pages cannot be obtained. Raises ResultsError."""
    found = Stored(results, study, plugins)
    for line in found.problems:
        complain(line)
    return found


def read_on(read: Stored, results: Path, plugins: Sequence[Path] = ()) -> None:
    """Print the commands that show more."""
    files = (x for path in plugins for x in ("--plugin", str(path)))
    where = f" {shlex.join(['--results', str(results), *files])}"
    say(f"read on      all tables: xlbench show{where}")
    if read.recommends:
        task = next(page.task for _, page in read.pages)
        say(f"             languages for one target: xlbench recommend --task {task} --target CODE{where}")


def warn(read: Stored, asked: str | None) -> None:
    """Name what cannot be read: files of the study's jobs, and studies where the last is asked for."""
    for line in read.unread():
        complain(line)
    for line in read.store.broken_studies() if asked is None else ():
        complain(line)
