"""A fault campaign: what becomes of a study whose files, disk, processes and users fail it.

    python -m benchmarks.faults [--only PART,...] [--kills N] [--rounds N] [--operations N] [--seed N]

The study is small and on `tiny`. What is promised is docs/reference/results.md: whatever happens, numbers are
those of an undisturbed run, or one line says what is wrong; the next run of the same command ends with equal
numbers and leaves nothing over; no traceback, no hanging. Prints a table, and exits with 1 where
a promise is broken.
Needs Linux; what needs rights that it has not is said to be left out.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from benchmarks.faults import campaign as campaigns
from benchmarks.faults import damage, disks, limits, many, processes
from benchmarks.faults.campaign import Campaign, Row


def main() -> int:
    """Run the campaign and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="parts, with commas between them")
    parser.add_argument("--kills", type=int, default=200, help="random moments of SIGKILL")
    parser.add_argument("--rounds", type=int, default=4, help="bit flips in each file")
    parser.add_argument(
        "--operations", type=int, default=40, help="at most so many file operations fail, of each kind"
    )
    parser.add_argument("--files", type=int, default=10_000, help="result files of a large folder")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    parts: dict[str, Callable[[Campaign, random.Random], Iterator[Row]]] = {
        "kills": lambda x, rng: processes.killed(x, given.kills, rng),
        "operations": lambda x, rng: processes.operations(x, rng, given.operations),
        "signals": processes.signals,
        "together": processes.together,
        "full": disks.full,
        "errors": lambda x, rng: disks.errors(x, rng, given.operations),
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
    campaigns.prepare()
    broken = 0
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        place = Path(folder)
        place.chmod(0o755)
        campaign = Campaign(place)
        print(f"an undisturbed run of 4 jobs: {campaign.seconds:.1f} s\n")
        print("| fault | promised | happened |\n|---|---|---|", flush=True)
        for name in chosen:
            start = time.monotonic()
            for row in parts[name](campaign, random.Random(given.seed)):
                broken += row.broken
                print(f"| {row.fault} | {row.promised} | {row.happened} |", flush=True)
            print(f"  {name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"\n{broken} promises broken")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
