"""What a probe is: the jobs it needs, how one is done, and the records that its pages are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from xlbench.contracts.cell import Cell, Json, digest
from xlbench.contracts.condition import Condition
from xlbench.contracts.work import NO_WORK, Cost

if TYPE_CHECKING:
    from xlbench.contracts import allowed
    from xlbench.contracts.data import TextFacts
    from xlbench.contracts.kind import Level
    from xlbench.contracts.lab import Lab
    from xlbench.contracts.language import Distance, Language
    from xlbench.contracts.metric import Counts, Loss, Metric
    from xlbench.contracts.model import PretrainingSizes
    from xlbench.contracts.page import Page
    from xlbench.contracts.published import Published
    from xlbench.contracts.resolved import Resolved
    from xlbench.contracts.subwords import Subwords

IDENTITY_VERSION = 1
"""Raised when the way identities are computed changes, so that old files are not taken for new ones."""


@dataclass(frozen=True)
class Job:
    """A unit of work: one condition of the model, scored on some cells.

    `identity` names its result file. It is two digests, `condition-cells`, so that when a study
    grows by a target only the new cells run: cells of a condition that are stored already, in
    whatever file, are taken out of the job by the planner.
    """

    probe: str
    probe_version: int
    condition: Mapping[str, Json]
    """Everything, cells apart, that can change the numbers; nothing that cannot. Plain data, as it is stored:
    `Condition.as_json`, or a table of the probe's own."""
    cells: tuple[Cell, ...]
    label: str
    """For people, one short line: "deu, 100 steps, seed 2, ner"."""
    cost: Cost = NO_WORK
    shares: Mapping[str, Cost] = field(default_factory=dict)
    """Work that several jobs share, by name: charged to the first of them that is to be run, and not at all
    where the results keep an adapter of that name. Never part of the identity."""
    group: str = ""
    """Jobs of one group share a state of the model (one finetuning, say): an executor does best to give
    them to one worker, one after the other. Never part of the identity."""
    needs: tuple[str, ...] = ()
    """Condition keys of jobs without which this one is pointless; the planner puts them first."""
    keeps: Mapping[str, int] = field(default_factory=dict)
    """What it keeps on disk for later jobs as large as the model, by name: bytes for each of its weights, at
    most. For estimates; never part of the identity."""
    round: int = 0
    """When an adaptive study runs it: before each round but the first, its probe is asked what of it
    is worth running still (`Adapts`). What a job needs is in no later round. Never part of the identity."""

    @cached_property
    def typed(self) -> Condition:
        """The condition as a value."""
        return Condition.read(self.condition)

    @cached_property
    def condition_key(self) -> str:
        """Digest of the condition, the probe and its version."""
        return digest(
            {
                "identity_version": IDENTITY_VERSION,
                "probe": self.probe,
                "probe_version": self.probe_version,
                "condition": dict(self.condition),
            }
        )

    @cached_property
    def identity(self) -> str:
        """Name of the result file, without ending: 40 hexadecimal digits, a hyphen, 12 more."""
        return f"{self.condition_key}-{digest([c.as_json() for c in self.cells])[:12]}"


