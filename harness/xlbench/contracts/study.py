"""What to ask: a study, as a value. `xlbench.spec.study` reads one from a file or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from xlbench.contracts.adapter import AdapterOrder  # noqa: TC001 - read with the fields' types
from xlbench.contracts.cell import Json  # noqa: TC001

Control: TypeAlias = Literal["target", "reference", "shuffled"]
ReadOut: TypeAlias = Literal["put-back", "retrained"]
"""How a task is read off a fine-tuned model.

`put-back`: by the task adapter that was trained on the pretrained weights (arXiv 2403.20088). `retrained`: by
one trained anew on the fine-tuned weights, with the same data and seed, which takes out what the first loses
only because vectors have moved beneath it.
"""
Precision: TypeAlias = Literal["float32", "bfloat16"]
Match: TypeAlias = Literal["steps", "tokens", "words", "bytes"]
"""What the steps of all transfer languages have in equal amounts.

`steps`: each step has `MaskedLM.batch_size` chunks, whatever is in them. Otherwise each step has as many
chunks as hold what so many chunks of the reference language hold, on average: in tokens (without special
ones), in words, or in bytes of UTF-8.
"""


@dataclass(frozen=True, slots=True)
class MaskedLM:
    """How a transfer language is finetuned on; defaults are those of arXiv 2403.20088's released code."""

    learning_rate: float = 5e-5
    batch_size: int = 8
    """Chunks in a step."""
    chunk: int = 512
    """Pieces in a chunk, special tokens included; cut to the model's longest input."""
    lines: int = 10_000
    """Lines of text used at most, from the start."""
    mask_probability: float = 0.15
    schedule: Literal["linear", "constant"] = "linear"
    """`linear`: decay to 0 over the steps of the run, no warmup, so every number of steps is a run of its
    own. `constant`: one run passes all numbers of steps, and is scored at each."""

    def __post_init__(self) -> None:
        if self.mask_probability >= 1:
            raise ValueError(f"mask_probability must be below 1, not {self.mask_probability}")


@dataclass(frozen=True, slots=True)
class Retraining:
    """How task adapters of the reading `retrained` differ from those that are put back."""

    examples: int | None = None
    """Training examples of all languages together, drawn with the adapter's seed; None is as many as the
    adapter put back has. The zero-shot score that a gain is measured from has an adapter of as few."""
    warm_start_steps: int | None = None
    """Steps for which the adapter trained on the pretrained model is trained further, from the weights that
    it has; None: an adapter is trained anew, from random weights. The zero-shot score that a gain is measured
    from has that adapter trained further by as many steps on the pretrained model."""


@dataclass(frozen=True, slots=True)
class Study:
    """A question. Empty and None mean "not said": the model's `defaults` fill it, then the paper's."""

    model: str = "tiny"
    """A registered name, a local checkpoint folder, or a hub id."""
    revision: str | None = None
    pretraining_languages: tuple[str, ...] = ()
    """Languages in the model's pretraining, ISO 639-3, where its registration does not say."""
    probes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    transfer: tuple[str, ...] = ()
    """Transfer languages, ISO 639-3."""
    targets: tuple[str, ...] = ()
    """Target languages, ISO 639-3."""
    train_languages: tuple[str, ...] = ()
    """Languages that task adapters are trained on."""
    steps: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    adapter_seeds: tuple[int, ...] = ()
    """Of task adapters: the baseline and every fine-tuned model are scored with each of them. Where not said,
    `xlbench.studies.precedence.adapter_seeds`; empty after that is the one of `adapter.seed`. Probes of
    language adapters take the first."""
    controls: tuple[Control, ...] | None = None
    """Empty is said: no controls."""
    reference: str | None = None
    """Reference language of the control: its text, instead of a transfer language's."""
    readings: tuple[ReadOut, ...] = ()
    """How each fine-tuned model is read; what is compared with one zero-shot score has one reading."""
    adapter_orders: tuple[AdapterOrder, ...] = ()
    """In which orders adapters are trained, for probes that put language adapters beneath a task adapter."""
    data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By task: a registered TaskData's name (`NAME@REVISION` pins one), or folders (globs allowed). By
    `TASK.LANGUAGE`: which of several sets of that language to take, by name (a glob) or folder."""
    text: str | None = None
    """A registered Corpus's name, that of a CorpusFamily's member (`NAME:ARGUMENT`), either with `@REVISION`,
    or a folder of `<iso>.txt`."""
    limit: int | None = None
    """Test examples a target at most, drawn as `xlbench.contracts.sampling.limited` says; None is all."""
    precision: Precision | None = None
    """Arithmetic of the encoder, in training and evaluation; float32 where not said. In bfloat16 the matrix
    products are, the weights stay float32: other numbers, hence other identities."""
    match: Match | None = None
    """What masked-LM fine-tuning gives all languages in equal amounts; None is `steps`."""
    domains: Mapping[str, str] = field(default_factory=dict)
    """Where text (`text`, or `text.LANGUAGE`) and test data (`TASK`, or `TASK.LANGUAGE`) come from, over what
    they say themselves (`HasDomain`); never part of an identity."""
    mlm: Mapping[str, Json] = field(default_factory=dict)
    """Settings of `MaskedLM` that differ from its defaults."""
    adapter: Mapping[str, Json] = field(default_factory=dict)
    """Settings of `AdapterTraining` unlike the task's own: `KEY` for all tasks, `TASK.KEY` for one."""
    retraining: Mapping[str, Json] = field(default_factory=dict)
    """Settings of `Retraining` that differ from its defaults."""
    language_training: Mapping[str, Json] = field(default_factory=dict)
    """Settings of `LanguageTraining` that differ from its defaults."""
    language_adapters: Mapping[str, str] = field(default_factory=dict)
    """By language, ISO 639-3: an adapter to take instead of training one; a folder, a hub id, or that with
    `@REVISION`."""
    options: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By probe: settings that only it knows (`Probe.settings`)."""
    skip_unavailable: bool = False
    """Go on without languages whose data is missing or malformed; never part of an identity."""
    adaptive: bool = False
    """Spend seeds where the answer is open, as far as probes can tell (`Adapts`); never part of a job's
    identity."""

    @property
    def beneath(self) -> tuple[str, ...]:
        """Languages whose adapters lie beneath task adapters in training."""
        return self.train_languages if "mad-x" in self.adapter_orders else ()
