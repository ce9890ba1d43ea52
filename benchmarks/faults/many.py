"""A folder of very many results: seconds and memory of the commands that read it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.faults.campaign import QUIET, Campaign, Command, Row

LANGUAGES = ("qab", "qac", "qad", "qae", "qaf", "qag", "qah", "qai")


def measured(campaign: Campaign, count: int) -> Iterator[Row]:
    """A study of `count` fine-tunings whose results are stored, with random counts."""
    folder, Command.patience = campaign.place / "many", 3600
    seeds = -(-count // len(LANGUAGES))
    words = (
        "--model", "tiny", "--task", "pos", "--probe", "zero-shot,transfer", "--transfer",
        ",".join(LANGUAGES), "--controls", "none", "--targets", "qaa,qac", "--train-languages", "qaa",
        "--steps", "1", "--seeds", str(seeds), "--adapter-seeds", "1", "--limit", "20", "--readings",
        "put-back", "--adapter", "epochs=1,limit=60", "--mlm", "chunk=32,batch_size=2",
    )  # fmt: skip
    run = ("run", *words, "--workers", "1", *QUIET)
    done = Command(folder, *run, before=_stub).end()
    if done.code:
        yield Row("a folder of many results", "works", 1, (f"NOT MADE: {done.err[-1000:]}",))
        return
    found = len(list((folder / "jobs").iterdir()))
    for name, asked in (
        ("run with nothing to do", run), ("show", ("show",)), ("export", ("export", "--format", "csv")),
        ("leaderboard", ("leaderboard",)), ("plan", ("plan", *words)),
        ("results verify", ("results", "verify", str(folder))),
    ):  # fmt: skip
        start = time.monotonic()
        command = Command(
            folder, *asked, before=lambda: os.chdir(campaign.place), plain=asked[0] == "results"
        )
        said = command.end()
        problems = said.wrong + [f"EXIT {said.code} ({said.line})"] * (said.code != 0)
        seconds = time.monotonic() - start
        yield Row(
            f"{found:,} result files: {name}", "works", 1, tuple(problems),
            f"{command.cpu:.1f} s of processor time, {seconds:.1f} s, {command.peak:,.0f} MiB at most",
        )  # fmt: skip


def _stub() -> None:
    """Have jobs done without fine-tuning."""
    from xlbench.contracts import Evaluation, Outcome
    from xlbench.results import Store
    from xlbench.running.work import Work

    def do(self, job, notify):  # type: ignore[no-untyped-def]
        rng = np.random.default_rng(int(job.condition_key[:8], 16))
        resolved = self.known[1]
        metric = resolved.tasks["pos"].metric
        counts = np.ones((len(job.cells), 20, len(metric.columns)), np.int32)
        counts[..., 0] = rng.integers(0, 2, counts.shape[:2])
        found = [Evaluation(cell, own) for cell, own in zip(job.cells, counts, strict=True)]
        Store(Path(self.results)).write(job, found, {"device": "cpu"}, {"pos": metric})
        return Outcome(job, 0.0)

    Work._do = do  # type: ignore[method-assign]
