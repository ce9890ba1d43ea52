"""Made-up studies of language adapters whose truth is known: planned by the probes, their scores drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from made import Made, MadeText, study_over

from xlbench.contracts import Cell, Evaluation, GivenAdapter, Job, Language, Record, Records, Resolved, digest
from xlbench.contracts.settings import check, make
from xlbench.spec.study import as_json
from xlbench_probes.interference import Interference
from xlbench_probes.interference_sets import Settings

CODES = ("qaa", "qab", "qac", "qad", "qae")
TRANSFER = CODES[:4]
TARGETS = ("qaa", "qab", "qac", "qae")
"""qad has an adapter and no test data, qae the reverse."""
FAMILIES = {"qaa": "North", "qab": "North", "qac": "South", "qad": "South", "qae": "unknown"}
EXAMPLES = 400
HARM = {"qad": -0.10, "qab": 0.06}
"""What company does to the rate of right answers; other languages do nothing."""


class Data(Made):
    """Test data in any language."""

    def languages(self, split: str) -> Collection[str]:
        return CODES


class Text(MadeText):
    """Text in any language."""

    def languages(self) -> Collection[str]:
        return CODES


def over(
    probes: tuple[str, ...] = ("interference",),
    options: Mapping[str, Any] | None = None,
    given: Collection[str] = (),
    **fields: Any,
) -> Resolved:
    """A study of four adapters and four targets, two tasks and two seeds; no checkpoint is looked at."""
    base = study_over(Path("nowhere"))
    options = dict(options or {})
    study = replace(
        base.study,
        probes=probes,
        transfer=TRANSFER,
        targets=TARGETS,
        train_languages=("qae",),
        options={"interference": options} if options else {},
        **fields,
    )
    return replace(
        base,
        study=study,
        corpus=Text(),
        data={task: Data(task) for task in base.tasks},
        languages={x: Language(x, x.upper(), FAMILIES[x], f"{x}-ish", "Latn") for x in CODES},
        targets=dict.fromkeys(base.tasks, tuple(study.targets)),
        given={x: GivenAdapter(f"adapters/{x}", "nowhere", f"print of {x}", True) for x in given},
        settings={"interference": make(Settings, check(options, Settings, "options.interference"))},
    )


def jobs_of(resolved: Resolved, probe: Any = None) -> list[Job]:
    """The jobs of a probe, `interference` unless told."""
    return list((probe or Interference()).jobs(resolved))


def names(job: Job) -> tuple[str, ...]:
    """Languages whose adapters are beneath the task adapter, "random" among them."""
    under: Any = job.condition.get("under")
    return tuple(x["language"] or "random" for x in under["adapters"]) if under else ()


def mix_of(job: Job) -> str:
    under: Any = job.condition.get("under")
    return under["mix"] if under else ""


@dataclass
class Drawn:
    """What the jobs of a study would measure."""

    resolved: Resolved
    jobs: list[Job]
    harm: Mapping[str, float]
    stack: float = 0.05
    """What a language's own adapter does to its rate of right answers."""
    others: float = -0.02
    """What another language's does."""

    def evaluate(self, job: Job, cell: Cell) -> Evaluation:
        """Right where a number that all conditions share, with some noise, is below the rate."""
        shared = np.random.default_rng(int(digest([cell.task, cell.target])[:8], 16))
        words = shared.integers(3, 12, EXAMPLES)
        rate, beneath = 0.6, names(job)
        if beneath:
            rate += self.stack if cell.target in beneath else self.others
            if len(beneath) > 1:
                rate += sum(self.harm.get(x, 0.0) for x in beneath if x != cell.target)
        own = np.random.default_rng(int(digest([job.condition_key, cell.target])[:8], 16))
        each = shared.random(words.sum()) + own.normal(0, 0.03, words.sum()) < rate
        right = np.add.reduceat(each.astype(np.int32), words.cumsum() - words)
        extra = {"held_out_before": 3.0, "held_out_after": 2.0 + own.random(), "adapter_steps": 40.0}
        alone = job.probe == "stacking" and "random" not in beneath
        counts = np.stack([right, words], axis=1).astype(np.int32)
        return Evaluation(cell, counts, extra=extra if alone else {})

    def score(self, job: Job, target: str) -> float:
        """In points, from the counts alone."""
        (cell,) = [c for c in job.cells if c.target == target]
        total = self.evaluate(job, cell).counts.sum(axis=0)
        return float(100 * total[0] / total[1])

    def chosen(self, task: str, *beneath: str, mix: str = "single", where: Any = None) -> list[Job]:
        """Jobs of these adapters, a seed each; `where` looks at what is under the task adapter."""
        found = [x for x in self.jobs if x.cells[0].task == task and names(x) == beneath]
        found = [x for x in found if not beneath or mix_of(x) == mix]
        return [x for x in found if where is None or where(x.condition["under"])]

    def mean(self, target: str, task: str, *beneath: str, mix: str = "single", where: Any = None) -> float:
        """Mean score over seeds."""
        jobs = self.chosen(task, *beneath, mix=mix, where=where)
        return float(np.mean([self.score(x, target) for x in jobs]))

    def records(
        self,
        missing: Callable[[Job, Cell], bool] = lambda job, cell: False,
        failures: Mapping[str, str] | None = None,
    ) -> Records:
        """All records but for those that `missing` chooses."""
        found = [
            Record(job.probe, job.probe_version, job.condition, job.condition_key, self.evaluate(job, cell))
            for job in self.jobs
            for cell in job.cells
            if not missing(job, cell)
        ]
        return Records(
            records=tuple(found),
            expected=tuple(self.jobs),
            failures=dict(failures or {}),
            study=as_json(self.resolved.study),
            metrics={name: x.metric for name, x in self.resolved.tasks.items()},
            languages=self.resolved.languages,
            seen=dict.fromkeys(CODES, True),
        )


def drawn(resolved: Resolved, *probes: Any, **others: Any) -> Drawn:
    """The jobs of the probes, each once, with their scores."""
    jobs: dict[str, Job] = {}
    for probe in probes or (Interference(),):
        for job in probe.jobs(resolved):
            jobs.setdefault(job.condition_key, job)
    return Drawn(resolved, list(jobs.values()), others.pop("harm", HARM), **others)
