"""`xlbench show`, `leaderboard` and `report`: stored results as people read them."""

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

    from xlbench.contracts import Page, Records
    from xlbench.plugins import Registry
    from xlbench.results import StoredStudy


WIDTH = 120
"""Characters of a line where there is no terminal."""


class Read:
    """A stored study and its pages, which are made once, for all that is written of them."""

    def __init__(self, results: Path, study: str | None) -> None:
        """`study` is its id; None is the last started. Raises ResultsError."""
        registry = plugins.load()
        self.store = Store(results)
        self.stored = self.store.study(study)
        metrics = {name: x.metric for name, x in registry.tasks.items()}
        self.records = self.store.records(metrics, self.stored.id)
        self.pages = list(_pages(registry, self.stored, self.records))
        self._made_by = self.store.provenances(self.stored.id)
        self._command = command(parse(self.stored.study))
        self._of_task: dict[str, report.Provenance] = {}

    def provenance(self, page: Page) -> report.Provenance:
        """What stands at the end of a page."""
        if page.task not in self._of_task:
            self._of_task[page.task] = report.provenance(self.stored, self._made_by, self._command, page.task)
        return self._of_task[page.task]


def show(read: Read, *, brief: bool = False) -> None:
    """Print the pages of a study; `brief` is the first table of each of the probes asked for."""
    from rich.console import Console

    asked = read.stored.study.get("probes", [])
    pages = [page for probe, page in read.pages if not brief or probe in asked]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    for piece in report.terminal(pages, 1 if brief else None):
        console.print(piece)


def leaderboard(read: Read, out: Path) -> None:
    """Write the pages of a study and print where they are. Raises ResultsError."""
    written = report.write_leaderboard(out, read.pages, read.provenance)
    pages = sum(path.suffix == ".md" for path in written) - 2
    pictures = [path for path in written if path.suffix == ".png"]
    print(f"leaderboard  {written[0]} ({counted(pages, 'page')})")
    if pictures:
        more = f" (and {len(pictures) - 1} more beside it)" if len(pictures) > 1 else ""
        print(f"picture      {pictures[0]}{more}")


def page(read: Read, out: Path) -> None:
    """Write the HTML report and print where it is. Raises ResultsError."""
    records = read.records
    report.write_report(out, read.pages, read.provenance, records.languages, records.seen)
    print(f"report       {out} (opens in any browser, without a network)")


def warn(read: Read, asked: str | None) -> None:
    """Name what cannot be read: files of the study's jobs, and studies where the last is asked for."""
    store, listing = read.store, read.store.listing()
    keys = {path.name.partition("-")[0] for path in listing.damaged}
    jobs = [job for job in read.stored.jobs if job.condition_key in keys]
    missing = {job.condition_key for job in jobs if store.missing_cells(job, listing.index)}
    for path in listing.damaged:
        if path.name.partition("-")[0] in missing:
            print(f"xlbench: {path} is damaged and taken as not there; run the study again", file=sys.stderr)
    for line in store.broken_studies() if asked is None else ():
        print(f"xlbench: {line}", file=sys.stderr)


def _pages(registry: Registry, stored: StoredStudy, records: Records) -> Iterator[tuple[str, Page]]:
    """The pages of every probe that has jobs in the study, those asked for first.

    A probe that cannot read its records is named on standard error; the others' pages still come.
    """
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
            why = report.clean(one_line(error))
            print(f"xlbench: no pages of the probe {name!r} ({owner}): {why}", file=sys.stderr)