def merged(jobs: Iterable[Job]) -> list[Job]:
    """One job per condition, in the order of the first that asks for it, with the cells of all that do: tasks
    that share an adapter are conditions alike, and differ in their cells.
    """
    found: dict[str, Job] = {}
    for job in jobs:
        other = found.setdefault(job.condition_key, job)
        if other.cells != job.cells or other.round != job.round:
            new = tuple(x for x in job.cells if x not in other.cells)
            more = job.cost.evaluate_examples * len(new) // len(job.cells)
            cost = replace(other.cost, evaluate_examples=other.cost.evaluate_examples + more)
            found[job.condition_key] = replace(
                other, cells=other.cells + new, cost=cost, round=min(other.round, job.round)
            )
    return list(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What was predicted of each example of a cell, in file order, as the metric got it."""

    gold: Sequence[Any]
    predicted: Sequence[Any]
    correct: Sequence[bool] | None = None
    """Of each example; None where only the metric can say (`KindOfTask.exact`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What one job measured on one cell."""

    cell: Cell
    counts: Counts
    """Of shape (0, 0) where nothing was predicted: then only `extra` is known, and there is no score."""
    truncated: int = 0
    """Words (or, for a classification, examples) that were cut off."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """Further numbers, such as `majority`, the points of the majority baseline."""
    loss: Loss | None = None
    """Task loss of each example; None where the kind of task has none, or an earlier xlbench stored none."""
    predictions: Predictions | None = None
    """Where they were to be kept (`--keep-predictions`); read again only to be exported."""

    @property
    def is_scored(self) -> bool:
        """Whether there are counts, hence a score."""
        return self.counts.size > 0


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A stored evaluation, with the condition under which it was made."""

    probe: str
    probe_version: int
    condition: Mapping[str, Json]
    condition_key: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Records:
    """What a probe's tables are made from: all records of one study, and what is missing.

    `expected` lists what the study planned, so that a mean is never taken over what is left.
    """

    records: tuple[Record, ...]
    expected: tuple[Job, ...]
    failures: Mapping[str, str]
    """Condition key of a failed job to its one-line error."""
    study: Mapping[str, Json]
    """The study, all defaults filled in, as plain data."""
    metrics: Mapping[str, Metric]
    """By task."""
    languages: Mapping[str, Language]
    seen: Mapping[str, bool | None]
    """By language: in the model's pretraining or not."""
    distances: tuple[Distance, ...] = ()
    texts: Mapping[str, TextFacts] = field(default_factory=dict)
    """By transfer language: the text that it was finetuned on, where that is stored."""
    domains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By task and target: where its test data come from, where that is known."""
    dropped: Mapping[tuple[str, Cell], str] = field(default_factory=dict)
    """Of an adaptive study, by condition key and cell: evaluations that it does without, and why, in a word
    of the probe's. They are none of `expected`."""
    parallel: Mapping[str, bool] = field(default_factory=dict)
    """By task: whether the test rows of its targets are translations of each other, where that is stored."""
    subwords: Mapping[str, Subwords] = field(default_factory=dict)
    """By task: what the tokenizer makes of the languages, where that is stored."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    """By task that labels tokens or whole sentences: which of them, where that is stored."""
    family: str = "encoder"
    """How the model reads (`contracts.Family`); earlier versions knew encoders alone."""
    sizes: PretrainingSizes | None = None
    """How much text of each language the model was pretrained on, where that is known and stored."""
    adapters: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: FIRST_ADAPTERS)
    """By kind of language adapter: its settings of shape, with their defaults."""
    compositions: Mapping[str, str] = field(default_factory=dict)
    """By composition of language adapters: what it is, in a line, where that is stored."""


FIRST_ADAPTERS: Mapping[str, Mapping[str, int]] = {
    "seq_bn": {"reduction_factor": 16},
    "seq_bn_inv": {"reduction_factor": 2},
}
"""The kinds of adapter that results are of which do not say their kinds' settings."""


@runtime_checkable
class Probe(Protocol):
    """A way of asking a model about languages. The core does planning, storing, resuming and reporting."""

    name: allowed.OptionName
    version: int
    """Raised whenever the same job would give other numbers; part of every identity."""
    summary: str

    @property
    def settings(self) -> type[Any] | None:
        """What a study may set for this probe (`--option PROBE.KEY=VALUE`): a frozen dataclass whose fields
        all have defaults, of the types int, float, str, bool, Literal, None beside one of them, or a tuple
        of one. `resolved.settings[name]` is an instance. Its `__post_init__` may raise ValueError, one line.
        None: there is nothing to set. A class attribute will do.
        """

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Every job that the study needs of this probe. Jobs of other probes may be among them (the
        `zero-shot` baselines, say): each is done by the probe that it names. Imports no torch.
        Raises StudyError where the study makes no sense for this probe.
        """

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Do one job: an evaluation for each of its cells, in order.
        Raises JobError where this job's numbers cannot be obtained.
        """

    def pages(self, records: Records) -> Sequence[Page]:
        """What the records say: one page per task, and one per question that is asked of all of them."""


@runtime_checkable
class Selective(Protocol):
    """A probe that reads only some of what a study may say; any other is taken to read all of it.

    Text is looked up, checked and cleaned only where a probe of the study reads `transfer`, and that of
    controls where one reads `controls`. What it reads may be said as a setting of it, too:
    `--option PROBE.steps=1,10`.
    """

    @property
    def reads(self) -> frozenset[allowed.ReadBySome]:
        """Fields of the study that only some probes read, and this one does. A class attribute will do."""


@runtime_checkable
class Recommends(Protocol):
    """A probe that can say which language to take for a target (`xlbench recommend`)."""

    def recommend(self, records: Records, task: str, target: str) -> Page:
        """What it comes to for a target, ISO 639-3, that may be none of the study's; `records` then has what
        the plugins know of it. Raises ResultsError with what is missing.
        """


@runtime_checkable
class RecommendsSets(Protocol):
    """A probe that can say which sets of languages to take for a target (`xlbench recommend --set 3`)."""

    def recommend_sets(self, records: Records, task: str, target: str, size: int) -> Page:
        """As `Recommends.recommend`, of sets of `size` languages whose texts are mixed in equal shares, and
        what trying them costs.
        """


@runtime_checkable
class Compares(Protocol):
    """A probe that can say what is different in a second study (`xlbench compare`)."""

    def compare(self, one: Records, other: Records) -> Sequence[Page]:
        """A page a task that both have; none where nothing is in both."""


@runtime_checkable
class Surveys(Protocol):
    """A probe that can put two or more studies side by side (`xlbench compare`): base models, or settings."""

    def survey(self, studies: Mapping[str, Records]) -> Sequence[Page]:
        """A page per task that several have in common, each with a topic; none where nothing is. `studies` is
        by what to call each.
        """


@runtime_checkable
class Imports(Protocol):
    """A probe that takes a matrix that others have published as a study of its own (`xlbench import`)."""

    def imported(self, matrix: Published, task: str, unit: str) -> Sequence[tuple[Job, Sequence[Evaluation]]]:
        """Finished jobs with the scores of the matrix, whose conditions are `Published.condition`."""


@runtime_checkable
class Adapts(Protocol):
    """A probe that can spend seeds where the answer is open (`--adaptive`). Others run in full."""

    def drop(self, records: Records, coming: Sequence[Job]) -> Mapping[tuple[str, Cell], str]:
        """Which cells of `coming`, this probe's jobs of all later rounds, need not be run, by condition key
        and cell, each with the reason, one word or a few. What is dropped stays so.

        `records` are those of the rounds so far, whatever else is stored, less what was dropped before; the
        answer must follow from them and the study alone, so that a study that is stopped goes on as it was.
        """


@runtime_checkable
class Prioritizes(Protocol):
    """A probe that knows, between two rounds of an adaptive study, which of its jobs to run first."""

    def priorities(self, records: Records, coming: Sequence[Job]) -> Mapping[str, float]:
        """How much is open in each of `coming`, this probe's jobs of the next round, by condition key: the
        greatest is run first, with all of its group; what has no number comes last. Empty: as they come.
        `records` are as in `Adapts.drop`.
        """


Rerun: TypeAlias = Literal["missing", "failed", "all"]
Format: TypeAlias = Literal["csv", "parquet", "json", "latex", "markdown", "every-eval-ever"]
"""Of exported results."""
