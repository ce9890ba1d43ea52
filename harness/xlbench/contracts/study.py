"""What to ask: a study, as a value. `xlbench.spec.study` reads one from a file or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from xlbench.contracts import forms
from xlbench.contracts.adapter import AdapterOrder, LanguageTraining
from xlbench.contracts.asked import Panel, Shorthand
from xlbench.contracts.cell import Json  # noqa: TC001 - read with the fields' types
from xlbench.contracts.forms import asked
from xlbench.contracts.freezing import Frozen
from xlbench.contracts.identity import LATER
from xlbench.contracts.task import AdapterTraining

HOW: Panel = "The method"
ReadOut: TypeAlias = Literal["put-back", "retrained"]
"""How a task is read off a fine-tuned model.

`put-back`: by the task adapter that was trained on the pretrained weights (arXiv 2403.20088). `retrained`: by
one trained anew on the fine-tuned weights, with the same data and seed, which takes out what the first loses
only because vectors have moved beneath it.
"""
Precision: TypeAlias = Literal["float32", "bfloat16"]
Evaluated: TypeAlias = Literal["exact", "first-order"]
"""How a fine-tuned model is scored on the targets.

`exact`: by reading their test examples. `first-order`: by how far the change of its weights changes the task
loss to first order, from one gradient per target at the pretrained weights.
"""
Match: TypeAlias = Literal["steps", "tokens", "words", "bytes"]
"""What the steps of all transfer languages have in equal amounts.

