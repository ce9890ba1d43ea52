"""An adaptive transfer study: what each seed showed, and which runs are worth another. Imports numpy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from xlbench.contracts import Cost
from xlbench.contracts.work import passes, total
from xlbench.probing import Course, Effects, Reading, Trial, follow
from xlbench_probes.arms import Arm
from xlbench_probes.transfer import reading_of, run_of
from xlbench_probes.zero_shot_pages import adapter_seed_of, baselines

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Job, Json, Metric, ReadBy, ReadOut, Records
    from xlbench.probing import Followed

PROBE = "transfer"
FUTILE = 0.3
"""Divided by the study's seeds: the chance to be claimed in the end below which a cell is left, and the
expected claims for each cell's worth of compute below which a run is. Of more seeds each is a smaller
share."""
ENOUGH = 1.5
"""Divided by the study's seeds: expected claims with which a run goes on whatever it costs."""
PILOT = 4
"""Cells of a table that go on after the first seed whatever their chances, where their run goes on for
others: how far seeds differ is determined from them."""

Pair: TypeAlias = "tuple[Arm, str]"
_Score: TypeAlias = "tuple[str, ReadOut, Arm, str]"
"""Task, reading, arm, target."""


@dataclass(frozen=True, slots=True)
class _FirstSeeds:
    """The first few seeds of an arm, taken together."""

    arm: Arm
    count: int

    @property
    def draws_of_seeds(self) -> list[Json]:
        return self.arm.draws_of_seeds

    def describe(self) -> str:
        return self.arm.describe()


class _Work(NamedTuple):
    """What a job to come scores, and what that takes, in passes of the model."""

    scores: tuple[_Score, ...]
    training: float
    """Of its task adapter, however many scores are wanted of it; 0 where one is put back."""
    each: float
    """Of evaluating one score."""

    @classmethod
    def of(cls, job: Job) -> _Work:
        """The work of a job; jobs of an arm that differ in their seed have the same."""
        arm, evaluation = arm_of(job), Cost(evaluate_examples=job.cost.evaluate_examples)
        scores = tuple((x.task, reading_of(job), arm, x.target) for x in job.cells)
        whole, each = passes(job.cost), passes(evaluation)
        return cls(scores, whole - each, each / len(scores))

    def cost(self, wanted: Collection[_Score]) -> float:
        """Of those of its scores that are wanted."""
        count = sum(x in wanted for x in self.scores)
        return self.training + self.each * count if count else 0.0


def arm_of(job: Job) -> Arm:
    """What a job of the probe finetunes on."""
    run = run_of(job)
    return Arm(run.name, run.steps, run.treatment)


def courses(
    task: str, metric: Metric, before: Mapping[str, Any], trials: Sequence[Trial], *, parallel: bool = False
) -> dict[Pair, Course]:
    """Every effect as it was after each of its seeds, up to the first that is missing."""
    own: dict[Pair, list[Trial]] = {}
    for trial in sorted(trials, key=lambda x: x.seed):
        assert isinstance(trial.arm, Arm)  # noqa: S101 - narrows the type
        own.setdefault((trial.arm, trial.target), []).append(trial)
    there: dict[Pair, list[Trial]] = {}
    for pair, some in own.items():
        end = next((i for i, x in enumerate(some) if x.counts is None), len(some))
        there[pair] = some[:end]
    first = [
        replace(x, arm=_FirstSeeds(arm, n))
        for (arm, _), some in there.items()
        for n in range(1, len(some) + 1)
        for x in some[:n]
    ]
    effects = Effects(task, metric, before, first, parallel=parallel)
    return {
        (arm, target): Course(
            tuple(effects.effect(_FirstSeeds(arm, n), target) for n in range(1, len(some) + 1))
        )
        for (arm, target), some in there.items()
    }


def judged(found: Mapping[Pair, Course], transfer: Sequence[str], seeds: int) -> list[dict[Pair, Followed]]:
    """What can be said of the effects of a task, table by table: what is tested and corrected together are
    the transfer languages, or controls of one kind, at one number of steps.
    """
    tables: dict[tuple[int, str, bool], dict[Pair, Course]] = {}
    for (arm, target), course in found.items():
        table = (arm.steps, arm.treatment, arm.text in transfer)
        tables.setdefault(table, {})[arm, target] = course
    return [follow(some, seeds) for some in tables.values()]


