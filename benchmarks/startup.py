"""How long it takes until something is to be seen: medians of several starts, the first of them left out."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.machine import python, run

COMMANDS: dict[str, tuple[str, ...]] = {
    "xlbench --help": ("--help",),
    "xlbench list tasks": ("list", "tasks"),
}


def measure(folder: Path, *, rounds: int) -> dict[str, Any]:
    """Seconds of wall and processor, by command."""
    commands = {name: [words] * (rounds + 1) for name, words in COMMANDS.items()}
    # A folder of its own each time, so that the job is run; its adapter is trained then too.
    commands["first job of tiny"] = [
        ("run", "--model", "tiny", "--probe", "zero-shot", "--task", "pos", "--targets", "qaa", "--data",
         "pos=artificial", "--train-languages", "qaa", "--adapter", "limit=8,epochs=1", "--limit", "8",
         "--workers", "1", "--device", "cpu", "--quiet", "--results", str(folder / f"results-{i}"))
        for i in range(rounds + 1)
    ]  # fmt: skip
    table = {}
    for name, starts in commands.items():
        used = [run(python("-m", "xlbench.cli", *words)) for words in starts][1:]
        table[name] = {
            "wall_seconds": round(statistics.median(x.wall for x in used), 2),
            "cpu_seconds": round(statistics.median(x.cpu for x in used), 2),
            "peak_mib": round(max(x.peak for x in used)),
        }
    return table
