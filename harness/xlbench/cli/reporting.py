"""`xlbench show`, `leaderboard` and `report`: stored results as people read them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from xlbench import reporting
from xlbench.cli import screen
from xlbench.contracts import Study
from xlbench.contracts.settings import nearest
from xlbench.errors import ResultsError
from xlbench.output import clean, complain, counted, say, say_json
from xlbench.results import Store
from xlbench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from xlbench.contracts import Page
    from xlbench.reporting import Summary

RESULTS = "results"
"""The folder of results where none is named."""
ALL = "all"

REPORT, LEADERBOARD = "report.html", "leaderboard"
"""What a run writes into its folder of results."""


@dataclass(frozen=True, slots=True)
class Details:
    """Which tables to show."""

    tasks: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Parts of their titles; "all" for every one."""

    def __bool__(self) -> bool:
        return bool(self.tasks or self.probes or self.tables)


def show(
    read: Stored, results: Path, study: str | None, plugins: Sequence[object], *, as_json: bool = False
) -> None:
    """Print what a study comes to, in ten lines."""
    found = with_ways(read, results, study, plugins)
    if as_json:
        say_json({"study": read.stored.id, **reporting.as_json(found)})
        return
    screen.show(reporting.in_terminal(found, screen.width()), paged=False)


def details(read: Stored, asked: Details, *, as_json: bool = False) -> None:
    """Print pages, or some of their tables. Raises ResultsError for what the study has not."""
    pages = chosen(read.pages, asked)
    if as_json:
        say_json({"study": read.stored.id, **reporting.pages_as_json(pages)})
        return
    some = any(x.lower() != ALL for x in asked.tables)
    screen.show(reporting.terminal([page for _, page in pages], tables_only=some))


def tables(read: Stored, asked: Details, *, as_json: bool = False) -> None:
    """Print the titles of all tables, by probe and task."""
    pages = chosen(read.pages, replace(asked, tables=()))
    if as_json:
        rows = [{"probe": x, "task": y.task, "table": clean(z.title)} for x, y in pages for z in y.parts]
        say_json({"study": read.stored.id, "tables": rows})
        return
    lines: list[RenderableType] = []
    for probe, page in pages:
        about = " ".join(filter(None, (probe, page.task, page.topic)))
        lines += [Text(clean(about), style="bold"), *(Text(f"  {clean(x.title)}") for x in page.parts)]
    screen.show([*lines, Text('One of them: xlbench show --table "part of its title"', style="dim")])


def chosen(pages: Sequence[tuple[str, Page]], asked: Details) -> list[tuple[str, Page]]:
    """The pages that are asked for, with the tables that are. Raises ResultsError."""
    places = [(probe, page.task) for probe, page in pages]
    for i, (what, names) in enumerate((("probe", asked.probes), ("task", asked.tasks))):
        known = list(dict.fromkeys(place[i] for place in places if place[i]))
        for name in (x for x in names if x not in known):
            raise ResultsError(f"the study has no pages of the {what} {name!r}{nearest(name, known)}")
    found = [
        (probe, page)
        for probe, page in pages
        if (not asked.probes or probe in asked.probes) and (not asked.tasks or page.task in asked.tasks)
    ]
    if not found:
        raise ResultsError("the study has no page of that probe and task; see them: xlbench show --list")
    wanted = [x.casefold() for x in asked.tables]
    if not wanted or ALL in wanted:
        return found
    for name in asked.tables:
        if not any(_is(name, part.title) for _, page in found for part in page.parts):
            raise ResultsError(
                f"no table there has {name!r} in its title; see all titles: xlbench show --list"
            )
    some = []
    for probe, page in found:
        parts = tuple(x for x in page.parts if any(_is(name, x.title) for name in asked.tables))
        some += [(probe, replace(page, parts=parts))] if parts else []
    return some


def _is(asked: str, title: str) -> bool:
    return " ".join(asked.split()).casefold() in " ".join(title.split()).casefold()


