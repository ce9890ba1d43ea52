"""The page of the probe `layerwise`, made of its stored records. Apart, since it imports numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlbench.contracts import Counts, Headline, Json, Number, Page, Records, Table
from xlbench.probing import (
    TARGET_GAINS,
    Effects,
    Reading,
    Trial,
    between,
    counted,
    covers,
    difference,
    interval,
    judge,
    mean,
    verdicts_over,
)
from xlbench_layerwise import ALL, BASELINE, LOWER, UPPER

PROBE = "layerwise"


@dataclass(frozen=True, slots=True)
class Tuned:
    """Fine-tuning of a part of the model on a text: a condition, of which seeds are repetitions."""

    text: str
    part: str

    @property
    def draws_of_seeds(self) -> list[Json]:
        """Seeds of two parts draw the same chunks of a text, so that runs of one seed are compared."""
        return [self.text]

    def describe(self) -> str:
        """For people, where something is missing."""
        return f"{self.text}, {self.part}"


def pages(records: Records) -> Sequence[Page]:
    """One page per task."""
    reading = Reading(records)
    return [_page(reading, task) for task in reading.tasks(PROBE)]


def _page(reading: Reading, task: str) -> Page:
    baselines: dict[str, Counts | str] = {}
    trials: list[Trial] = []
    conditions: dict[Tuned, None] = {}
    for job, cell in reading.planned(PROBE, task):
        found, run = reading.evaluation(job, cell), job.typed.finetuning
        missing = "" if found else reading.missing(job, cell)
        if run is None:
            baselines[cell.target] = found.counts if found else missing
            continue
        arm = Tuned(run.name, str(job.typed.settings["part"]))
        conditions[arm] = None
        trials.append(Trial(arm, run.seed, cell.target, found.counts if found else None, missing))
    metric = reading.records.metrics[task]
    effects = Effects(task, metric, baselines, trials, parallel=reading.parallel(task))
    arms, seeds = list(conditions), {x.seed for x in trials}
    targets, texts = list(baselines), list(dict.fromkeys(x.text for x in arms))
    each = judge({(arm, g): effects.effect(arm, g) for arm in arms for g in targets})
    apart = judge(
        {
            text: difference(
                mean(effects.effect(Tuned(text, LOWER), g) for g in targets),
                mean(effects.effect(Tuned(text, UPPER), g) for g in targets),
            )
            for text in texts
        }
    )
    rows: list[tuple[str | Number, ...]] = [
        (reading.name(text), reading.name(g), *(each[Tuned(text, x), g].number for x in (ALL, LOWER, UPPER)))
        for text in texts
        for g in targets
    ]
    said = {
        text: f"With text of {reading.name(text)}, the lower half's effect less the upper half's is "
        f"{interval(one.number, metric.unit)}, on average."
        for text, one in apart.items()
    }
    return Page(
        task,
        f"Layerwise transfer: {task}",
        (
            f"{counted(len(texts), 'transfer language')}, {counted(len(targets), 'target language')}, "
            f"{counted(len(seeds), 'seed')}; the task adapter is put back.",
            *said.values(),
            covers(len(seeds)),
        ),
        (
            Table(
                f"Effect by what is fine-tuned, {task}",
                ("Transfer language", "Target language", "All layers", "Lower half", "Upper half"),
                tuple(rows),
                f"Score after fine-tuning less the {BASELINE} model's, in {metric.measure} ({TARGET_GAINS}). "
                f"{verdicts_over('this table')}",
            ),
        ),
        headlines=tuple(
            Headline(
                "note",
                f"{reading.name(text)}: lower less upper half {between(one.number, metric.unit)}",
                donor=text,
            )
            for text, one in apart.items()
        ),
    )
