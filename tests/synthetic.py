"""A made-up transfer study with a known truth, for tests of results, scores and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from xlbench.contracts import Cell, Cost, Distance, Evaluation, Job, Language, Metric, Record, Records
from xlbench.contracts.mixture import shares
from xlbench.results import Store

NAMES = ("Ama", "Bel", "Cyr", "Dun", "Esk", "Fal", "Gor", "Hul", "Ister", "Jom", "Kel", "Lun")
CODES = tuple(f"qa{letter}" for letter in "abcdefghijkl")
PROVENANCE: dict[str, Any] = {
    "plugins": {"probe transfer": "transfer (xlbench 0.1.0)", "task pos": "pos (xlbench 0.1.0)"},
    "model": {"name": "tiny", "plugin": None},
    "data": {"pos": {"source": "made up", "plugin": "artificial (xlbench 0.1.0)"}},
    "versions": {"torch": "2.13.0", "transformers": "4.57.6"},
    "device": "cpu",
    "hardware": {"processor": "A processor", "cores": 4, "threads": 2},
    "seconds": {"finetune": 2.0, "evaluate": 0.5},
}


def _accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    total = sums[..., 1]
    return 100 * np.divide(sums[..., 0], total, out=np.zeros_like(total), where=total > 0)


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    both = sums[..., 1] + sums[..., 2]
    return 100 * np.divide(2 * sums[..., 0], both, out=np.zeros_like(both), where=both > 0)


ACCURACY = Metric("accuracy", ("correct", "total"), lambda gold, found: (0, 0), _accuracy)
F1 = Metric("span F1", ("right", "predicted", "gold"), lambda gold, found: (0, 0, 0), _f1)
METRICS = {"pos": ACCURACY, "ner": F1}


def distance(one: str, other: str) -> float:
    """A known distance: how far apart the letters are."""
    return abs(ord(one[2]) - ord(other[2])) / 10


def _place(text: str) -> int:
    """A number of its own for every text."""
    return CODES.index(text) if text in CODES else int.from_bytes(text.encode()) % 10**9


@dataclass
class Synthetic:
    """Jobs of a study and what they would measure. The effect of f on g at k steps is, in points,
    `strength` x log10(10 k) x (0.5 - distance); shuffled text has none."""

    transfer: tuple[str, ...] = CODES[:4]
    targets: tuple[str, ...] = CODES[2:8]
    steps: tuple[int, ...] = (1, 100)
    seeds: tuple[int, ...] = (0, 1, 2)
    tasks: tuple[str, ...] = ("pos",)
    controls: tuple[str, ...] = ("target", "reference", "shuffled")
    reference: str = CODES[11]
    examples: int = 60
    strength: float = 5.0
    adapters: tuple[int, ...] = (0,)
    """Seeds of the task adapter; each shifts all scores, and each effect by something of its own."""
    model: str = "tiny"
    synergy: float = 0.0
    """What texts of several languages have beyond the mean of their languages, as if it were nearness."""
    losses: bool = False
    """Whether evaluations have a task loss: (1.5 - rate of right words) nats per word, or so."""
    study: dict[str, Any] = field(init=False)
    jobs: list[Job] = field(init=False, default_factory=list)
    languages: dict[str, Language] = field(init=False)
    seen: dict[str, bool | None] = field(init=False)
    distances: tuple[Distance, ...] = field(init=False)
    measured: dict[tuple[str, Cell], Evaluation] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.study = {
            "model": self.model,
            "probes": ["zero-shot", "transfer"],
            "tasks": list(self.tasks),
            "transfer": list(self.transfer),
            "targets": list(self.targets),
            "train_languages": [CODES[0], CODES[1]],
            "steps": list(self.steps),
            "seeds": list(self.seeds),
            "controls": list(self.controls),
            "reference": self.reference,
            "limit": None,
            "data": {task: ["artificial"] for task in self.tasks},
        }
        self.languages = {
            code: Language(code, name, "Made-up", "Made-up", "Latn")
            for code, name in zip(CODES, NAMES, strict=True)
        }
        self.seen = {code: i < 5 for i, code in enumerate(CODES)}
        table = {(a, b): distance(a, b) for a in CODES for b in CODES}
        self.distances = (Distance("letters", "letters between the codes, in tens", table),)
        for task in self.tasks:
            for adapter in self.adapters:
                self._plan(task, adapter)

    @property
    def weights(self) -> str:
        """Fingerprint of the model."""
        return "abc" if self.model == "tiny" else self.model

    def cell(self, task: str, target: str) -> Cell:
        return Cell(task, target, f"data of {task} {target}")

    def evaluate(self, job: Job) -> list[Evaluation]:
        """The same for the same condition and cell, whatever job they are in."""
        for cell in job.cells:
            if (job.condition_key, cell) not in self.measured:
                self.measured[job.condition_key, cell] = self._evaluation(job.condition, cell)
        return [self.measured[job.condition_key, cell] for cell in job.cells]

    def records(
        self,
        missing: Callable[[Job, Cell], bool] = lambda job, cell: False,
        failures: Mapping[str, str] | None = None,
        **others: Any,
    ) -> Records:
        """All records, but for those that `missing` chooses."""
        found = [
            Record(job.probe, job.probe_version, job.condition, job.condition_key, evaluation)
            for job in self.jobs
            for evaluation in self.evaluate(job)
            if not missing(job, evaluation.cell)
        ]
        facts = {
            "records": tuple(found),
            "expected": tuple(self.jobs),
            "failures": dict(failures or {}),
            "study": self.study,
            "metrics": {task: METRICS[task] for task in self.tasks},
            "languages": self.languages,
            "seen": self.seen,
            "distances": self.distances,
        }
        return Records(**{**facts, **others})

    def described(self) -> dict[str, Any]:
        """What `xlbench.results.describe` would give."""
        return {
            "model": {
                "name": self.model,
                "checkpoint": self.model,
                "revision": None,
                "fingerprint": self.weights,
            },
            "tasks": {task: {"metric": METRICS[task].name, "source": "made up"} for task in self.tasks},
            "text": {"source": "made up"},
            "languages": {
                code: {
                    "code": code,
                    "name": x.name,
                    "family": "Made-up",
                    "genus": "Made-up",
                    "script": "Latn",
                }
                for code, x in self.languages.items()
            },
            "seen": self.seen,
            "distances": [
                {"name": d.name, "summary": d.summary, "table": [[a, b, x] for (a, b), x in d.table.items()]}
                for d in self.distances
            ],
        }

    def _plan(self, task: str, adapter_seed: int = 0) -> None:
        adapter = {"task": task, "model": self.weights, "seed": adapter_seed}
        cells = tuple(self.cell(task, target) for target in self.targets)
        zero = Job("zero-shot", 1, {"model": self.weights, "adapter": adapter}, cells, f"zero-shot, {task}")
        self.jobs.append(zero)
        runs = [(text, "plain", cells) for text in self.transfer]
        if "reference" in self.controls and self.reference not in self.transfer:
            runs.append((self.reference, "plain", cells))
        if "target" in self.controls:
            own = [x for x in self.targets if x not in (*self.transfer, self.reference)]
            runs += [(target, "plain", (self.cell(task, target),)) for target in own]
        if "shuffled" in self.controls:
            runs += [(text, "shuffled", cells) for text in self.transfer]
        for text, variant, some in runs:
            for k in self.steps:
                for seed in self.seeds:
                    self.jobs.append(self._job(task, adapter, text, variant, k, seed, some))

    def _job(
        self,
        task: str,
        adapter: dict[str, Any],
        text: str,
        variant: str,
        k: int,
        seed: int,
        cells: Sequence[Cell],
    ) -> Job:
        condition = {
            "model": self.weights,
            "adapter": adapter,
            "text": {"language": text, "text": f"text of {text}", "batch_size": 8},
            "variant": variant,
            "steps": k,
            "seed": seed,
        }
        label = f"{text}{' shuffled' * (variant != 'plain')}, {k} steps, seed {seed}, {task}"
        cost = Cost(finetune_tokens=k * 1000, evaluate_examples=self.examples * len(cells))
        return Job("transfer", 1, condition, tuple(cells), label, cost)

    def _evaluation(self, condition: Mapping[str, Any], cell: Cell) -> Evaluation:
        """Words are right where a draw that all conditions share falls below the condition's rate."""
        column = CODES.index(cell.target)
        rng = np.random.default_rng(column)
        words = rng.integers(3, 15, self.examples)
        rate = 0.4 + 0.03 * column
        jitter = np.zeros(self.examples)
        own = condition["adapter"].get("seed")
        if own:
            rate += np.random.default_rng(own).normal(0, 0.05)
        if "steps" in condition:
            text = condition["text"]["language"]
            if own:
                rate += np.random.default_rng([own, _place(text)]).normal(0, 0.02)
            near = sum(x * (0.5 - distance(f, cell.target)) for f, x in shares(text).items())
            near += self.synergy if "+" in text else 0.0
            if condition["variant"] == "plain":
                rate += self.strength / 100 * np.log10(10 * condition["steps"]) * near
            noise = np.random.default_rng([condition["seed"], condition["steps"], _place(text), column])
            jitter = noise.normal(0, 0.05, self.examples)
        right = np.array([(rng.random(n) < rate + j).sum() for n, j in zip(words, jitter, strict=True)])
        if cell.task == "ner":
            gold = np.maximum(words // 3, 1)
            found = np.minimum(right // 3, gold)
            counts = np.stack([found, np.maximum(found, words // 4), gold], axis=1)
        else:
            counts = np.stack([right, words], axis=1)
        extra = {} if "steps" in condition else {"majority": 30.0 + column}
        nats = (
            words * (1.5 - rate - jitter / 10) * np.random.default_rng(column).uniform(0.5, 1.5, len(words))
        )
        loss = np.stack([nats, words], axis=1).astype(np.float32) if self.losses else None
        return Evaluation(cell, counts.astype(np.int32), truncated=column % 3, extra=extra, loss=loss)


def write_all(path: Path, study: Synthetic) -> None:
    """Store a study; stands here so that other processes can import it."""
    store = Store(path)
    store.prepare()
    for job in study.jobs:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    store.save_study(study.study, study.jobs, study.described())


def unsealed(path: Path, **columns: object) -> None:
    """Write a file again as an earlier xlbench did: without a checksum, some columns changed."""
    table = pq.read_table(path)
    facts = {k: v for k, v in table.schema.metadata.items() if k != b"content"}
    for name, value in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(value, table.schema.field(name).type))
    pq.write_table(table.replace_schema_metadata(facts), path)


def wide(
    transfer: int = 38,
    targets: int = 125,
    steps: Sequence[int] = (1, 10, 100),
    examples: int = 40,
    seeds: Sequence[int] = (0,),
) -> Records:
    """Records of a study as wide as the paper's, zero-shot and transfer on `pos`; made fast."""
    codes = [f"q{b}{c}" for b in "abcdefghijklmnopqrst" for c in "abcdefghijklmnopqrstuvwxyz"][:targets]
    rng = np.random.default_rng(0)
    total = np.full(examples, 10)
    cells = tuple(Cell("pos", code, f"data of {code}") for code in codes)
    zero = Job("zero-shot", 1, {"adapter": {"task": "pos"}}, cells, "zero-shot, pos")
    jobs = [zero]
    for code in codes[:transfer]:
        for k, seed in ((k, seed) for k in steps for seed in seeds):
            text = {"language": code, "text": f"text of {code}"}
            condition: dict[str, Any] = {"text": text, "variant": "plain", "steps": k, "seed": seed}
            jobs.append(Job("transfer", 1, condition, cells, f"{code}, {k} steps, seed {seed}, pos"))
    groups = rng.integers(0, 6, targets)
    records = []
    for job in jobs:
        text = job.condition.get("text")
        donor = codes.index(text["language"]) if isinstance(text, dict) else None
        k = int(job.condition.get("steps", 0))  # type: ignore[call-overload]
        for column, cell in enumerate(cells):
            near = 0.0 if donor is None else 0.04 if groups[donor] == groups[column] else -0.02
            rate = 0.6 + 0.002 * (column % 50) + near * np.log10(1 + k)
            right = rng.binomial(total, rate)
            evaluation = Evaluation(cell, np.stack([right, total], axis=1).astype(np.int32))
            records.append(Record(job.probe, 1, job.condition, job.condition_key, evaluation))
    return Records(
        tuple(records),
        tuple(jobs),
        {},
        {"transfer": codes[:transfer], "targets": codes, "seeds": [*seeds], "controls": []},
        {"pos": ACCURACY},
        {
            code: Language(code, f"Language {i}", f"Family {groups[i]}", f"Genus {groups[i]}", "Latn")
            for i, code in enumerate(codes)
        },
        {code: i % 3 > 0 for i, code in enumerate(codes)},
    )