def with_ways(read: Stored, results: Path, study: str | None, plugins: Sequence[object] = ()) -> Summary:
    """The summary of a study with the commands and files that show more."""
    where = [] if results == Path(RESULTS) else ["--results", str(results)]
    where += [] if study is None else ["--study", study]
    where += [x for path in plugins for x in ("--plugin", str(path))]
    first = next((x for x in read.summary.blocks if x.verdicts), None)
    commands = []
    if read.recommends and first is not None and first.task and first.targets:
        model = str(read.stored.study.get("model"))
        named = [] if model == Study().model or study is not None else ["--model", model]
        about = ["--task", first.task, "--target", first.targets[0], *named]
        commands.append(shlex.join(["xlbench", "recommend", *about, *where]))
    task = ["--task", first.task] if first is not None and first.task else ["--table", ALL]
    commands.append(shlex.join(["xlbench", "show", *task, *where]))
    commands.append(shlex.join(["xlbench", "view", *where]))
    files = (results / REPORT, results / LEADERBOARD / "README.md")
    return read.summary.with_(commands=commands, files=[str(x) for x in files if x.is_file()])


def failures(results: Path, study: str | None, *, as_json: bool = False) -> None:
    """Print each failed job of a study: what it was, whose plugins it used, and its traceback."""
    store = Store(results)
    stored = store.study(study)
    found = store.failures(stored)
    rows: list[dict[str, Any]] = [
        {
            "job": x.job.label,
            "type": x.error.get("type", "error"),
            "message": x.error.get("message", ""),
            "plugins": {**x.provenance.get("plugins", {}), **_data_plugins(x.provenance)},
            "scores": list(dict.fromkeys(f"{cell.task} in {cell.target}" for cell in x.job.cells)),
            "traceback": x.error.get("traceback", ""),
        }
        for x in found
    ]
    if as_json:
        say_json({"study": stored.id, "failed": rows})
        return
    for row in rows:
        say(f"{row['job']}: {row['type']}: {row['message']}")
        for name, plugin in row["plugins"].items():
            say(f"  {name}: {plugin or 'no plugin'}")
        say(f"  scores: {', '.join(row['scores'])}")
        for line in row["traceback"].splitlines():
            say(f"  {line}")
        say("")
    say(f"{counted(len(found), 'job')} failed in study {stored.id}")


def _data_plugins(facts: Mapping[str, Any]) -> dict[str, str]:
    """By what it is for people, the plugin of each task's data, or where they are from."""
    return {
        f"data {task}": str(x.get("plugin") or x.get("source")) for task, x in facts.get("data", {}).items()
    }


def leaderboard(
    read: Stored, folder: Path, *, told: bool = True, quiet: bool = False, as_json: bool = False
) -> None:
    """Write the pages of a study and, if `told`, print where they are. Raises ResultsError."""
    with screen.waiting("drawing pictures", quiet=quiet):
        written, undrawn = read.write_leaderboard(folder)
    pages = sum(path.suffix == ".md" for path in written) - 2
    pictures = [path for path in written if path.suffix == ".png"]
    if as_json:
        say_json({"study": read.stored.id, "files": [str(x) for x in written], "undrawn": list(undrawn)})
    elif told:
        say(f"leaderboard  {written[0]} ({counted(pages, 'page')})")
        if pictures:
            more = f" (and {len(pictures) - 1} more beside it)" if len(pictures) > 1 else ""
            say(f"picture      {pictures[0]}{more}")
    for why in undrawn:
        complain(f"pictures could not be drawn: {why}; the tables are complete")


def page(read: Stored, path: Path, *, told: bool = True, quiet: bool = False) -> None:
    """Write the HTML report and, if `told`, print where it is. Raises ResultsError."""
    with screen.waiting("writing the report", quiet=quiet):
        why = read.write_report(path)
    if told:
        say(f"report       {path} (opens in any browser, without a network)")
    if why:
        complain(f"the report has no charts: {why}; its tables are complete")


def read(results: Path, study: str | None, plugins: Sequence[object] = (), *, quiet: bool = False) -> Stored:
    """A stored study, with a line for each probe whose pages cannot be obtained. Raises ResultsError."""
    with screen.waiting(f"reading the results in {results}", quiet=quiet):
        found = Stored(results, study, plugins)
    for line in found.problems:
        complain(line)
    return found


def warn(read: Stored, asked: str | None) -> None:
    """Name plugins of another version than those that made the results, and what cannot be read: files of the
    study's jobs, and studies where the last is asked for.
    """
    for line in read.other_versions:
        complain(line)
    for line in read.unread():
        complain(line)
    for line in read.store.broken_studies() if asked is None else ():
        complain(line)
