"""What an adaptive study of both readings drops, on made-up studies whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from synthetic import CODES, Synthetic

from xlbench.contracts import Cell, Cost, Evaluation, Job
from xlbench.contracts.work import passes
from xlbench_probes import transfer_rounds
from xlbench_probes.transfer import Transfer, reading_of

SEEDS = (0, 1, 2)


@dataclass
class Read(Synthetic):
    """Every run is read twice. Each reading has an effect of its own, the same everywhere, in points."""

    gain: float = 0.0
    effect: float = 0.0
    seeds_move: float = 0.3
    training: int = 0
    """Examples that a retrained adapter sees."""

    def _plan(self, task: str, adapter_seed: int = 0) -> None:
        super()._plan(task, adapter_seed)
        twice: list[Job] = []
        for job in self.jobs:
            if job.probe == "transfer":
                seed = int(str(job.condition["seed"]))
                finetuning = {f"run {job.label}": Cost(finetune_tokens=100)}
                job = replace(job, round=SEEDS.index(seed), shares=finetuning)
                job = replace(job, cost=Cost(evaluate_examples=job.cost.evaluate_examples))
                condition = {**job.condition, "reading": "retrained"}
                cost = replace(job.cost, train_examples=self.training)
                twice.append(replace(job, condition=condition, cost=cost))
            twice.append(job)
        self.jobs[:] = twice

    def _evaluation(self, condition: Mapping[str, Any], cell: Cell) -> Evaluation:
        rng = np.random.default_rng(CODES.index(cell.target))
        words, draws = rng.integers(5, 15, self.examples), rng.random(self.examples)
        rate = np.full(self.examples, 0.5)
        if "steps" in condition:
            of = [CODES.index(x) for x in (condition["text"]["language"], cell.target)]
            noise = np.random.default_rng([condition["seed"], *of])
            rate += (self.gain if "reading" in condition else self.effect) / 100 + noise.normal(
                0, self.seeds_move / 100
            )
        right = np.floor(words * rate + draws).astype(int)
        return Evaluation(cell, np.stack([right, words], axis=1).astype(np.int32))


def read(**fields: Any) -> Read:
    return Read(
        transfer=CODES[:2], targets=CODES[2:6], tasks=("pos",), steps=(10,), seeds=SEEDS, controls=(),
        examples=120, **fields,
    )  # fmt: skip


def dropped(study: Read, rounds: int) -> dict[str, dict[tuple[str, str], str]]:
    """After so many rounds, by reading: why a transfer language and target need no further seed."""
    so_far = tuple(x for x in study.jobs if x.round < rounds)
    keys = {x.condition_key for x in so_far}
    records = study.records(missing=lambda job, cell: job.condition_key not in keys, expected=so_far)
    coming = [x for x in study.jobs if x.round >= rounds]
    by_key = {x.condition_key: x for x in coming}
    found: dict[str, dict[tuple[str, str], str]] = {"put-back": {}, "retrained": {}}
    for (key, cell), why in Transfer().drop(records, coming).items():
        condition: Any = by_key[key].condition
        found[reading_of(by_key[key])][condition["text"]["language"], cell.target] = why
    return found


ALL = {(f, g) for f in CODES[:2] for g in CODES[2:6]}


def test_gains_are_judged_by_gains_and_effects_by_effects() -> None:
    """The same truth in one reading and in the other: what is claimed follows the reading."""
    gains, effects = dropped(read(gain=12.0), 2), dropped(read(effect=12.0), 2)
    assert {x for x, why in gains["retrained"].items() if why == "helps"} == ALL
    assert "helps" not in gains["put-back"].values()
    assert {x for x, why in effects["put-back"].items() if why == "helps"} == ALL
    assert "helps" not in effects["retrained"].values()


def test_a_reading_that_is_open_goes_on_where_the_other_is_settled() -> None:
    """Harm put back is claimed. Whether there is a gain is not, so runs go on, for that reading alone."""
    found = dropped(read(effect=-30.0, gain=2.0, seeds_move=1.0), 2)
    assert set(found["put-back"].values()) == {"harms"}
    assert set(found["put-back"]) == ALL
    assert len(found["retrained"]) < len(ALL)


def test_training_adapters_anew_is_part_of_what_a_run_costs() -> None:
    """The same scores: a run goes on for a cell where an adapter is cheap, and ends where it is dear."""
    cheap, dear = (dropped(read(effect=-30.0, gain=2.0, seeds_move=1.0, training=n), 2) for n in (0, 10**7))
    assert cheap["put-back"] == dear["put-back"]
    assert cheap["retrained"].items() < dear["retrained"].items()
    ended = dear["retrained"].keys() - cheap["retrained"].keys()
    assert {dear["retrained"][x] for x in ended} == {"futile"}


def test_one_open_cell_pays_for_the_whole_training_of_its_adapter() -> None:
    job = next(x for x in read(training=500).jobs if x.condition.get("reading") == "retrained")
    work = transfer_rounds._Work.of(job)
    evaluation = passes(Cost(evaluate_examples=job.cost.evaluate_examples)) / len(job.cells)
    training = passes(Cost(train_examples=500))
    assert work.cost(()) == 0
    for wanted in (1, 2, len(work.scores)):
        assert work.cost(work.scores[:wanted]) == training + wanted * evaluation
