"""What adaptive studies cost, and what they still say, beside the full studies.

    python -m benchmarks.adaptive replay --results DIR --study ID
    python -m benchmarks.adaptive simulate [--matrices 20] [--seeds 3,10] [--examples 200] [--worlds 0,2,3]

Both give the probe `transfer` the records of one round after another and keep what it does not drop.
`replay` takes a stored study that ran in full. `simulate` makes matrices whose true effects are known, half
of the transfer languages without any. Verdicts are the words of the matrices of effects. Compute is
finetuning and evaluation after it, in passes (`xlbench.contracts.work.passes`); task adapters are trained
in any case.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.calibration import TRANSFER, WORLDS, World, simulate
from xlbench import plugins
from xlbench.contracts import Cell, Cost, Counts, Evaluation, Job, Record, Records
from xlbench.contracts.work import passes, total
from xlbench.metrics import accuracy
from xlbench.probing.reading import Reading
from xlbench.results import Store
from xlbench.results.studies import less
from xlbench.scores import judge
from xlbench_probes.arms import Arm, donation
from xlbench_probes.transfer import Transfer
from xlbench_probes.transfer_view import View

Word = dict[tuple[str, int, str, str], str]
"""By task, steps, transfer language, target."""


class Outcome(NamedTuple):
    """An adaptive study beside the full one."""

    full: Word
    adaptive: Word
    compute: float
    """Share of the full study's."""
    evaluations: float
    """The same of evaluations alone, in number."""
    donations: tuple[dict[str, tuple[float, float, str]], ...]
    """Of the full and the adaptive study: interval and word by transfer language, at the largest steps."""


def adapt(records: Records) -> Outcome:
    """Let the probe drop what it would have dropped."""
    seeds: Sequence[int] = records.study["seeds"]  # type: ignore[assignment]
    number = {seed: i for i, seed in enumerate(seeds)}
    sizes = {x.evaluation.cell: len(x.evaluation.counts) for x in records.records}
    jobs = [_costed(job, number, sizes) for job in records.expected]
    study = {**records.study, "adaptive": True}
    dropped: dict[tuple[str, Cell], str] = {}
    for round_ in range(len(seeds) - 1):
        here = less((x for x in jobs if x.round <= round_), dropped)
        coming = less((x for x in jobs if x.round > round_), dropped)
        if coming:
            dropped |= Transfer().drop(_part(records, here, study), coming)
    left = less(jobs, dropped)
    part = _part(records, left, study)
    runs = [[x for x in some if x.probe == "transfer"] for some in (left, jobs)]
    cells = [sum(len(x.cells) for x in some) for some in runs]
    costs = [_cost(some) for some in runs]
    (full, donors), (adaptive, others) = _words(records), _words(part)
    return Outcome(full, adaptive, costs[0] / costs[1], cells[0] / cells[1], (donors, others))


def _costed(job: Job, number: Mapping[int, int], sizes: Mapping[Cell, int]) -> Job:
    if job.probe != "transfer":
        return job
    condition: Mapping[str, Any] = job.condition
    text = condition["text"]
    tokens = condition["steps"] * text.get("batch_size", 8) * text.get("chunk", 512)
    run = f"{text['language']}/{condition['variant']}/{condition['steps']}/{condition['seed']}"
    return replace(
        job,
        cost=Cost(evaluate_examples=sum(sizes.get(x, 0) for x in job.cells)),
        shares={run: Cost(finetune_tokens=tokens)},
        round=number[condition["seed"]],
    )


def _cost(jobs: Sequence[Job]) -> float:
    shared = {name: cost for job in jobs for name, cost in job.shares.items()}
    sizes = {job.condition_key: job.cost for job in jobs}
    return passes(total([*shared.values(), *sizes.values()]))


def _part(records: Records, jobs: Sequence[Job], study: Mapping[str, Any]) -> Records:
    wanted = {(job.condition_key, cell) for job in jobs for cell in job.cells}
    found = (x for x in records.records if (x.condition_key, x.evaluation.cell) in wanted)
    return replace(records, records=tuple(found), expected=tuple(jobs), study=study)


def _words(records: Records) -> tuple[Word, dict[str, tuple[float, float, str]]]:
    reading, found, donors = Reading(records), Word(), dict[str, tuple[float, float, str]]()
    for task in reading.tasks("transfer"):
        view = View.of(reading, task)
        for k in view.steps:
            found |= {(task, k, f, g): _claim(x.number.word) for (f, g), x in view.judged_effects(k).items()}
        some = {arm.text: donation(view.effects, arm, view.targets) for arm in view.arms(view.last)}
        for f, x in judge(some).items():
            donors[f] = (x.number.low or 0.0, x.number.high or 0.0, _claim(x.number.word))
    return found, donors


def _claim(word: str | None) -> str:
    """What a word claims of other runs: one seed claims nothing."""
    return word if word in ("helps", "harms") else NOTHING


