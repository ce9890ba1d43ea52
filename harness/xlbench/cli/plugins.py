"""`xlbench plugin new` and `xlbench plugin check`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlbench.output import say, say_json
from xlbench.plugins import load


def new(name: str, kind: str, folder: Path | None) -> None:
    """Write a package, and say what comes next."""
    from xlbench.templates import new

    place = folder if folder is not None else Path(name)
    for path in new(name, kind, place, load()):
        say(str(path))
    say()
    say(f"next: pip install -e {place}[test]; xlbench plugin check {name}")
    say(f"{place / 'README.md'} says how to try it")


def check(plugin: str, data: Mapping[str, Sequence[str]], *, quick: bool, as_json: bool) -> int:
    """Print what each check finds. Returns the exit code: 1 where something is wrong."""
    from xlbench.testing import checks

    rows, wrong = [], 0
    for one in checks(plugin, quick=quick, data=data):
        found = one.run()
        bad = [x for x in found if not x.note]
        wrong += len(bad)
        rows.append({"check": one.name, "findings": [dataclasses.asdict(x) for x in found]})
        if as_json:
            continue
        sign = "FAILED" if bad else "note" if found else "ok"
        say(f"{sign:<7} {one.name}", flush=True)
        for x in found:
            say(f"        {x}", flush=True)
    if as_json:
        say_json(rows)
    return 1 if wrong else 0
