"""A study with everything that it names looked up: what jobs are made of, and their identities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from xlbench.contracts import mixture
from xlbench.contracts.adapter import (
    AdapterOrder,
    Beneath,
    GivenAdapter,
    LanguageTraining,
)
from xlbench.contracts.cell import Cell, Json, digest
from xlbench.contracts.method import Method
from xlbench.contracts.sampling import DRAW, drawn, is_drawn, limited, shares
from xlbench.contracts.study import FinetuningSettings, ReadOut, Retraining, Study
from xlbench.contracts.study_adapters import StudyAdapters, adapters_of, settings_in
from xlbench.contracts.task import AdapterTraining
from xlbench.contracts.texts import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlbench.contracts.data import Split, TaskData, Text
    from xlbench.contracts.examples import Example
    from xlbench.contracts.kind import KindOfTask
    from xlbench.contracts.language import Distance, Language
    from xlbench.contracts.model import BaseModel
    from xlbench.contracts.objective import Family
    from xlbench.contracts.task import Task


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Data of one language that a study does without."""

    what: Literal["test", "train", "text"]
    language: str
    reason: str
    """One line."""
    task: str = ""
    """Of test data."""

    def __str__(self) -> str:
        name = {"test": f"{self.task} in", "train": "training data of", "text": "text of"}[self.what]
        return f"{name} {self.language}: {self.reason}"


class Setting(NamedTuple):
    """A setting that is not the project's default, and who set it."""

    group: str
    """What it is a setting of: "task adapter", "fine-tuning", a probe's name."""
    key: str
    value: Any
    source: str
    """"the study", "task nli" or "model tiny"."""
    tasks: tuple[str, ...] = ()
    """For which it holds, of a setting by task."""

    def __str__(self) -> str:
        value = self.value
        shown = re.sub(r"e-0+", "e-", f"{value:g}") if isinstance(value, float) else str(value)
        of = f" for {', '.join(self.tasks)}" if self.tasks else ""
        return f"{self.group}: {self.key.replace('_', ' ')} {shown}{of} ({self.source})"


