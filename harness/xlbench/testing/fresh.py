"""Load one plugin in a fresh interpreter, and tell on the last line of output what that did, as JSON.

python -P -m xlbench.testing.fresh NAME|FILE.py
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SLOW = ("torch", "transformers", "adapters", "datasets")
"""Libraries that no plugin needs before a job runs."""
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")


def _clock() -> float:
    """Seconds that pass while this thread works or sleeps, but not while it waits for a processor that others
    have: Linux counts that wait in nanoseconds.
    """
    try:
        waited = int(Path("/proc/self/schedstat").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        waited = 0
    return time.monotonic() - waited / 1e9


def main(said: str) -> None:
    """Load what `said` names, then call its hooks."""
    from xlbench import hookspecs, plugins

    calls: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in NETWORK:
            calls.append(event)
            raise OSError("the network is off while plugins load")

    told = os.dup(1)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        sys.addaudithook(watch)
        before = frozenset(sys.modules)
        start, error = _clock(), ""
        try:
            if said.endswith(".py"):
                module = plugins.give([said])[0].load()
            else:
                distribution, _, name = said.rpartition("/")
                points = importlib.metadata.entry_points(group=hookspecs.GROUP, name=name)
                (point,) = [
                    x
                    for x in points
                    if not distribution or (x.dist is not None and x.dist.name == distribution)
                ][:1]
                module = point.load()
            for hook, _ in plugins.HOOKS.values():
                if hasattr(module, hook):
                    list(getattr(module, hook)() or ())
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
        seconds = _clock() - start
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        printed.seek(0)
        text = printed.read(2000).decode(errors="replace")
    slow = [x for x in SLOW if x in sys.modules and x not in before]
    says = {"seconds": seconds, "printed": text, "network": calls, "slow": slow, "error": error}
    os.write(told, json.dumps(says).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
