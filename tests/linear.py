"""Records of a study that was evaluated to first order, with exact effects of chosen likeness."""

from __future__ import annotations

import numpy as np

from xlbench.contracts import Cell, Evaluation, Job, Record, Records
from xlbench.metrics import accuracy
from xlbench_probes.first_order import CHANGE, unscored

DONORS = tuple(f"qa{x}" for x in "abcdef")
TARGETS = tuple(f"qb{x}" for x in "abcde")


def made(slope: float, noise: float, *, missing: bool = False, seeds: int = 3) -> Records:
    """Records of a study of 6 x 5 languages whose exact effects are the first-order ones times a slope, and
    noise, at 10 steps.
    """
    rng = np.random.default_rng(0)
    adapter = {"task": "pos", "seed": 0}
    cells = [Cell("pos", g, "data") for g in TARGETS]
    expected, records = [], []

    def put(job: Job, evaluations: list[Evaluation]) -> None:
        expected.append(job)
        records.extend(Record(job.probe, 1, job.condition, job.condition_key, x) for x in evaluations)

    def scored(cell: Cell, loss: float) -> Evaluation:
        return Evaluation(cell, np.ones((4, 2), np.int32), loss=np.array([[loss, 1.0]] * 4))

    base = {"model": "m", "adapter": adapter}
    put(Job("zero-shot", 1, base, tuple(cells), "zero-shot"), [scored(x, 2.0) for x in cells])
    truth = rng.normal(size=(len(DONORS), len(TARGETS))) / 100
    for i, f in enumerate(DONORS):
        for seed in range(seeds):
            run = {"text": {"language": f, "text": "t"}, "variant": "plain", "steps": 10, "seed": seed}
            linear = truth[i] + rng.normal(size=len(TARGETS)) / 1000
            told = {"evaluation": "first-order", "gradient": {"version": 1, "numbers": "float32"}}
            put(
                Job("first-order", 1, {**base, **run, **told}, tuple(cells), f"{f}, seed {seed}"),
                [unscored(x, {CHANGE: -v}) for x, v in zip(cells, linear, strict=True)],
            )
            if seed == 0:
                exact = 2.0 - (slope * linear + noise * rng.normal(size=len(TARGETS)))
                put(
                    Job("transfer", 1, {**base, **run}, tuple(cells), f"{f} exact"),
                    [scored(x, v) for x, v in zip(cells, exact, strict=True)],
                )
    kept = tuple(x for x in records if not (missing and x.probe == "transfer"))
    study = {"evaluation": ["first-order"], "transfer": list(DONORS), "targets": list(TARGETS)}
    return Records(kept, tuple(expected), {}, study, {"pos": accuracy()}, {}, {})  # type: ignore[arg-type]
