"""The probe `foresee`: which transfer language will help which target, before any fine-tuning.

With g the gradient of a target's task loss at the pretrained weights, and d_t what AdamW's first steps on
batch t of a transfer language's text would do per unit of learning rate (`Lab.directions`), fine-tuning with
learning rates r_1, ..., r_k reduces the loss, as long as the weights have hardly moved, by about

    - (r_1 + ... + r_k) <g, mean of d_t>

One gradient per target and up to 32 batches per transfer language give the whole matrix. How far it can be
believed, only measured effects say: where the study has some, the pages fit a scale to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xlbench.contracts import Condition, Cost, Job
from xlbench.contracts.gradient import BYTES, GradientNumbers, gradient_told, gradients_of
from xlbench.contracts.mixture import has
from xlbench.contracts.treatment import PLAIN
from xlbench.errors import StudyError
from xlbench_probes.first_order import has_gradient, numbers_of, unscored
from xlbench_probes.zero_shot import ZeroShot, training_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Evaluation, Lab, Page, Records, Resolved, Row

PROBE = "foresee"
FORESEEN, ERROR = "foreseen", "foreseen_error"
"""Names of what is measured: by how much the task loss falls per unit of learning rate, mean over batches, in
nats per decision; and its standard error over batches."""
MOST = 32
DRAW = 1_000_003
"""Seed of the batches: none that studies fine-tune with, whose batches, being measured too, would make what
is foreseen agree with them better than with others.
"""


@dataclass(frozen=True, slots=True)
class ForeseeSettings:
    """What may be set for the probe `foresee`."""

    batches: int = 16
    """Batches of each transfer language's text, 2 to 32."""
    gradients: GradientNumbers = "float32"
    """In which numbers gradients are kept on disk; bfloat16 takes half the room."""

    def __post_init__(self) -> None:
        if not 2 <= self.batches <= MOST:
            raise ValueError(f"batches must be between 2 and {MOST}, not {self.batches}")


class Foresee:
    """Foresees effects on the task loss from gradients, without fine-tuning."""

    name = PROBE
    version = 1
    summary = "Foresee who helps whom from one gradient per target, without fine-tuning"
    settings = ForeseeSettings
    reads = frozenset({"transfer", "steps", "reference", "match", "mlm"})

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Baselines, then one job per transfer language, task and task adapter."""
        study = resolved.study
        if not study.transfer:
            raise StudyError("the foresee probe needs transfer languages; name them with --transfer deu,tur")
        if without := [x for x in resolved.tasks if not has_gradient(resolved, x)]:
            raise StudyError(
                f"foresee: {', '.join(without)} {'has' if len(without) == 1 else 'have'} no task loss with a "
                "gradient; leave it out"
            )
        languages = [g for targets in resolved.targets.values() for g in targets]
        if all(has(f, g) for f in study.transfer for g in languages):
            raise StudyError(
                "foresee: no target is another language than the transfer languages, of which own text says "
                "nothing; name other targets, or more transfer languages"
            )
        if DRAW in study.seeds:
            raise StudyError(
                f"foresee draws its batches with the seed {DRAW}; fine-tuned on the same batches, measured "
                "effects would agree with it too well; name another with --seeds"
            )
        return [*ZeroShot().jobs(resolved), *self._jobs(resolved)]

    def _jobs(self, resolved: Resolved) -> Iterator[Job]:
        own, mlm = resolved.settings.get(self.name), resolved.mlm
        settings = own if isinstance(own, ForeseeSettings) else ForeseeSettings()
        read = [resolved.read("put-back", seed) for seed in resolved.adapter_seeds]
        several = len(resolved.study.adapter_seeds) > 1
        for text in resolved.study.transfer:
            for number, one in enumerate(read):
                for task in resolved.tasks:
                    if number and not one.has_adapter(task):
                        continue
                    baseline = ZeroShot().job(one, task)
                    condition = Condition(
                        resolved.model_fingerprint,
                        baseline.typed.adapter,
                        settings={
                            "text": resolved.text_identity(text, PLAIN),
                            "batches": settings.batches,
                            "draw": DRAW,
                            **gradient_told(settings.gradients),
                        },
                    )
                    which = several and one.has_adapter(task)
                    of = f", adapter seed {one.training[task].seed}" if which else ""
                    tokens = settings.batches * mlm.batch_size * mlm.chunk
                    job = Job(
                        probe=self.name,
                        probe_version=self.version,
                        condition=condition.as_json(),
                        cells=baseline.cells,
                        label=f"{text}, foreseen, {task}{of}",
                        cost=Cost(gradient_tokens=tokens),
                        group=f"foresee/{text}",
                        needs=(baseline.condition_key,),
                    )
                    names = dict(zip(job.cells, gradients_of(job), strict=True))
                    costs = {x: Cost(gradient_examples=resolved.passes([cell])) for cell, x in names.items()}
                    keeps = dict.fromkeys(names.values(), BYTES[settings.gradients])
                    yield replace(job, shares={**baseline.shares, **costs}, keeps=keeps)

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Inner products of each batch's direction with each target's gradient."""
        text, batches = text_of(job), job.condition.get("batches")
        assert isinstance(batches, int)  # noqa: S101 - as `jobs` made it
        found = -lab.directions(
            text, job.cells, batches=batches, seed=DRAW, how=training_of(job, lab), numbers=numbers_of(job)
        )
        mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / batches**0.5
        both = zip(job.cells, mean, error, strict=True)
        return [unscored(cell, {FORESEEN: float(x), ERROR: float(e)}) for cell, x, e in both]

    def pages(self, records: Records) -> Sequence[Page]:
        """A page per task: what is foreseen, and how it agrees with what was measured."""
        from xlbench_probes import foresee_pages

        return foresee_pages.pages(records)

    def recommend(self, records: Records, task: str, target: str) -> Page:
        """Transfer languages for a target of the study, by what is foreseen."""
        from xlbench_probes import foresee_pages

        return foresee_pages.advise(records, task, target)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """What is foreseen of each pair at each number of steps."""
        from xlbench_probes import foresee_pages

        return foresee_pages.frames(records)


def text_of(job: Job) -> str:
    """The text of a job of the probe."""
    told = job.condition.get("text")
    return str(told["language"]) if isinstance(told, Mapping) else ""


def rate_sum(steps: int, learning_rate: float, schedule: str) -> float:
    """Sum of the learning rates of a fine-tuning: with linear decay to 0, r (1 + (k - 1)/k + ... + 1/k)."""
    return learning_rate * (steps if schedule == "constant" else (steps + 1) / 2)
