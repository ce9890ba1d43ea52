"""`xlbench plugin new` and `xlbench plugin check`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlbench.output import counted, say, say_json
from xlbench.plugins import load


def new(name: str, kind: str, folder: Path | None) -> None:
    """Write a package, and say what comes next."""
    from xlbench.templates import new

    place = folder if folder is not None else Path(name)
    written = new(name, kind, place, load())
    for path in written:
        say(str(path))
    say()
    first = next(x for x in written if x.name == "plugin.py")
    say(f"Begin with {first}; {place / 'README.md'} says how to try it.")
    say(f'Next: pip install -e "{_local(place)}[test]" && xlbench plugin check {name}')


def _local(folder: Path) -> str:
    """A folder as pip takes it, never as the name of a package."""
    text = str(folder)
    return text if folder.is_absolute() or text.startswith(".") else f"./{text}"


def check(plugin: str, data: Mapping[str, Sequence[str]], *, quick: bool, as_json: bool) -> int:
    """Print what each check finds. Returns the exit code: 1 where something is wrong."""
    from xlbench.testing import checks

    rows, failed = [], 0
    for one in checks(plugin, quick=quick, data=data):
        found = one.run()
        bad = [x for x in found if not x.note]
        failed += bool(bad)
        rows.append({"check": one.name, "findings": [dataclasses.asdict(x) for x in found]})
        if as_json:
            continue
        sign = "FAILED" if bad else "note" if found else "ok"
        say(f"{sign:<7} {one.name}", flush=True)
        for x in found:
            say(f"        {x}", flush=True)
    if as_json:
        say_json(rows)
    else:
        beyond = "; those that need a model are left out (--quick)" if quick else ""
        say()
        say(f"{counted(len(rows), 'check')}, {failed or 'none'} failed{beyond}")
    return 1 if failed else 0
