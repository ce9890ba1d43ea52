"""Sets of languages on trial: what additivity proposes, beside every set of a small pool.

    python -m benchmarks.sets plan [--pool qaa,qac,...] [--size 3]
    python -m benchmarks.sets show RESULTS [--size 3]

`plan` prints the `xlbench run` line of a study with every set of the pool and each language alone: `tiny`,
pos, gains after 100 steps. `show` reads its results. For each target it ranks the sets by the mean of what
their languages do alone, and compares the first of them, and the best of the first five, with the best of
all, which is the luckiest of many, too: its lead is held against the standard error of the difference.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xlbench.contracts import decimal
from xlbench.contracts.mixture import has, is_several, parts
from xlbench.plugins import load
from xlbench.probing import Reading, difference, interval, mean, spearman
from xlbench.results import Store
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_sets import PROPOSED, measured
from xlbench_probes.transfer_view import PROBE, View, read_outs

if TYPE_CHECKING:
    from xlbench.probing import Estimate

POOL = "qaa,qac,qag,qah,qam,qad,qae,qaf"
TARGETS = "qag,qah,qaa,qac,qam,qai"


def plan(pool: Sequence[str], size: int) -> str:
    """The line that runs every set."""
    sets = ["+".join(sorted(x)) for x in combinations(pool, size)]
    said = {
        "--probe": "transfer", "--task": "pos", "--transfer": ",".join([*pool, *sets]), "--targets": TARGETS,
        "--steps": "100", "--seeds": "2", "--adapter-seeds": "1", "--readings": "retrained",
        "--controls": "none", "--limit": "150", "--results": "sets",
    }  # fmt: skip
    return shlex.join(["xlbench", "run", *(x for pair in said.items() for x in pair)])


def show(view: View, size: int) -> str:
    """What was found, in Markdown."""
    k = view.last
    alone = [x.text for x in view.arms(k) if not is_several(x.text)]
    sets = [x.text for x in view.arms(k) if is_several(x.text) and len(parts(x.text)) == size]
    rows, within, of_five, regrets, rank = [], 0, 0, list[float](), list[float]()
    for g in view.targets:
        values = {f: view.effects.effect(Arm(f, k), g).value for f in alone if f != g}
        own = {x: view.effects.effect(Arm(x, k), g) for x in sets if not has(x, g)}
        known = {x: e.value for x, e in own.items() if e.value is not None}
        if len(known) < len(own) or not known or any(x is None for x in values.values()):
            continue
        said = {x: float(np.mean([values[f] for f in parts(x)])) for x in known}
        order = sorted(known, key=lambda x: (-said[x], x))
        best = max(known, key=known.__getitem__)
        first, few = order[0], max(order[:PROPOSED], key=known.__getitem__)
        error = _error(difference(own[best], own[first]))
        within += known[best] - known[first] <= error
        of_five += known[best] - known[few] <= _error(difference(own[best], own[few]))
        regrets.append(known[best] - known[first])
        both = np.array([[said[x], known[x]] for x in known])
        rank.append(float(spearman(both[:, 0], both[:, 1])))
        place = 1 + sum(x > known[first] for x in known.values())
        rows.append(
            f"| {g} | {len(known)} | {best} {_said(known[best])} | {first} {_said(known[first])} | {place} | "
            f"{_said(known[few])} | {error:.1f} | {rank[-1]:+.2f} |"
        )
    found = measured(view)
    apart = mean(difference(x.effect, x.expected) for x in found.values()).number()
    every = comb(len(alone), size)
    heads = "target | sets | best of all | first proposed | its rank | best of five | SE | rank correlation"
    return "\n".join(
        [
            f"| {heads} |", "|---" * 8 + "|", *rows,
            f"\nThe first proposed set is within one standard error of the best of all for {within} of "
            f"{len(rows)} targets (the best of {PROPOSED}: {of_five}); it loses {np.mean(regrets):.2f} "
            f"{view.metric.unit} on average. Mean rank correlation of what additivity says with what was "
            f"measured: {np.mean(rank):+.2f}.",
            f"Sets minus the mean of their languages alone, over {len(found)} sets: "
            f"{interval(apart, view.metric.unit)}.",
            f"Cost: {len(alone)} languages alone and {PROPOSED} sets are "
            f"{100 * (len(alone) + PROPOSED) / every:.0f}% of {every} sets.",
        ]
    )  # fmt: skip


def _said(value: float) -> str:
    return decimal(value, 1, signed=True)


def _error(lead: Estimate) -> float:
    """Standard error; 0 of a set's lead over itself."""
    spread = lead.spread()
    return spread.error if spread is not None else 0.0


def main(said: Sequence[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("plan", "show"))
    parser.add_argument("results", nargs="?", default="sets")
    parser.add_argument("--pool", default=POOL)
    parser.add_argument("--size", type=int, default=3)
    asked = parser.parse_args(said)
    if asked.what == "plan":
        print(plan(asked.pool.split(","), asked.size))
        return 0
    store = Store(Path(asked.results)).existing()
    reading = Reading(store.records({name: x.metric for name, x in load().tasks.items()}))
    for task in reading.tasks(PROBE):
        for read_out in read_outs(reading, task):
            print(show(View.of(reading, task, read_out), asked.size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
