"""From Parquet to a leaderboard at the size of arXiv 2403.20088, on simulated records: seconds and memory.

    python -m benchmarks.leaderboard [--folder DIR] [--transfer 38] [--targets 125] [--steps 4] [--seeds 10]
        [--losses 0]

Writes the records (once; a folder that has them is used as it is), then times `xlbench leaderboard` on
them in a process of its own: reading, 2,000 bootstrap draws and as many swaps, tables and pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from xlbench.contracts import Cell, Evaluation, Job, Json, Metric
from xlbench.metrics import accuracy
from xlbench.plugins import load
from xlbench.results import Store
from xlbench.scores import DRAWS

CODES = [f"q{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrstuvwxyz"]
PROVENANCE: dict[str, Json] = {
    "device": "simulated",
    "versions": {},
    "plugins": {},
    "seconds": {},
    "hardware": {},
}


def write(
    folder: Path, transfer: int, targets: int, steps: int, seeds: int, examples: int, losses: int
) -> None:
    """Store a study in which the effect of a language is its own, and differs by target."""
    rng = np.random.default_rng(0)
    store, metrics = Store(folder), {"pos": accuracy()}
    store.prepare()
    languages, texts = CODES[:targets], CODES[targets : targets + transfer]
    cells = tuple(Cell("pos", x, f"simulated {x}") for x in languages)
    words = rng.integers(5, 40, (targets, examples))
    ease = rng.uniform(0.4, 0.9, (targets, 1))
    numbers = [10**k for k in range(steps)]
    donated = rng.normal(0, 0.02, (transfer, targets, 1))
    adapter: dict[str, Json] = {"task": "pos", "model": "simulated"}
    zero = Job("zero-shot", 1, {"model": "simulated", "adapter": adapter}, cells, "zero-shot, pos")
    jobs = [zero]
    nats = rng.gamma(1.0, 2.0, words.shape) if losses else None
    _store(store, zero, metrics, rng.binomial(words, ease), words, nats)
    for f, text in enumerate(texts):
        for k in numbers:
            for seed in range(seeds):
                condition: dict[str, Json] = {
                    "model": "simulated",
                    "adapter": adapter,
                    "text": {"language": text, "text": text},
                    "variant": "plain",
                    "steps": k,
                    "seed": seed,
                }
                job = Job("transfer", 1, condition, cells, f"{text}, {k} steps, seed {seed}, pos")
                jobs.append(job)
                rate = np.clip(ease + donated[f] * np.log10(10 * k) / steps + rng.normal(0, 0.005), 0, 1)
                _store(store, job, metrics, rng.binomial(words, rate), words, nats)
    study: dict[str, Any] = {
        "model": "simulated",
        "probes": ["transfer"],
        "tasks": ["pos"],
        "transfer": texts,
        "targets": languages,
        "steps": numbers,
        "seeds": list(range(seeds)),
        "controls": [],
    }
    names = {x: _language(x) for x in (*languages, *texts)}
    seen = {x: i % 2 == 0 for i, x in enumerate(names)}
    described: dict[str, Any] = {
        "model": {"name": "simulated", "checkpoint": "none", "revision": None, "fingerprint": "simulated"},
        "tasks": {"pos": {"metric": "accuracy", "source": "simulated"}},
        "text": {"source": "simulated"},
        "languages": names,
        "seen": seen,
        "distances": [],
    }
    store.save_study(study, jobs, described)


def _language(code: str) -> dict[str, str]:
    place = CODES.index(code)
    return {
        "code": code,
        "name": f"Language {place}",
        "family": f"Family {place % 12}",
        "genus": f"Genus {place % 40}",
        "script": ("Latn", "Cyrl", "Arab")[place % 3],
    }


def _store(
    store: Store,
    job: Job,
    metrics: dict[str, Metric],
    right: np.ndarray,
    words: np.ndarray,
    nats: np.ndarray | None,
) -> None:
    """`nats`: of a wrong word of each example; the task loss, where there is one."""
    counts = np.stack([right, words], axis=-1).astype(np.int32)
    losses = None if nats is None else np.stack([nats * (words - right), words], axis=-1)
    made = [
        Evaluation(cell, own, loss=None if losses is None else losses[i])
        for i, (cell, own) in enumerate(zip(job.cells, counts, strict=True))
    ]
    store.write(job, made, PROVENANCE, metrics)


def main() -> None:
    """Write, then time; prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path)
    for name, value in (("transfer", 38), ("targets", 125), ("steps", 4), ("seeds", 10), ("examples", 1000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--losses", type=int, default=1, help="0: without a task loss")
    given = parser.parse_args()
    load()
    with tempfile.TemporaryDirectory() as aside:
        folder = given.folder or Path(aside) / "results"
        if not (folder / "studies").is_dir():
            write(
                folder, given.transfer, given.targets, given.steps, given.seeds, given.examples, given.losses
            )
        start = time.perf_counter()
        command = [sys.executable, "-m", "xlbench.cli", "leaderboard", "--results", str(folder)]
        subprocess.run([*command, "--out", str(Path(aside) / "out")], check=True)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss / 1024**2
    size = sum(x.stat().st_size for x in folder.rglob("*.parquet")) / 1024**2 if folder.is_dir() else None
    print(
        json.dumps(
            {
                "transfer": given.transfer,
                "targets": given.targets,
                "steps": given.steps,
                "seeds": given.seeds,
                "examples": given.examples,
                "draws": DRAWS,
                "seconds": round(seconds, 1),
                "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
                "peak_gib": round(peak, 2),
                "parquet_mib": size and round(size),
                "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
                "python": platform.python_version(),
                "numpy": np.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
