"""What a task is: labels, a metric, training defaults, and where data comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeAlias

from xlbench.contracts.adapter import FROM_0, Beneath
from xlbench.contracts.identity import LATER, only_where

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import allowed
    from xlbench.contracts.data import TaskData
    from xlbench.contracts.metric import Metric

Labels: TypeAlias = Sequence[str | None]
GOLD_SHARE = "gold."
"""What the name of a further number of an evaluation begins with, of tagging: the label's share of all words
of the gold data, in percent."""
PREDICTED_SHARE = "predicted."
"""The same for the label's share of all words as predicted."""


class Likelihood(NamedTuple):
    """What a language model says of a text."""

    nats: float
    """Minus the natural logarithm of its probability."""
    characters: int
    """Unicode code points that this is the probability of: those not cut off, and not unknown to the
    tokenizer."""
    tokens: int


Arcs: TypeAlias = Sequence[tuple[int, str] | None]
"""Number of a word's head (0 is the root) and relation to it, a word each."""


_OF_EXAMPLES = only_where(lambda how: how.examples is not None)
_NO_SETTING = {"setting": False}
_DERIVED = {**LATER, **_NO_SETTING}
"""Follows from other settings, and is none that a study can say."""


@dataclass(frozen=True, slots=True)
class AdapterTraining:
    """How a task adapter is trained (linear decay without warmup, gradients clipped at 1)."""

    role: ClassVar[Literal["task"]] = "task"
    learning_rate: float = 5e-4
    batch_size: int = 36
    epochs: int = 5
    reduction_factor: int | None = None
    """Hidden size over bottleneck, of kinds of adapter that have one; None: the kind's own (`seq_bn`: 16)."""
    limit: int | None = None
    """Training examples a language at most, drawn as test examples are; None is all. See `limited` in
    `xlbench.contracts.sampling`."""
    examples: int | None = field(default=None, metadata=_OF_EXAMPLES)
    """Training examples of all languages together, drawn with the seed; None is all. See
    `xlbench.contracts.sampling`."""
    temperature: float = field(default=1.0, metadata=_OF_EXAMPLES)
    """How `examples` are shared out: 1 in proportion to what there is, more is more evenly."""
    seed: int = 0
    warm_start_steps: int | None = field(default=None, metadata=_DERIVED)
    """Steps of a second training, on the same data, that goes on from the weights of the first, on what the
    base model's weights are by then. None: there is none. Set by `Retraining`."""
    config: str = field(default="seq_bn", metadata=LATER)
    """A registered kind of adapter (`xlbench list methods`)."""
    rank: int | None = field(default=None, metadata=LATER)
    """Of the matrices that are added to a layer's own, of kinds that have one; None: the kind's own."""
    alpha: int | None = field(default=None, metadata=LATER)
    """What is added is scaled by alpha over rank; None: the kind's own."""
    leave_out: tuple[int, ...] = field(default=(), metadata={**LATER, **FROM_0})
    """Layers that go without the adapter, counted from 0."""
    over: Beneath | None = field(default=None, metadata={**only_where(lambda how: False), **_NO_SETTING})
    """The language adapters beneath while it is trained; None: none. `Resolved.adapter_identity` has their
    identities. Set by `AdapterOrder`."""

    def __post_init__(self) -> None:
        if self.temperature < 1:
            raise ValueError(f"temperature must be at least 1, not {self.temperature}")

    @property
    def first(self) -> AdapterTraining:
        """The training that a warm start goes on from; without one, this training itself."""
        return replace(self, warm_start_steps=None)

    def examples_seen(self, examples: int) -> int:
        """How many of `examples` are seen, repeats counted; after a warm start, in its own steps."""
        if self.warm_start_steps is None:
            return examples * self.epochs
        return self.warm_start_steps * min(self.batch_size, examples)


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `labels` is the closed set that the head predicts: a parser's relations; of spans and
    language models none.
    """

    name: allowed.Name
    version: int
    """Raised whenever the same data would give other scores; part of every identity."""
    summary: str
    kind: allowed.QualifiedName
    """The name of its kind (`KindOfTask`), whichever plugin registers that; "dist/name" where several do."""
    labels: allowed.Labels
    metric: Metric
    training: AdapterTraining | None
    """How its adapter is trained, where the user says nothing else. A model's defaults for all tasks hold
    only where this is `AdapterTraining()`. None: the task has no adapter, since its kind scores the
    model as it is (`KindOfTask.trained`)."""
    max_length: int
    """Longest input in pieces, special tokens included; what is beyond is cut off and counted."""
    default_data: allowed.DataName | None
    """Name of the TaskData used when neither study nor model names one: "wikiann". None: there is none, and a
    study of the task has to name its data (`--data TASK=FOLDER`)."""
    folder: Callable[[Sequence[Path]], TaskData]
    """A reader for `--data TASK=FOLDER`: the set folders or release folders to read.
    Raises DataError for a folder without a set, or two sets of one language."""
    passes: int = 1
    """Passes of the model over each test example, roughly, for estimates."""
    adapter: str | None = None
    """The task whose adapter and head this one is scored with, trained on that task's data; it has the same
    kind and labels, and an adapter of its own. None: the task's own."""
    limit: int | None = None
    """Test examples per target at most, where the user sets no limit; None: the model's default, else all."""
