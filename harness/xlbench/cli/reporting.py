"""`xlbench show` and `xlbench leaderboard`: stored results as people read them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench import plugins, report
from xlbench.progress import counted
from xlbench.results import Store
from xlbench.results.described import skipped
from xlbench.study import command, parse
from xlbench.work import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xlbench.contracts import Page
    from xlbench.results import StoredStudy


WIDTH = 120
"""Characters of a line where there is no terminal."""


def show(results: Path, study: str | None, *, brief: bool = False) -> None:
    """Print the pages of a study; `brief` is the first table of each of the probes asked for.

    Raises ResultsError.
    """
    from rich.console import Console

    store = Store(results)
    stored = store.study(study)
    if not brief:
        _warn(store, stored, study)
    asked = stored.study.get("probes", [])
    pages = [page for probe, page in _pages(store, stored) if not brief or probe in asked]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    for piece in report.terminal(pages, 1 if brief else None):
        console.print(piece)


def leaderboard(results: Path, out: Path, study: str | None) -> None:
    """Write the pages of a study and print where they are. Raises ResultsError."""
    store = Store(results)
    stored = store.study(study)
    _warn(store, stored, study)
    made_by, line = store.provenances(stored.id), command(parse(stored.study))
    written = report.write_leaderboard(
        out,
        list(_pages(store, stored)),
        lambda page: report.provenance(stored, made_by, line, page.task),
    )
    pages = sum(path.suffix == ".md" for path in written) - 1
    pictures = [path for path in written if path.suffix == ".png"]
    print(f"leaderboard  {written[0]} ({counted(pages, 'page')})")
    if pictures:
        more = f" (and {len(pictures) - 1} more beside it)" if len(pictures) > 1 else ""
        print(f"picture      {pictures[0]}{more}")


def _warn(store: Store, stored: StoredStudy, asked: str | None) -> None:
    """Name what cannot be read: files of the study's jobs, and studies where the last is asked for."""
    listing = store.listing()
    keys = {path.name.partition("-")[0] for path in listing.damaged}
    jobs = [job for job in stored.jobs if job.condition_key in keys]
    missing = {job.condition_key for job in jobs if store.missing_cells(job, listing.index)}
    for path in listing.damaged:
        if path.name.partition("-")[0] in missing:
            print(f"xlbench: {path} is damaged and taken as not there; run the study again", file=sys.stderr)
    for line in store.broken_studies() if asked is None else ():
        print(f"xlbench: {line}", file=sys.stderr)


def _pages(store: Store, stored: StoredStudy) -> Iterator[tuple[str, Page]]:
    """The pages of every probe that has jobs in the study, those asked for first.

    A probe that cannot read its records is named on standard error; the others' pages still come.
    """
    registry = plugins.load()
    records = store.records({name: x.metric for name, x in registry.tasks.items()}, stored.id)
    asked = stored.study.get("probes", [])
    for name in dict.fromkeys((*asked, *(job.probe for job in stored.jobs))):
        if name not in registry.probes:
            print(f"xlbench: {registry.unknown('probe', name)}; its pages are left out", file=sys.stderr)
            continue
        try:
            for page in list(registry.probes[name].pages(records)):
                missing = skipped(stored.described, page.task)
                yield name, replace(page, warnings=(*missing, *page.warnings))
        except Exception as error:
            owner = registry.owners["probe", name]
            print(f"xlbench: no pages of the probe {name!r} ({owner}): {one_line(error)}", file=sys.stderr)
