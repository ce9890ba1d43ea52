"""The probe `layerwise`: transfer where only the lower or the upper half of the layers is fine-tuned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xlbench import hookimpl
from xlbench.contracts import (
    Condition,
    Cost,
    Evaluation,
    Finetuning,
    Job,
    Lab,
    Page,
    Probe,
    ReadBy,
    Records,
    Resolved,
)

xlbench_contract = 1

BASELINE, ALL, LOWER, UPPER = "pretrained", "all", "lower half", "upper half"


@dataclass(frozen=True)
class Settings:
    """What a study may set: `--option layerwise.layers=12`."""

    layers: int = 2
    """How many layers the model has."""
    steps: int = 100

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if self.layers < 2 or self.layers % 2:
            raise ValueError(f"layers must be an even number from 2 on, not {self.layers}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")

    def frozen(self) -> dict[str, str]:
        """The parts that stay as they are, by what is fine-tuned."""
        half, last = self.layers // 2, self.layers - 1
        return {
            ALL: "",
            LOWER: f"layers:{half}-{last}+head",
            UPPER: f"embeddings+layers:0-{half - 1}+head",
        }


class Layerwise:
    """Scores every target after fine-tuning all layers, the lower half and the upper half."""

    name = "layerwise"
    version = 1
    summary = "Which half of the layers carries the effect of a transfer language"
    settings = Settings

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """The pretrained model, then one job for each text, part of the model and seed, task by task."""
        return list(self._jobs(resolved))

    def _jobs(self, resolved: Resolved) -> Iterator[Job]:
        how: Settings = resolved.settings[self.name]
        for task in resolved.adapted_tasks:
            read, cells = ReadBy(resolved.adapter_identity(task)), resolved.cells(task)
            scored = Cost(evaluate_examples=resolved.passes(cells))
            pretrained = Condition(resolved.model_fingerprint, read, settings={"part": BASELINE})
            yield Job(self.name, self.version, pretrained.as_json(), cells, f"pretrained, {task}", scored)
            for text in resolved.study.transfer:
                for part, freeze in how.frozen().items():
                    settings = replace(resolved.mlm, freeze=freeze)
                    for seed in resolved.study.seeds:
                        run = Finetuning(resolved.text_identity(text, how=settings), how.steps, seed)
                        condition = Condition(
                            resolved.model_fingerprint, read, run, settings={"part": part, "freeze": freeze}
                        )
                        yield Job(
                            self.name,
                            self.version,
                            condition.as_json(),
                            cells,
                            f"{text}, {part}, seed {seed}, {task}",
                            replace(scored, finetune_tokens=how.steps * settings.batch_size * settings.chunk),
                        )

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Have the task adapter at hand, fine-tune what is to be fine-tuned, score."""
        lab.task_adapter(job.cells[0].task)
        run = job.typed.finetuning
        if run is None:
            lab.restore()
        else:
            how = replace(lab.resolved.mlm, freeze=str(job.typed.settings["freeze"]))
            lab.finetune(run.name, steps=run.steps, seed=run.seed, how=how)
        return lab.evaluate(job.cells)

    def pages(self, records: Records) -> Sequence[Page]:
        """One page per task."""
        from xlbench_layerwise.pages import pages

        return pages(records)


@hookimpl
def xlbench_probes() -> Iterator[Probe]:
    """The probe."""
    yield Layerwise()
