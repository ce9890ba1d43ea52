"""What importing a plugin does: how long it takes, and what it does that it should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from xlbench.testing.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.testing.subject import Subject

IMPORT_SECONDS = 1.0
"""Seconds that importing a plugin and calling its hooks may take: `xlbench list` does both."""
_GIVE_UP = 300.0
"""Seconds after which an import counts as one that never ends; a busy machine needs many."""
_TRIES = 3
"""A busy machine is slow now and then; the fastest time counts."""


def check(subject: Subject) -> Iterator[Finding]:
    """Import the plugin in a fresh interpreter."""
    plugin = subject.plugin
    if subject.things and not isinstance(subject.said, str | os.PathLike):
        yield _finding("import", "an object of this process; its import is not checked", note=True)
        return
    said = str(subject.said) if subject.things else f"{plugin.distribution}/{plugin.name}"
    found = _fresh(said)
    for _ in range(_TRIES - 1):
        if isinstance(found, str) or found["error"] or found["seconds"] <= IMPORT_SECONDS:
            break
        again = _fresh(said)
        found = again if not isinstance(again, str) and again["seconds"] < found["seconds"] else found
    if isinstance(found, str):
        yield _finding("import", found)
        return
    if found["seconds"] > IMPORT_SECONDS:
        yield _finding(
            "import",
            f"importing the plugin and calling its hooks takes {found['seconds']:.1f} s, more than the "
            f"limit of {IMPORT_SECONDS:g} s; every xlbench command waits for it: import what is slow inside "
            "the functions that need it",
        )
    for name in found["slow"]:
        yield _finding("import", f"imports {name}; import it inside the function that `load` gives")
    if found["network"]:
        yield _finding(
            "import", f"uses the network ({found['network'][0]}); fetch data when `examples` or `lines` asks"
        )
    if text := " ".join(found["printed"].split()):
        yield _finding("import", f"prints {text[:80]!r}; print nothing when a plugin loads")


def _finding(field: str, what: str, *, note: bool = False) -> Finding:
    return Finding("", "", "", field, what, note)


def _fresh(said: str) -> dict[str, Any] | str:
    """What `fresh` tells, or why it tells nothing."""
    command = [sys.executable, "-P", "-m", "xlbench.testing.fresh", said]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIVE_UP, check=False)
    except subprocess.TimeoutExpired:
        return f"takes more than {_GIVE_UP:g} s; import what is slow inside the functions that need it"
    lines = done.stdout.decode(errors="replace").splitlines()
    try:
        told: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return f"ends the process with exit status {done.returncode}; raise an error instead"
    return told
