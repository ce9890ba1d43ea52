"""Language adapters, and how they are put together under a task adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from xlbench.contracts.identity import LATER, only_where

FROM_0: Mapping[str, object] = {"least": 0}
"""Metadata of a field of whole numbers that may be 0, whatever its default."""
AdapterOrder: TypeAlias = Literal["plain", "mad-x"]
"""In what order adapters are trained. `plain`: the task adapter on the model alone, so that it first meets a
language adapter in evaluation (the released code of arXiv 2403.20088). `mad-x`: language adapters first, then
the task adapter over those of its training languages (Pfeiffer et al. 2020, arXiv 2005.00052).
"""


@dataclass(frozen=True, slots=True)
class LanguageTraining:
    """How a language adapter is trained: by a pretraining objective, everything but the adapter frozen.

    AdamW, linear decay to 0. The language-model head is frozen too, so that losses before and after have one
    head.
    """

    role: ClassVar[Literal["language"]] = "language"
    config: str = "seq_bn"
    """A registered kind of adapter (`xlbench list methods`)."""
    reduction_factor: int | None = None
    """Hidden size over bottleneck, of kinds that have one; None: the kind's own, 16 for `seq_bn` (the
    released code), 2 for `seq_bn_inv` (MAD-X)."""
    learning_rate: float = 1e-4
    batch_size: int = 8
    """Chunks in a step."""
    chunk: int = 512
    """Pieces in a chunk, special tokens included; cut to the model's longest input."""
    lines: int = 10_000
    """Lines of text used at most, from the start."""
    mask_probability: float = 0.15
    epochs: int = 3
    steps: int | None = None
    """Steps at most, whatever the epochs; None is no bound."""
    held_out: float = 0.05
    """Share of the chunks, the last ones, that is not trained on: the loss on them says when to stop."""
    checks: int = 10
    """How often the held-out loss is measured, evenly over the run."""
    patience: int = 3
    """Checks without a new lowest loss after which training stops; the lowest one's weights are kept."""
    objective: str | None = field(default=None, metadata=LATER)
    """A registered `Objective`; None: the one that the model was pretrained with."""
    rank: int | None = field(default=None, metadata=LATER)
    """Of the matrices that are added to a layer's own, of kinds that have one; None: the kind's own."""
    alpha: int | None = field(default=None, metadata=LATER)
    """What is added is scaled by alpha over rank; None: the kind's own."""
    leave_out: tuple[int, ...] = field(default=(), metadata={**LATER, **FROM_0})
    """Layers that go without the adapter, counted from 0 (MAD-X 2.0 leaves out the last; Pfeiffer et al.
    2021, arXiv 2012.15562)."""

    def __post_init__(self) -> None:
        for name in ("mask_probability", "held_out"):
            if getattr(self, name) >= 1:
                raise ValueError(f"{name} must be below 1, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Fusion:
    """How fusion layers are tuned: AdamW, linear decay to 0, gradients clipped at 1.

    Queries and keys are trained. With `value` "fixed" the value matrices stay at their initial identity:
    fusion can then only weigh the adapters, and two copies of one adapter are that adapter. With "trained"
    they are learned too, as published, and are new capacity that a single adapter does not have.
    """

    steps: int = 200
    learning_rate: float = 5e-5
    batch_size: int = 32
    value: Literal["fixed", "trained"] = "fixed"
    regularization: float = field(default=0.01, metadata=only_where(lambda how: how.value == "trained"))
    """Weight of the squared distance of trained value matrices to the identity (AdapterFusion's)."""


@dataclass(frozen=True, slots=True)
class LanguageAdapter:
    """Which language adapter. `xlbench.contracts.Resolved.language_adapter` makes one for a language."""

    kind: Literal["trained", "given", "random"]
    """Trained on the study's text; given with the study; or at random initialisation, untrained."""
    language: str
    """ISO 639-3; "" for a random one."""
    training: LanguageTraining
    """Of a random one only configuration and reduction factor matter, of a given one nothing."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFiles:
    """How the files of an adapter, as `adapters` writes them, say what it is: the `config` in its
    `adapter_config.json`.
    """

    known_by: Mapping[str, Any]
    """Settings, with the values that only this kind has; None also where the file does not say."""
    settings: Mapping[str, Any]
    """All settings that the library reads of such a file, with what holds where it does not say."""
    said: tuple[str, ...] = ()
    """Settings that every such file has."""
    place: Mapping[str, Any] = field(default_factory=dict)
    """Settings that say where it sits and what it is given, with the values that trained ones of this kind
    have: only with these can it be put together with others."""


@dataclass(frozen=True, slots=True)
class GivenAdapter:
    """A language adapter that came with the study, in AdapterHub's on-disk format; it fits the model."""

    source: str
    """For provenance: the folder's name or the hub id, as the study has it."""
    folder: str
    fingerprint: str
    """Changes whenever weights or configuration do; never a path."""
    invertible: bool = False
    mixable: bool = True
    """Whether it sits where trained ones of its kind do: the library mixes only adapters of one place."""
    kind: str = "seq_bn"
    """The kind of adapter that its files are of."""


@dataclass(frozen=True, slots=True)
class Beneath:
    """What a task adapter is trained over: beneath the examples of each training language lies that
    language's own adapter, frozen.
    """

    adapters: tuple[LanguageAdapter, ...]
    """One per training language, in their order."""
    invertible: bool = True
    """Whether invertible parts act."""


@dataclass(frozen=True, slots=True)
class Composition:
    """Language adapters under a task adapter: `Stack(mix of adapters, task)`."""

    adapters: tuple[LanguageAdapter, ...]
    mix: str = "single"
    """A registered composition (`xlbench list methods`)."""
    invertible: bool = True
    """Whether invertible parts act. Of several, that of the first adapter acts alone, unless weights are
    merged."""
    fusion: Fusion = Fusion()
    seed: int = 0
    """Of a fusion's initial weights and, where there is training, of the order of its data."""
    weights: tuple[float, ...] = ()
    """Each adapter's share, of compositions that have shares; empty: all alike."""

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.adapters):
            raise ValueError(f"{len(self.weights)} weights of {len(self.adapters)} adapters")
