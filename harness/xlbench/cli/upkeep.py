"""`xlbench results`: verify, merge, gc and migrate folders of results."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from xlbench import plugins
from xlbench.output import complain, counted, say
from xlbench.results import Store, upkeep
from xlbench.running.progress import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from xlbench.contracts import Metric

SHOWN = 20
"""Lines of one kind that are printed at most."""


def verify(results: Path, files: Sequence[Path] = ()) -> int:
    """Print what is in a folder, and what is wrong with it; `files` are plugins. Returns the exit code: 1
    where something is.
    """
    found = upkeep.verify(Store(results), _metrics(files), _told)
    failed = f", {counted(found.failed, 'failed job')}" if found.failed else ""
    gradients = f", {counted(found.gradients, 'gradient')}" if found.gradients else ""
    say(
        f"{counted(found.files, 'finished job')}{failed}, {_studies(found.studies)}, "
        f"{counted(found.adapters, 'adapter')}"
        f"{gradients} in {results}"
    )
    _list(found.problems)
    if found.unlike:
        say(f"{counted(len(found.unlike), 'score')} stored twice with different counts:")
        _list(found.unlike)
    say("all as it was written" if not found.problems else counted(len(found.problems), "problem"))
    return 1 if found.problems else 0


def merge(others: Sequence[Path], into: Path) -> int:
    """Copy what other folders have. Returns the exit code: 1 where something is damaged or differs."""
    found = upkeep.merge(Store(into), [Store(x) for x in others], _told)
    say(
        f"{counted(found.copied, 'job')}, {_studies(found.studies)} and "
        f"{counted(found.adapters, 'adapter')} copied to {into}; {counted(found.same, 'job')} there already"
    )
    _list(found.problems)
    if found.different:
        say(f"{counted(len(found.different), 'job')} with other counts there; what was here stays:")
        _list(f"{x.label}: scores differ by at most {x.most:.2f}" for x in found.different)
    return 1 if found.problems or found.different else 0


def gc(results: Path, *, delete: bool) -> None:
    """Print what no study uses, and remove it where asked to."""
    store = Store(results)
    found = upkeep.unused(store)
    for why, count in Counter(x.why for x in found).items():
        say(f"{why:<20} {count:>6}  {size(sum(x.size for x in found if x.why == why))}")
    if not found:
        say(f"nothing in {results} is unused")
    elif delete:
        say(f"removed: {size(upkeep.remove(found, store))}")
    else:
        say(f"nothing is removed yet: {size(sum(x.size for x in found))} would be, with --delete")


def migrate(results: Path, files: Sequence[Path] = ()) -> int:
    """Bring a folder up to date. Returns the exit code: 1 where a file was left as it is."""
    found = upkeep.migrate(Store(results), _metrics(files), _told)
    done = counted(found.sealed, "job")
    say(f"{done} brought up to date; {counted(found.current, 'job')} already up to date")
    _list(found.problems)
    return 1 if found.problems else 0


def _studies(count: int) -> str:
    return f"{count} {'study' if count == 1 else 'studies'}"


def _metrics(files: Sequence[Path]) -> dict[str, Metric]:
    """By task, those of plugins in files too."""
    registry = plugins.load(given=plugins.give(files))
    return {name: task.metric for name, task in registry.tasks.items()}


def _list(lines: Iterable[str]) -> None:
    every = list(lines)
    for line in every[:SHOWN]:
        complain(line)
    if len(every) > SHOWN:
        complain(f"and {len(every) - SHOWN} more")


def _told(done: int, of: int) -> None:
    """A counter on a terminal, for folders that take long to read."""
    if sys.stderr.isatty() and of > 1000 and (done % 100 == 0 or done == of):
        sys.stderr.write(f"\r{done} of {of} files" + ("\n" if done == of else ""))
        sys.stderr.flush()