def drop(records: Records, coming: Sequence[Job]) -> dict[tuple[str, Cell], str]:
    """Which of the coming cells need not be run, and why: "helps", "harms" or "futile".

    A cell is left once its corrected sequential test has claimed it, and where the chance that all seeds
    would claim it is small. A run, one finetuning for all tasks, is left where the claims that it can still
    be expected to bring are few for its compute. What cannot be judged, for something failed, goes on.
    """
    said, pilots = _said(records)
    seeds = len(_study(records)["seeds"])
    futile, enough = FUTILE / seeds, ENOUGH / seeds
    ahead: dict[Arm, dict[tuple[str, ReadOut], _Work]] = {}
    """By run, task and reading: the scores to come."""
    finetuning: dict[Arm, float] = {}
    kept: set[_Score] = set()
    for job in coming:
        arm, work = arm_of(job), _Work.of(job)
        finetuning[arm] = passes(total(x for x in job.shares.values() if x.finetune_tokens))
        known = ahead.setdefault(arm, {}).setdefault((job.cells[0].task, reading_of(job)), work)
        if len(work.scores) > len(known.scores):
            ahead[arm][job.cells[0].task, reading_of(job)] = work
        kept |= {x for x in work.scores if x not in said}
    for arm, works in ahead.items():
        open_ = {
            x: said[x].chance
            for work in works.values()
            for x in work.scores
            if x in said and not _is_claimed(said[x]) and said[x].chance >= futile
        }
        evaluations = sum(len(x.scores) for x in works.values())
        evaluation = sum(x.each * len(x.scores) for x in works.values()) / evaluations
        cells = (finetuning[arm] + sum(x.cost(open_) for x in works.values())) / evaluation
        if open_ and sum(open_.values()) >= min(enough, futile * cells):
            kept |= open_.keys()
    going = {arm for _, _, arm, _ in kept}
    for table in pilots:
        kept |= set([x for x in table if x[2] in going][:PILOT])
    return {
        (job.condition_key, cell): said[score].word if _is_claimed(said[score]) else "futile"
        for job in coming
        for cell in job.cells
        if (score := (cell.task, reading_of(job), arm_of(job), cell.target)) not in kept
    }


def priorities(records: Records, coming: Sequence[Job]) -> dict[str, float]:
    """Of each coming run of a text of which something was foreseen: the share of the other transfer languages
    that are foreseen to help a target less, mean over targets and tasks. Which of those near the top is best
    for a target is what is open. Empty where nothing was foreseen, or measured effects contradict it.
    """
    from xlbench_probes.foresee_view import predictions  # it imports this module

    shares: dict[tuple[int, str], list[float]] = {}
    for steps in {arm_of(job).steps for job in coming}:
        for task in records.metrics:
            by_target: dict[str, list[tuple[float, str]]] = {}
            for (text, target), one in predictions(records, task, steps).items():
                by_target.setdefault(target, []).append((one.value, text))
            for some in by_target.values():
                for place, (_, text) in enumerate(sorted(some)):
                    shares.setdefault((steps, text), []).append(place / max(len(some) - 1, 1))
    means = {at: sum(some) / len(some) for at, some in shares.items()}
    arms = {job.condition_key: arm_of(job) for job in coming}
    return {key: means[x.steps, x.text] for key, x in arms.items() if (x.steps, x.text) in means}


def _said(records: Records) -> tuple[dict[_Score, Followed], list[list[_Score]]]:
    """What can be said of each score by now; and of the tables with one seed each, the likeliest first."""
    study = _study(records)
    reading, seeds = Reading(records), len(study["seeds"])
    found: dict[_Score, Followed] = {}
    first: list[list[_Score]] = []
    tables: dict[tuple[str, ReadOut], list[Trial]] = {}
    adapters: dict[tuple[str, ReadOut], ReadBy | None] = {}
    for task in reading.tasks(PROBE):
        for job, cell in reading.planned(PROBE, task):
            evaluation = reading.evaluation(job, cell)
            counts = evaluation.counts if evaluation else None
            seed, adapter = run_of(job).seed, adapter_seed_of(job)
            one = Trial(arm_of(job), seed, cell.target, counts, adapter=adapter)
            tables.setdefault((task, reading_of(job)), []).append(one)
            adapters[task, reading_of(job)] = job.typed.adapter
    for (task, read_out), trials in tables.items():
        before = baselines(reading, task, adapters[task, read_out])
        so_far = courses(task, records.metrics[task], before, trials, parallel=reading.parallel(task))
        for some in judged(so_far, study["transfer"], seeds):
            own = {(task, read_out, *pair): x for pair, x in some.items()}
            found |= own
            if all(x.seeds == 1 for x in some.values()):
                first.append(sorted(own, key=lambda x: (-own[x].chance, x[3], x[2].text)))
    return found, first


def _is_claimed(one: Followed) -> bool:
    return one.word != "no clear effect"


def _study(records: Records) -> Mapping[str, Any]:
    return records.study
