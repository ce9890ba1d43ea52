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
        start, waited, error = time.monotonic(), _waited(), ""
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
        seconds = time.monotonic() - start - (_waited() - waited)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        printed.seek(0)
        text = printed.read(2000).decode(errors="replace")
    slow = [x for x in SLOW if x in sys.modules and x not in before]
    says = {"seconds": seconds, "printed": text, "network": calls, "slow": slow, "error": error}
    os.write(told, json.dumps(says).encode() + b"\n")


def _waited() -> float:
    """Seconds that this process was ready and other processes had the processor; 0 where that is not told. A
    busy machine is no fault of a plugin.
    """
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


if __name__ == "__main__":
    main(sys.argv[1])