def simulated(world: World, seeds: int, examples: int, number: int) -> tuple[Records, np.ndarray]:
    """Records of a made-up study, and the true effects, shape (transfer, targets)."""
    rng = np.random.default_rng([number, seeds, examples, WORLDS.index(world), 9])
    truth, before, trials, *_ = simulate(world, seeds, examples, rng)
    cells = {g: Cell("made", g, f"data of {g} {number}") for g in before}
    zero = Job("zero-shot", 1, {"model": number}, tuple(cells.values()), "zero-shot")
    jobs = [zero]
    found: list[tuple[Job, Cell, Counts]] = [(zero, cells[g], one[0]) for g, one in before.items()]
    by_run: dict[tuple[str, int], Job] = {}
    for trial in trials:
        assert isinstance(trial.arm, Arm)
        assert trial.counts is not None
        f = trial.arm.text
        if (f, trial.seed) not in by_run:
            condition: dict[str, Any] = {
                "text": {"language": f},
                "steps": 1,
                "variant": "plain",
                "seed": trial.seed,
            }
            by_run[f, trial.seed] = Job("transfer", 1, condition, tuple(cells.values()), f"{f} {trial.seed}")
        found.append((by_run[f, trial.seed], cells[trial.target], trial.counts))
    jobs += by_run.values()
    records = tuple(
        Record(job.probe, 1, job.condition, job.condition_key, Evaluation(cell, counts))
        for job, cell, counts in found
    )
    study: dict[str, Any] = {
        "transfer": sorted({f for f, _ in by_run}),
        "targets": list(cells),
        "seeds": list(range(seeds)),
    }
    return Records(records, tuple(jobs), {}, study, {"made": accuracy()}, {}, {}), truth


def compare(outcomes: Sequence[Outcome]) -> list[str]:
    """Verdicts reproduced; claims of the full study, those reproduced, claims of its own; compute."""
    both = [(x.full[key], x.adaptive[key]) for x in outcomes for key in x.full]
    claims = Counter[str]()
    for one, other in both:
        claims["full"] += one != NOTHING
        claims["both"] += one == other != NOTHING
        claims["new"] += one == NOTHING != other
    compute, cells = (
        100 * np.mean([getattr(x, name) for x in outcomes]) for name in ("compute", "evaluations")
    )
    same = 100 * np.mean([one == other for one, other in both])
    return [
        f"{same:.1f}",
        str(claims["full"]),
        str(claims["both"]),
        str(claims["new"]),
        f"{compute:.1f}",
        f"{cells:.1f}",
    ]


NOTHING = "no clear effect"
HEADS = [
    "verdicts reproduced, %",
    "claims of the full study",
    "reproduced",
    "new",
    "compute, %",
    "evaluations, %",
]


def wrong(words: Word, truth: np.ndarray) -> tuple[int, int]:
    """False claims, of no effect or of the other sign; and all claims."""
    true = {key: truth[int(key[2][1:]), int(key[3][1:])] for key in words}
    claims = {key: word for key, word in words.items() if word != NOTHING}
    return sum(true[k] == 0 or (word == "helps") != (true[k] > 0) for k, word in claims.items()), len(claims)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("replay", "simulate"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--study")
    parser.add_argument("--matrices", type=int, default=20)
    parser.add_argument("--seeds", default="3,10")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--worlds", default="0,2,3")
    given = parser.parse_args()
    if given.what == "replay":
        tasks = plugins.load().tasks
        records = Store(given.results).records({name: x.metric for name, x in tasks.items()}, given.study)
        outcome = adapt(records)
        print(f"| task, steps | {' | '.join(HEADS[:4])} |\n|{'---|' * 5}")
        for task, k in dict.fromkeys(key[:2] for key in outcome.full):
            some = [{x: word for x, word in side.items() if x[:2] == (task, k)} for side in outcome[:2]]
            row = compare([outcome._replace(full=some[0], adaptive=some[1])])[:4]
            print(f"| {task}, {k} | {' | '.join(row)} |")
        print(f"\n| {' | '.join(HEADS)} |\n|{'---|' * 6}\n| {' | '.join(compare([outcome]))} |")
        return
    heads = ["world", "seeds", *HEADS, "false claims, full, %", "adaptive, %", "donations covered", "false"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for world in (WORLDS[int(x)] for x in given.worlds.split(",")):
        for seeds in map(int, given.seeds.split(",")):
            outcomes, rates, covered, false = [], [], [], []
            for i in range(given.matrices):
                records, truth = simulated(world, seeds, given.examples, i)
                outcomes.append(outcome := adapt(records))
                rates.append([bad / max(1, n) for bad, n in (wrong(x, truth) for x in outcome[:2])])
                for f in range(TRANSFER):
                    low, high, word = outcome.donations[1][f"f{f}"]
                    covered.append(low <= truth[f].mean() <= high)
                    false.append(word != NOTHING and truth[f].mean() == 0)
            row = [
                world.name,
                str(seeds),
                *compare(outcomes),
                *(f"{100 * x:.1f}" for x in np.mean(rates, axis=0)),
            ]
            row += [f"{100 * np.mean(covered):.1f}", f"{100 * np.mean(false):.1f}"]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
