"""The probe `transfer`: minimal finetuning on a transfer language, scored on every target language.

The method of arXiv 2403.20088: the body moves; the task adapter and its head, trained on the
pretrained body, are put back as they were. The reading `retrained` trains them anew on the body that moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from xlbench import hookimpl
from xlbench.contracts import Condition, Cost, Evaluation, Finetuning, Job, merged
from xlbench.contracts.treatment import OF_OTHER_LANGUAGES, PLAIN
from xlbench.errors import ResultsError, StudyError
from xlbench_probes import first_order, foresee
from xlbench_probes.first_order import EXACT, FIRST_ORDER, evaluations, is_exact
from xlbench_probes.zero_shot import ZeroShot, training_of

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Json, Lab, Page, Probe, ReadOut, Records, Resolved, Row


class _Run(NamedTuple):
    """One fine-tuning; it serves every task."""

    text: str
    treatment: str
    targets: frozenset[str]


class _Task(NamedTuple):
    """What all jobs of a task in one reading share."""

    name: str
    reading: ReadOut
    cells: tuple[Cell, ...]
    baseline: Job
    adapters: Mapping[str, Cost]
    """Kept ones that each job needs: those put back, and what a warm start goes on from."""
    training: Cost
    """Of each job."""
    which: str
    """Which of several task adapters it is, for people."""


class Transfer:
    """The transfer effect of every transfer language on every target, with its controls."""

    name = "transfer"
    version = 1
    summary = "Minimal fine-tuning on a transfer language: who helps whom, and by how much"
    settings = first_order.TransferSettings
    reads = frozenset(
        {"transfer", "steps", "controls", "reference", "match", "readings", "retraining", "mlm", "evaluation"}
    )

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Baselines first, then a job for each (run, steps, seed, task), seeds outermost."""
        study = resolved.study
        if not study.transfer:
            raise StudyError("the transfer probe needs transfer languages; name them with --transfer deu,tur")
        wanted = evaluations(study)
        if FIRST_ORDER in wanted:
            first_order.check(resolved)
        tasks = list(self._tasks(resolved))
        jobs = merged(task.baseline for task in tasks)
        exact = self._of_seeds(resolved, tasks, study.seeds)
        if FIRST_ORDER in wanted:
            more = self._of_seeds(resolved, tasks, first_order.further(resolved))
            linear = [x for x in (*exact, *more) if first_order.is_evaluated(resolved, x)]
            jobs += exact if EXACT in wanted else first_order.sampled(resolved, linear)
            jobs += (first_order.of(resolved, x) for x in linear)
        else:
            jobs += exact
        if resolved.mlm.schedule == "constant":  # a run passes its numbers of steps in order
            jobs.sort(key=lambda job: job.typed.finetuning.steps if job.typed.finetuning else 0)
        return jobs

    def _of_seeds(self, resolved: Resolved, tasks: Sequence[_Task], seeds: Sequence[int]) -> list[Job]:
        """A job for each (run, steps, seed, task), exactly evaluated, seeds outermost."""
        runs = [(run, resolved.text_identity(run.text, run.treatment)) for run in self._runs(resolved)]
        first = int(resolved.study.adaptive and foresee.PROBE in resolved.study.probes)  # once it is foreseen
        return [
            replace(job, round=round_)
            for round_, seed in enumerate(seeds, first)
            for steps in resolved.study.steps
            for run, text in runs
            for job in self._jobs_of_run(resolved, tasks, run, text, steps, seed)
        ]

    def _tasks(self, resolved: Resolved) -> Iterator[_Task]:
        """Tasks in each reading, with each task adapter; a task without adapter is read once."""
        readings = resolved.study.readings or ("put-back",)
        for number, reading in enumerate(readings):
            for place, seed in enumerate(resolved.adapter_seeds):
                read = resolved.read(reading, seed)
                for name in resolved.tasks:
                    baseline, cells = ZeroShot().job(read, name), resolved.cells(name)
                    if not read.has_adapter(name):
                        if number == place == 0:
                            yield _Task(name, "put-back", cells, baseline, {}, Cost(), "")
                        continue
                    of = f", adapter seed {seed}" if len(resolved.adapter_seeds) > 1 else ""
                    first, cost = dict(baseline.shares), Cost()
                    if reading == "retrained":
                        cost = first.pop(read.task_adapter_name(name))
                    yield _Task(name, reading, cells, baseline, first, cost, of)

    def _runs(self, resolved: Resolved) -> Iterator[_Run]:
        study, everyone = resolved.study, frozenset(x for t in resolved.targets.values() for x in t)
        controls = study.controls or ()
        full = list(study.transfer)
        if "reference" in controls and study.reference and study.reference not in full:
            full.append(study.reference)
        for language in full:
            yield _Run(language, PLAIN, everyone)
        for treatment in controls:
            if treatment not in OF_OTHER_LANGUAGES:
                for language in study.transfer:
                    yield _Run(language, treatment, everyone)
        if "target" in controls:
            with_text = set(resolved.corpus.languages())
            for language in study.targets:
                if language not in full and language in with_text:
                    yield _Run(language, PLAIN, frozenset({language}))

    def _jobs_of_run(
        self,
        resolved: Resolved,
        tasks: Sequence[_Task],
        run: _Run,
        told: dict[str, Json],
        steps: int,
        seed: int,
    ) -> Iterator[Job]:
        finetuning, parts = _finetuning(resolved, run, steps, seed)
        text = run.text if run.treatment == PLAIN else f"{run.text} {run.treatment}"
        name = f"{text}, {steps} {'step' if steps == 1 else 'steps'}, seed {seed}"
        for task in tasks:
            cells = tuple(c for c in task.cells if c.target in run.targets)
            if not cells:
                continue
            retrained = task.reading == "retrained"
            treated = resolved.treatment_identity(run.treatment)
            condition = Condition(
                resolved.model_fingerprint,
                task.baseline.typed.adapter,
                Finetuning(told, steps, seed, run.treatment, treated),
                reading=task.reading,
            )
            yield Job(
                probe=self.name,
                probe_version=self.version,
                condition=condition.as_json(),
                cells=cells,
                label=f"{name}, {task.name}{task.which}{', retrained' if retrained else ''}",
                cost=replace(task.training, evaluate_examples=resolved.passes(cells)),
                shares={**task.adapters, **parts},
                group=finetuning,
                needs=(task.baseline.condition_key,),
            )

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Finetune from the pretrained weights, unless the model is in that state already; then score."""
        task, how, run = job.cells[0].task, training_of(job, lab), run_of(job)
        if reading_of(job) == "put-back":
            lab.task_adapter(task, how)
        elif how is not None and how.warm_start_steps is not None:
            lab.task_adapter(task, how.first)
        lab.finetune(run.name, steps=run.steps, seed=run.seed, treatment=run.treatment)
        measured = {**lab.moved(task, how), **lab.read()}
        if reading_of(job) == "retrained":
            lab.retrain(task, how)
        return [replace(x, extra={**x.extra, **measured}) for x in lab.evaluate(job.cells)]

    def drop(self, records: Records, coming: Sequence[Job]) -> Mapping[tuple[str, Cell], str]:
        """Cells that are settled, and those that the seeds to come cannot settle."""
        from xlbench_probes import transfer_rounds

        return transfer_rounds.drop(records, coming)

    def priorities(self, records: Records, coming: Sequence[Job]) -> Mapping[str, float]:
        """Runs of the transfer languages that foresight ranks first, where the study has it."""
        from xlbench_probes import transfer_rounds

        return transfer_rounds.priorities(records, coming)

    def pages(self, records: Records) -> Sequence[Page]:
        """A page a task: donation, recipience, the best transfer language, the effect matrix; none where only
        a sample was evaluated exactly.
        """
        if not is_exact(records):
            return ()
        from xlbench_probes import transfer_pages

        return transfer_pages.pages(records)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """Effects, donations and recipiences."""
        from xlbench_probes import transfer_frames

        if not is_exact(records):
            return {}
        return transfer_frames.frames(records)

    def recommend(self, records: Records, task: str, target: str) -> Page:
        """Transfer languages for a target, measured or predicted."""
        from xlbench_probes import transfer_advice

        first_order.check_exact(records)
        return transfer_advice.advise(records, task, target)

    def recommend_sets(self, records: Records, task: str, target: str, size: int) -> Page:
        """Sets of transfer languages for a target, by what their languages do alone."""
        from xlbench_probes import transfer_sets

        return transfer_sets.propose(records, task, target, size)

    def compare(self, one: Records, other: Records) -> Sequence[Page]:
        """A page a task: which effects are others in the second study."""
        from xlbench_probes import transfer_compare

        if not (is_exact(one) and is_exact(other)):
            return ()
        return transfer_compare.compare(one, other)

    def survey(self, studies: Mapping[str, Records]) -> Sequence[Page]:
        """A page per task: mean effects and gains of several studies on the same pairs."""
        from xlbench_probes import transfer_models

        studies = {name: x for name, x in studies.items() if is_exact(x)}
        return transfer_models.survey(studies)


def reading_of(job: Job) -> ReadOut:
    """How a job of the probe reads the fine-tuned model."""
    return job.typed.reading


def run_of(job: Job) -> Finetuning:
    """The fine-tuning of a job of the probe. Raises ResultsError for a job that has none."""
    if (found := job.typed.finetuning) is None:
        raise ResultsError(f"the job {job.label!r} of the probe transfer has no fine-tuning in its condition")
    return found


def _finetuning(resolved: Resolved, run: _Run, steps: int, seed: int) -> tuple[str, dict[str, Cost]]:
    """Name of the finetuning that leads to a state, and its parts, each charged once.

    At a constant rate one serves all numbers of steps, and has a part from each to the next.
    """
    mlm = resolved.mlm
    if mlm.schedule == "linear":
        name, ends = f"{run.text}/{run.treatment}/{steps}/{seed}", [0, steps]
    else:
        name = f"{run.text}/{run.treatment}/constant/{seed}"
        ends = [0, *sorted(x for x in {*resolved.study.steps} if x <= steps)]
    pieces = mlm.batch_size * mlm.chunk
    parts = {f"{name}/{end}": Cost(finetune_tokens=(end - start) * pieces) for start, end in pairwise(ends)}
    return name, parts


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe, the one that does its jobs to first order, and the one that foresees them."""
    yield Transfer()
    yield first_order.FirstOrder()
    yield foresee.Foresee()
