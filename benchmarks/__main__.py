"""How fast the engine is, in one command: prints a table and, with --json, writes all figures.

    python -m benchmarks [--only PART,...] [--quick | --full] [--threads N] [--json FILE]

Everything is measured on a CPU with --threads threads, 1 where nothing is said. `--quick` takes less of
everything, and is for seeing that it runs: its ratios are of start-up more than of work. `--full` adds
100 steps and the 12-layer model, for hours. The study and the parsing compare with the protocol of the
code released with arXiv 2403.20088 (benchmarks/old_way).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.machine import describe, environment
from benchmarks.tables import show

SMALL, LARGE, BASE = "4x128", "12x384", "12x768x119547"
Figures: TypeAlias = "dict[str, Any]"
Part: TypeAlias = "Callable[[Path, str], Figures]"


def study(folder: Path, size: str) -> Figures:
    """The study against the old way, a model after the other."""
    from benchmarks import made
    from benchmarks import study as comparison

    shapes = (LARGE, SMALL) if size == "full" else (SMALL,)
    return {x: comparison.measure(folder / x, made.shape(x), size, sampled=x == LARGE) for x in shapes}


def parsing(folder: Path, size: str) -> Figures:
    """Dependency evaluation against the old way."""
    from benchmarks import made
    from benchmarks import parsing as comparison

    limit, targets = {"quick": (20, 1), "default": (400, 1), "full": (400, 8)}[size]
    return comparison.measure(folder, made.shape(SMALL), limit=limit, targets=targets)


def roof(folder: Path, size: str) -> Figures:
    """Beside a bare loop and the machine."""
    from benchmarks import made
    from benchmarks import roof as measured

    quick = size == "quick"
    return {
        x: measured.measure(
            folder / x, made.shape(x), rounds=2 if quick else 5, limit=20 if quick else 60,
            steps=1 if quick else 2, chunk=512 if size == "full" else 128,
        )
        for x in ((SMALL,) if quick else (SMALL, LARGE))
    }  # fmt: skip


def switches(folder: Path, size: str) -> Figures:
    """bfloat16, compiled, made ahead."""
    from benchmarks import made
    from benchmarks import switches as measured

    quick = size == "quick"
    return measured.measure(
        folder, made.shape(SMALL if quick else LARGE), rounds=1 if quick else 5, limit=20 if quick else 60,
        steps=1 if quick else 2, chunk=128, compiled=not quick,
    )  # fmt: skip


def overhead(folder: Path, size: str) -> Figures:
    """Planning, storing, reading back."""
    from benchmarks import overhead as measured

    return measured.measure(folder, part=8 if size == "quick" else 1, store_every=100)


def memory(folder: Path, size: str) -> Figures:
    """Peaks and growth."""
    from benchmarks import made
    from benchmarks import memory as measured

    quick = size == "quick"
    return measured.measure(folder, made.shape(LARGE if quick else BASE), limit=50 if quick else 400)


def startup(folder: Path, size: str) -> Figures:
    """Help, list, first job."""
    from benchmarks import startup as measured

    return measured.measure(folder, rounds=1 if size == "quick" else 3)


PARTS: Mapping[str, Part] = {
    "study": study, "parsing": parsing, "roof": roof, "switches": switches, "overhead": overhead,
    "memory": memory, "startup": startup,
}  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    sizes = parser.add_mutually_exclusive_group()
    for size in ("quick", "full"):
        sizes.add_argument(f"--{size}", dest="size", action="store_const", const=size, default="default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := [x for x in chosen if x not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    wanted = environment(given.threads)
    if any(os.environ.get(k) != v for k, v in wanted.items()):  # libraries read these when they are loaded
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], dict(wanted))  # noqa: S606
    measured: Figures = {"machine": describe(given.threads), "size": given.size}
    show("machine", measured["machine"])
    with tempfile.TemporaryDirectory() as folder:
        for part in chosen:
            start = time.perf_counter()
            found = PARTS[part](Path(folder) / part, given.size)
            measured[part] = {**found, "seconds_to_measure": round(time.perf_counter() - start)}
            show(part, measured[part])
            if given.json:
                given.json.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
