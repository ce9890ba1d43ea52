"""A fault campaign: what becomes of a study whose files, disk, processes and users fail it.

    python -m benchmarks.faults [--only PART,...] [--out FILE] [--kills N] [--rounds N] [--reads N]

The study is small and on `tiny`. What is promised is docs/reference/results.md: whatever happens, numbers are
those of an undisturbed run, or one line says what is wrong; the next run of the same command ends with equal
numbers and leaves nothing over; no traceback, no hanging. Prints a table, and exits with 1 where a promise is
broken. Needs Linux; what needs rights or programs that are not there is said to be left out.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from benchmarks.faults import campaign as campaigns
from benchmarks.faults import damage, disks, each_operation, limits, many, operations, processes
from benchmarks.faults.campaign import Campaign, Row
from benchmarks.machine import REPOSITORY, describe


def main() -> int:
    """Run the campaign and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="parts, with commas between them")
    parser.add_argument("--out", type=Path, help="a file for the table, besides")
    parser.add_argument("--at-once", type=int, default=len(os.sched_getaffinity(0)), help="processes")
    parser.add_argument("--kills", type=int, default=200, help="random moments of SIGKILL")
    parser.add_argument("--rounds", type=int, default=4, help="bit flips in each file")
    parser.add_argument("--reads", type=int, default=100, help="of all that read, at most so many fail")
    parser.add_argument("--step", type=int, default=4, help="pages between two sizes of a full disk")
    parser.add_argument("--files", type=int, default=10_000, help="result files of a large folder")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    parts: dict[str, Callable[[Campaign, random.Random], Iterator[Row]]] = {
        "operations": lambda x, rng: each_operation.measured(x, given.reads, rng),
        "full": lambda x, rng: disks.full(x, given.step, rng),
        "kills": lambda x, rng: processes.killed(x, given.kills, rng),
        "signals": processes.signals,
        "together": processes.together,
        "read-only": disks.read_only,
        "removed": disks.removed,
        "files": limits.open_files,
        "memory": limits.memory,
        "clock": limits.clock,
        "users": limits.users,
        "damage": lambda x, rng: damage.measured(x, given.rounds, rng),
        "many": lambda x, rng: many.measured(x, given.files),
    }
    chosen = [x for x in given.only.split(",") if x] or list(parts)
    if unknown := [x for x in chosen if x not in parts]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(parts)}")
    operations.load()
    begun = time.monotonic()
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        place = Path(folder)
        place.chmod(0o755)
        campaigns.prepare()
        campaign = Campaign(place, given.at_once)
        table = _Table(given.out)
        table.say(f"{_machine(given.at_once)} An undisturbed run takes {campaign.seconds:.1f} s.\n")
        table.say("| fault | promised | tried | what happened |\n|---|---|---|---|")
        broken = 0
        for name in chosen:
            start = time.monotonic()
            for row in parts[name](campaign, random.Random(f"{given.seed} {name}")):
                broken += len(row.broken)
                table.say(f"| {row.fault} | {row.promised} | {row.tried} | {row.happened} |")
            print(f"  {name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        table.say(f"\n{broken} promises broken; {(time.monotonic() - begun) / 60:.0f} minutes.")
    return int(broken > 0)


class _Table:
    """Lines, printed and written to a file as well."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.write_text("")

    def say(self, line: str) -> None:
        print(line, flush=True)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(f"{line}\n")


def _machine(at_once: int) -> str:
    """What the table was made on."""
    known = describe(1)
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        f"Commit {said.stdout.strip() or 'unknown'}, {known['processor']}, {known['cores']} cores, {at_once} "
        f"runs at once, load {known['load_at_start']} at the start, Python {known['python']}, user "
        f"{os.geteuid()}."
    )


if __name__ == "__main__":
    sys.exit(main())