@dataclass(frozen=True)
class Resolved(StudyAdapters):
    """A study with every name looked up, every language checked and every revision known."""

    study: Study
    """With all defaults filled in."""
    model: BaseModel
    model_fingerprint: str
    """Changes whenever the weights, configuration or tokenizer do, or the precision of its arithmetic."""
    tasks: Mapping[str, Task]
    data: Mapping[str, TaskData]
    """By task."""
    training: Mapping[str, AdapterTraining]
    """By task that has an adapter, the study's overrides applied; where the adapter is another task's, that
    one's."""
    mlm: FinetuningSettings
    corpus: Text
    languages: Mapping[str, Language]
    language_training: LanguageTraining = field(default_factory=LanguageTraining)
    retraining: Retraining = field(default_factory=Retraining)
    given: Mapping[str, GivenAdapter] = field(default_factory=dict)
    """Language adapters that came with the study, by language."""
    method: Method = field(default_factory=Method)
    """The kinds of task, objectives, adapters, compositions and text treatments that the study may name."""
    family: Family = "encoder"
    """How the model reads, which says which objective is its own."""
    word_tokens: int = 1
    """Version of how given words become tokens; 1 where the model's tokenizer cuts them as it always has."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """By probe, of those asked for: an instance of its `Probe.settings`."""
    unread: tuple[str, ...] = ()
    """Options that say something of the study that none of its probes reads (`Selective`)."""
    unasked: frozenset[str] = frozenset()
    """Probes that only the defaults name: left out, not refused, where the study makes no sense for them."""
    distances: tuple[Distance, ...] = ()
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By task: the study's targets that have test data."""
    borrowed: Mapping[str, tuple[Task, TaskData]] = field(default_factory=dict)
    """By task that is scored with another task's adapter: that task, and the data it is trained on."""
    unavailable: tuple[Unavailable, ...] = ()
    """What the study skips."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """By task: the plugin that registers it, for messages."""
    domains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By task, or `text`, and language: where its test data, or its text, come from, as far as is known."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """What tells third parties' plugins from others with the same names and versions: their distribution, or
    the digest of their file; part of every identity that depends on them. By "task TASK", "data TASK" (test
    data), "train TASK" (what its adapter is trained on) and "text"; nothing for what is built in."""
    limits: Mapping[str, int | None] = field(default_factory=dict)
    """By task: test examples per target at most; a task that is not there has the study's limit."""
    remarks: tuple[str, ...] = ()
    """What is unusual in the data that were read, one line each, for `xlbench plan` to show."""
    in_force: tuple[Setting, ...] = ()
    """Settings that are not the project's defaults, and who set them; empty where the study was filled in
    before."""
    _sizes: dict[tuple[str, str, str], int] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def kind(self, task: Task) -> KindOfTask:
        """The kind of a task of the study."""
        return self.method.kinds[task.kind]

    def has_adapter(self, task: str) -> bool:
        """Whether a task adapter is trained for a task; otherwise the pretrained model is scored as it is."""
        return task in self.training

    @property
    def adapted_tasks(self) -> tuple[str, ...]:
        """The study's tasks that have an adapter, in order."""
        return tuple(x for x in self.tasks if self.has_adapter(x))

    def train_languages(self, task: str) -> tuple[str, ...]:
        """Languages that the adapter of a task is trained on; none where it has no adapter."""
        return self.study.train_languages if self.has_adapter(task) else ()

    def adapter_task(self, task: str) -> Task:
        """The task whose adapter and head a task is scored with: itself, or what `Task.adapter` names."""
        return self.borrowed[task][0] if task in self.borrowed else self.tasks[task]

    def limit(self, task: str) -> int | None:
        """Test examples per target of a task at most; None is all."""
        return self.limits.get(task, self.study.limit)

    def examples(self, task: str, language: str, split: Split) -> Sequence[Example]:
        """The examples that the study uses of a split, in file order; for "train", of the data that the
        task's adapter is trained on. Raises DataError.
        """
        if split != "train":
            return limited(self.data[task], language, split, self.limit(task))
        how = self.training[task]
        found = limited(self._training_data(task), language, split, how.limit)
        if how.examples is None:
            return found
        return drawn(found, self.size(task, language, split), how.seed, language)

    def size(self, task: str, language: str, split: Split) -> int:
        """Number of examples that the study uses of a split. Reads the data, once, so that a malformed
        file is found while planning; raises DataError then.
        """
        if split != "train" or self.training[task].examples is None:
            return self.available(task, language, split)
        how, languages = self.training[task], self.study.train_languages
        sizes = {x: self.available(task, x, split) for x in languages}
        return shares(sizes, how.examples, how.temperature)[language]

    def available(self, task: str, language: str, split: Split) -> int:
        """Number of examples that the study could use: of training data, before they are shared out."""
        train = split == "train"
        key = (self.adapter_task(task).name if train else task, language, split)
        if key not in self._sizes:
            self._sizes[key] = len(self.usable(task, language, split))
        return self._sizes[key]

    def usable(self, task: str, language: str, split: Split) -> Sequence[Example]:
        """The examples that the study could use: of training data, before they are shared out. Reads the
        data; raises DataError.
        """
        data, limit = self.source(task, split)
        found = limited(data, language, split, limit)
        name = self.adapter_task(task).name if split == "train" else task
        self._sizes[name, language, split] = len(found)
        return found

    def source(self, task: str, split: Split) -> tuple[TaskData, int | None]:
        """The data that a split of a task comes from, and how many examples of a language are used at
        most.
        """
        if split == "train":
            return self._training_data(task), self.training[task].limit
        return self.data[task], self.limit(task)

    def with_training(self, training: Mapping[str, AdapterTraining]) -> Resolved:
        """The same study with the adapters of some tasks trained otherwise, on the same data."""
        found = replace(self, training={**self.training, **training})
        if all(found.training[x].limit == self.training[x].limit for x in training):
            found._sizes.update(self._sizes)
        return found

    def read(self, reading: ReadOut, adapter_seed: int | None = None) -> Resolved:
        """The study with the task adapters that a reading has, of one seed (None: the study's first)."""
        few, further = self.retraining.examples, self.retraining.warm_start_steps
        training = dict(self.training)
        if reading == "retrained" and few is not None:
            training = {x: replace(y, examples=min(few, y.examples or few)) for x, y in training.items()}
        if reading == "retrained" and further is not None:
            training = {x: replace(y, warm_start_steps=further) for x, y in training.items()}
        if adapter_seed is not None:
            training = {x: replace(y, seed=adapter_seed) for x, y in training.items()}
        return self if training == self.training else self.with_training(training)

    @property
    def adapter_seeds(self) -> tuple[int | None, ...]:
        """Seeds of task adapters; None is the one of `adapter.seed`, where the study names no others."""
        return self.study.adapter_seeds or (None,)

    def adapter_training(self, identity: Mapping[str, Any]) -> AdapterTraining | None:
        """How the adapter of this identity is trained; None for a task without one."""
        given = settings_in(identity, AdapterTraining)
        if over := identity.get("over"):
            given["over"] = Beneath(adapters_of(over), over.get("invertible", True))
        return AdapterTraining(**given) if given else None

    def _training_data(self, task: str) -> TaskData:
        return self.borrowed[task][1] if task in self.borrowed else self.data[task]

    def with_transfer(self, languages: tuple[str, ...]) -> Resolved:
        """The same study with other transfer languages, which it knows already."""
        kept = {*languages, *self.study.beneath}
        given = {k: v for k, v in self.study.language_adapters.items() if k in kept}
        found = replace(self, study=replace(self.study, transfer=languages, language_adapters=given))
        found._sizes.update(self._sizes)
        return found

    def cells(self, task: str) -> tuple[Cell, ...]:
        """The cells of a task: one for each of its targets."""
        data, limit = self.data[task], self.limit(task)
        more = f"-draw{DRAW}" if is_drawn(data, limit) else ""
        more += "".join(f" of {x}" for x in self._origin(f"task {task}", f"data {task}").values())
        more += "".join(f", {k} {x}" for k, x in self.method.identity("kind", self.tasks[task].kind).items())
        return tuple(Cell(task, x, told(data, x, "test") + more, limit) for x in self.targets[task])

    def passes(self, cells: Iterable[Cell]) -> int:
        """Passes of the model over the test examples of cells, for estimates."""
        return sum(self.size(c.task, c.target, "test") * self.tasks[c.task].passes for c in cells)

    def seen(self, text: str) -> bool | None:
        """Whether the model was pretrained on a language, or on all those of a text; None where that is not
        known, or true of some only.
        """
        listed = self.model.pretraining_languages
        if listed is None:
            return None
        found = {x in listed for x in mixture.languages(text)}
        return found.pop() if len(found) == 1 else None

    def adapter_identity(self, task: str) -> dict[str, Json]:
        """Everything that can change the task adapter of `task`; of a task without one, what else changes
        how it is read.
        """
        made: dict[str, Json] = {}
        if not self.has_adapter(task):
            one = self.tasks[task]
            made = {"task": one.name, "task_version": one.version, "max_length": one.max_length}
            return made | self._origin(f"task {task}") | self.method.identity("kind", one.kind)
        one, how, data = self.adapter_task(task), self.training[task], self._training_data(task)
        made |= {
            "model": self.model_fingerprint,
            "task": one.name,
            "task_version": one.version,
            "labels": list(one.labels),
            "max_length": one.max_length,
            "train": {x: told(data, x, "train") for x in self.study.train_languages},
            **self._said(how),
            **self._origin(f"task {one.name}", f"train {task}"),
            **self.method.identity("kind", one.kind),
        }
        if is_drawn(data, how.limit):
            made["draw"] = DRAW
        if self.word_tokens > 1 and self.kind(one).of_words:
            made["word_tokens"] = self.word_tokens
        if how.over is not None:
            made["over"] = self._beneath_identity(how.over.adapters, how.over.invertible)
        return made

    def ordered(
        self,
        order: AdapterOrder,
        seed: int,
        training: LanguageTraining | None = None,
        *,
        invertible: bool = True,
    ) -> Resolved:
        """The study with its task adapters trained in an order; not plain, over language adapters of this
        seed and training (None: the study's own).
        """
        if order == "plain":
            return self
        adapters = tuple(self.language_adapter(x, seed, training) for x in self.study.train_languages)
        over = Beneath(adapters, invertible)
        return self.with_training({x: replace(how, over=over) for x, how in self.training.items()})

    def task_adapter_name(self, task: str) -> str:
        """Of the folder that keeps the task adapter."""
        return f"{self.adapter_task(task).name}-{digest(self.adapter_identity(task))[:16]}"