`steps`: each step has `FinetuningSettings.batch_size` chunks, whatever is in them. Otherwise each step has
as many chunks as hold what so many chunks of the reference language hold, on average: in tokens (without
special ones), in words, or in bytes of UTF-8.
"""


@dataclass(frozen=True, slots=True)
class FinetuningSettings:
    """How a transfer language is finetuned on, whatever the objective; defaults are those of arXiv
    2403.20088's released code.
    """

    learning_rate: float = 5e-5
    batch_size: int = 8
    """Chunks in a step."""
    chunk: int = 512
    """Pieces in a chunk, special tokens included; cut to the model's longest input."""
    lines: int = 10_000
    """Lines of text used at most, from the start."""
    mask_probability: float = 0.15
    """Share of the ordinary pieces that are masked or, of span corruption, in the spans that are cut out."""
    schedule: Literal["linear", "constant"] = "linear"
    """`linear`: decay to 0 over the steps of the run, no warmup, so every number of steps is a run of its
    own. `constant`: one run passes all numbers of steps, and is scored at each."""
    objective: str | None = field(default=None, metadata=LATER)
    """A registered `Objective`; None: the one that the model was pretrained with."""

    freeze: str = field(default="", metadata=LATER)
    """Parts that stay as they are (`Frozen`): "embeddings", "body", "head", "layers:0-5", several with +
    between."""

    def __post_init__(self) -> None:
        if self.mask_probability >= 1:
            raise ValueError(f"mask_probability must be below 1, not {self.mask_probability}")
        Frozen.read(self.freeze)


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
    """A question. Fields that are empty or None take the model's `defaults`, then the paper's.

    Each field says its option too (`xlbench.contracts.forms`). Raises StudyError for a value that cannot be.
    """

    model: str = asked("tiny", "--model", "Registered name, checkpoint folder or hub id.", "MODEL")
    """A registered name, a local checkpoint folder, or a hub id."""
    revision: str | None = asked(
        None,
        "--revision",
        "Revision of the model on the hub (default: the registered one, else the newest).",
        "REV",
    )
    pretraining_languages: tuple[str, ...] = asked(
        (),
        "--pretraining-languages",
        "Languages that an unregistered model was pretrained on (default: not known).",
        "LANG,...",
    )
    """Languages in the model's pretraining, ISO 639-3, where its registration does not say."""
    probes: tuple[str, ...] = asked(
        (), "--probe", "Probes (default: the model's, else transfer).", "PROBE,..."
    )
    tasks: tuple[str, ...] = asked((), "--task", "Tasks (default: the model's).", "TASK,...")
    transfer: tuple[str, ...] = asked(
        (), "--transfer", "Transfer languages: fine-tuned on (default: the model's).", "LANG,..."
    )
    """Transfer languages, ISO 639-3."""
    targets: tuple[str, ...] = asked(
        (),
        "--targets",
        "Target languages: scored (default: the model's; of data in folders, all that have test data).",
        "LANG,...",
    )
    """Target languages, ISO 639-3."""
    train_languages: tuple[str, ...] = asked(
        (),
        "--train-languages",
        "Languages that task adapters are trained on (default: the model's, else eng).",
        "LANG,...",
    )
    """Languages that task adapters are trained on (default: the model's, else eng)."""
    steps: tuple[int, ...] = asked(
        (),
        "--steps",
        "Fine-tuning steps (default: the model's, else 1,10,100).",
        "N,...",
        panel=HOW,
        what="step count",
    )
    seeds: tuple[int, ...] = asked(
        (),
        "--seeds",
        "How many (3 is 0,1,2), or which (0,5,9; one alone as 5,) (default: the model's, else 3).",
        "N,...",
        panel=HOW,
        what="seed",
        least=0,
        counts=True,
    )
    adapter_seeds: tuple[int, ...] = asked(
        (),
        "--adapter-seeds",
        "Of task adapters, crossed with --seeds: how many, or which (default: as many as --seeds if "
        "adapters are retrained, else the model's, else 1).",
        "N,...",
        panel=HOW,
        what="seed",
        least=0,
        counts=True,
    )
    """Of task adapters: the baseline and every fine-tuned model are scored with each of them. Default:
    `xlbench.studies.precedence.adapter_seeds`; empty after that is the one of `adapter.seed`. Probes of
    language adapters take the first."""
    controls: tuple[str, ...] | None = asked(
        None,
        "--controls",
        "target, reference, and text treatments such as shuffled; or none (default: the model's, else "
        "target,reference,shuffled).",
        "CONTROL,...",
        panel=HOW,
        what="control",
    )
    """What transfer languages' text is held against: `target` and `reference`, plain text of each target and
    of the reference language, and treatments (`Treatment`) of each transfer language's own text. Empty is
    said: no controls."""
    reference: str | None = asked(
        None,
        "--reference",
        "Language of the reference control (default: eng, else the first training language).",
        "LANG",
        panel=HOW,
    )
    """Reference language of the control: its text, instead of a transfer language's."""
    readings: tuple[ReadOut, ...] = asked(
        (),
        "--readings",
        "put-back, retrained or both: task adapters as they were, or trained anew after fine-tuning "
        "(default: the model's, else put-back).",
        "READING,...",
        panel=HOW,
        what="reading",
    )
    """How each fine-tuned model is read; what is compared with one zero-shot score has one reading."""
    evaluation: tuple[Evaluated, ...] = asked(
        (),
        "--evaluation",
        "exact, first-order or both: read test examples, or estimate the change of task loss from one "
        "gradient per target (default: exact).",
        "EVALUATION,...",
        panel=HOW,
        what="evaluation",
    )
    """How fine-tuned models are scored; both: exactly, with further seeds to first order as a control
    variate."""
    adapter_orders: tuple[AdapterOrder, ...] = asked(
        (),
        "--adapter-orders",
        "plain, mad-x or both: task adapters trained alone, or over language adapters (default: plain).",
        "ORDER,...",
        panel=HOW,
        what="order of adapters",
    )
    """In which orders adapters are trained, for probes that put language adapters beneath a task adapter."""
    data: Mapping[str, tuple[str, ...]] = asked(
        {},
        "--data",
        "Labelled data of a task: a name (NAME@REVISION), or folders (globs) (default: the model's, else the "
        "task's).",
        "TASK=DATA",
    )
    """By task: a registered TaskData's name (`NAME@REVISION` pins one), or folders (globs allowed). By
    `TASK.LANGUAGE`: which of several sets of that language to take, by name (a glob) or folder."""
    text: str | None = asked(
        None,
        "--text",
        "Text: a name (NAME:ARGUMENT, NAME@REVISION), training-sentences, or a folder of <iso>.txt (default: "
        "the model's).",
        "TEXT",
    )
    """A registered Corpus's name, that of a CorpusFamily's member (`NAME:ARGUMENT`), either with `@REVISION`,
    or a folder of `<iso>.txt`."""
    limit: int | None = asked(
        None,
        "--limit",
        "Test examples per target at most (default: the task's or the model's, else all).",
        "N",
        panel=HOW,
    )
    """Test examples a target at most, drawn as `xlbench.contracts.sampling.limited` says; None is all."""
    precision: Precision | None = asked(
        None,
        "--precision",
        "float32 (the default), or bfloat16: faster where the processor has it, and other numbers.",
        "PRECISION",
        panel=HOW,
    )
    """Arithmetic of the encoder, in training and evaluation (default: float32). In bfloat16 the matrix
    products are, the weights stay float32: other numbers, hence other identities."""
    match: Match | None = asked(
        None,
        "--match",
        "What a step has in equal amounts in all languages: tokens, words or bytes of text (default: "
        "steps, the same number of chunks, whatever is in them).",
        "AMOUNT",
        panel=HOW,
    )
    """What fine-tuning gives all languages in equal amounts; None is `steps`."""
    domains: Mapping[str, str] = asked(
        {},
        "--domain",
        "Where text and test data come from, such as text=verses or pos.wol=news (default: what they say "
        "themselves).",
        "DATA=DOMAIN",
        what='a text such as "news" or "news, wiki"',
        form="text=DOMAIN, text.LANG=DOMAIN, TASK=DOMAIN or TASK.LANG=DOMAIN",
    )
    """Where text (`text`, or `text.LANGUAGE`) and test data (`TASK`, or `TASK.LANGUAGE`) come from, over what
    they say themselves (`HasDomain`); never part of an identity."""
    parallel: tuple[str, ...] = asked(
        (),
        "--parallel",
        "Tasks whose test rows say the same in all languages, row by row, though their data do not say so "
        "(default: none).",
        "TASK,...",
        what="task",
    )
    """Tasks of the study whose data are taken for `Parallel`; never part of an identity."""
    mlm: Mapping[str, Json] = asked(
        {},
        "--mlm",
        "Fine-tuning, such as chunk=128.",
        "KEY=VALUE,...",
        panel=HOW,
        settings=FinetuningSettings,
        shorthand=Shorthand(
            "--freeze",
            "freeze",
            "Parts of the model that stay as they are in fine-tuning: embeddings, body (all layers), head, "
            "layers:0-5; several with + between (default: none).",
            "PARTS",
        ),
    )
    """Fields of `FinetuningSettings` that differ from its defaults."""
    adapter: Mapping[str, Json] = asked(
        {},
        "--adapter",
        "Task adapters, such as epochs=3 (default: the task's).",
        "KEY=VALUE,...",
        panel=HOW,
        settings=AdapterTraining,
        by_task=True,
        shorthand=Shorthand(
            "--task-adapter",
            "config",
            "Kind of the task adapters, such as lora: `xlbench list methods` (default: seq_bn).",
            "KIND",
        ),
    )
    """Settings of `AdapterTraining` unlike the task's own: `KEY` for all tasks, `TASK.KEY` for one."""
    retraining: Mapping[str, Json] = asked(
        {},
        "--retraining",
        "Retrained task adapters, such as examples=300.",
        "KEY=VALUE,...",
        panel=HOW,
        settings=Retraining,
    )
    """Settings of `Retraining` that differ from its defaults."""
    language_training: Mapping[str, Json] = asked(
        {},
        "--language-training",
        "Language adapters, such as steps=500.",
        "KEY=VALUE,...",
        panel=HOW,
        settings=LanguageTraining,
        shorthand=Shorthand(
            "--language-adapter-kind",
            "config",
            "Kind of the language adapters that are trained (default: seq_bn).",
            "KIND",
        ),
    )
    """Settings of `LanguageTraining` that differ from its defaults."""
    language_adapters: Mapping[str, str] = asked(
        {},
        "--language-adapter",
        "A language's adapter, instead of training one: a folder or hub id (default: none).",
        "LANG=ADAPTER",
        panel=HOW,
        what="a folder or hub id",
        form="LANG=FOLDER or LANG=HUB_ID",
    )
    """By language, ISO 639-3: an adapter to take instead of training one; a folder, a hub id, or that with
    `@REVISION`."""
    options: Mapping[str, Mapping[str, Json]] = asked(
        {},
        "--option",
        "Settings of a probe, or of the executor (default: its own).",
        "NAME.KEY=VALUE",
        panel=HOW,
    )
    """By probe: settings that only it knows (`Probe.settings`)."""
    skip_unavailable: bool = asked(
        False, "--skip-unavailable", "Go on without languages whose data is missing or malformed.", ""
    )
    """Go on without languages whose data is missing or malformed; never part of an identity."""
    adaptive: bool = asked(
        False, "--adaptive", "Spend seeds where the answer is open; the rest stops early.", "", panel=HOW
    )
    """Spend seeds where the answer is open, as far as probes can tell (`Adapts`); never part of a job's
    identity."""

    def __post_init__(self) -> None:
        """Check every field, and bring it into its form. Raises StudyError, one line."""
        for one in forms.fields(Study).values():
            if (value := getattr(self, one.name)) is not None:
                object.__setattr__(self, one.name, one.form.read(value))

    @property
    def beneath(self) -> tuple[str, ...]:
        """Languages whose adapters lie beneath task adapters in training."""
        return self.train_languages if "mad-x" in self.adapter_orders else ()
