"""`xlbench fetch` and `xlbench doctor`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from xlbench.output import say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xlbench.contracts import Study

SIGNS = {"good": "ok", "note": "note", "bad": "FAILED"}


def fetch(
    study: Study, *, results: Path, quiet: bool, strict_plugins: bool, plugins: Sequence[Path] = ()
) -> None:
    """Download what a study needs, and print one line for each."""
    from xlbench.running.fetching import fetch
    from xlbench.spec.study import command

    for one in fetch(study, results=results, strict_plugins=strict_plugins, plugins=plugins):
        if not quiet:
            say(f"{one.what:<8} {one.name:<24} {one.amount}", flush=True)
    say(f"all here; without a network: HF_HUB_OFFLINE=1 {command(study, plugins)}")


def doctor(*, as_json: bool, plugins: Sequence[Path] = ()) -> int:
    """Print what there is. Returns the exit code: 1 where something does not work."""
    from xlbench.doctor import examine

    found = []
    for one in examine(plugins):
        found.append(one)
        if not as_json:
            say(f"{SIGNS[one.state]:<7} {one.name:<14} {one.text}", flush=True)
    if as_json:
        say_json([dataclasses.asdict(x) for x in found])
    return 1 if any(x.state == "bad" for x in found) else 0
