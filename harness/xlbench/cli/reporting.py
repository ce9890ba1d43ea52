"""`xlbench show`, `leaderboard` and `report`: stored results as people read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xlbench import plugins, report
from xlbench.output import complain, out, say
from xlbench.progress import counted
from xlbench.results import Store
from xlbench.results.described import skipped
from xlbench.work import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from xlbench.contracts import Page, Records
    from xlbench.plugins import Kind, Registry
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
        """As they are shown here; `published` has them without paths."""
        self._owners = registry.owners
        self._made_by = self.store.provenances(self.stored.id)
        model = str(self.stored.described["model"]["name"])
        self._publisher = report.Publisher(self.stored.study, model)
        self.published = [(probe, self._publisher.page(page)) for probe, page in self.pages]

    def provenance(self, page: Page) -> report.Provenance:
        """What stands at the end of a published page."""
        probe = next(probe for probe, x in self.published if x is page)
        asked: tuple[tuple[Kind, str], ...] = (("probe", probe), ("task", page.task))
        owners = [self._owners[x].distribution for x in asked if x in self._owners]
        return report.provenance(self.stored, self._made_by, self._publisher, probe, page.task, owners)


def show(read: Read, *, brief: bool = False) -> None:
    """Print the pages of a study; `brief` is the first table of each of the probes asked for."""
    asked = read.stored.study.get("probes", [])
    pages = [page for probe, page in read.pages if not brief or probe in asked]
    show_pages(report.terminal(pages, 1 if brief else None))


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


def leaderboard(read: Read, folder: Path) -> None:
    """Write the pages of a study and print where they are. Raises ResultsError."""
    undrawn: set[str] = set()
    written = report.write_leaderboard(folder, read.published, read.provenance, undrawn.add)
    pages = sum(path.suffix == ".md" for path in written) - 2
    pictures = [path for path in written if path.suffix == ".png"]
    say(f"leaderboard  {written[0]} ({counted(pages, 'page')})")
    if pictures:
        more = f" (and {len(pictures) - 1} more beside it)" if len(pictures) > 1 else ""
        say(f"picture      {pictures[0]}{more}")
    for why in sorted(undrawn):
        complain(f"pictures could not be drawn: {why}; the tables are complete")


def page(read: Read, path: Path) -> None:
    """Write the HTML report and print where it is. Raises ResultsError."""
    records = read.records
    report.write_report(path, read.published, read.provenance, records.languages, records.seen)
    say(f"report       {path} (opens in any browser, without a network)")
    if why := report.no_charts():
        complain(f"the report has no charts: {why}; its tables are complete")


def warn(read: Read, asked: str | None) -> None:
    """Name what cannot be read: files of the study's jobs, and studies where the last is asked for."""
    for line in read.store.damage(read.stored, read.records.metrics):
        complain(line)
    for line in read.store.broken_studies() if asked is None else ():
        complain(line)


def _pages(registry: Registry, stored: StoredStudy, records: Records) -> Iterator[tuple[str, Page]]:
    """The pages of every probe that has jobs in the study, those asked for first.

    A probe that cannot read its records is named on standard error; the others' pages still come.
    """
    asked = stored.study.get("probes", [])
    for name in dict.fromkeys((*asked, *(job.probe for job in stored.jobs))):
        if name not in registry.probes:
            complain(f"{registry.unknown('probe', name)}; its pages are left out")
            continue
        try:
            for page in list(registry.probes[name].pages(records)):
                missing = skipped(stored.described, page.task)
                yield name, replace(page, warnings=(*missing, *page.warnings))
        except Exception as error:
            owner = registry.owners["probe", name]
            complain(f"no pages of the probe {name!r} ({owner}): {one_line(error)}")
