"""What a task is: labels, a metric, training defaults, and where data comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from xlbench.contracts.data import TaskData

TaskKind: TypeAlias = Literal["tagging", "classification"]
Labels: TypeAlias = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """Counts for each example, and a function from their sums to a score.

    Bootstrap, paired tests and merging are then sums over rows of one (n, k) integer array.
    """

    name: str
    """"accuracy", "span F1"."""
    columns: tuple[str, ...]
    """Names of the k counts: ("correct", "total")."""
    count: Callable[[Labels, Labels], tuple[int, ...]]
    """(gold, predicted) of one example to its k counts. A `None` in predicted is a word that was
    cut off by truncation and counts as wrong. A classification has one label."""
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Sums, shape (..., k), to scores in points (0 to 100), shape (...). Never NaN: 0 where undefined."""


@dataclass(frozen=True, slots=True)
class AdapterTraining:
    """How a task adapter is trained (`seq_bn`, linear decay without warmup, gradients clipped at 1)."""

    learning_rate: float = 5e-4
    batch_size: int = 36
    epochs: int = 5
    reduction_factor: int = 16
    limit: int | None = None
    """Training examples a language at most; None is all."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `labels` is the closed set that the head predicts."""

    name: str
    version: int
    """Raised whenever the same data would give other scores; part of every identity."""
    summary: str
    kind: TaskKind
    labels: tuple[str, ...]
    metric: Metric
    training: AdapterTraining
    max_length: int
    """Longest input in pieces, special tokens included; what is beyond is cut off and counted."""
    default_data: str
    """Name of the TaskData used when neither study nor model names one: "wikiann"."""
    folder: Callable[[Sequence[Path]], TaskData]
    """A reader for `--data TASK=FOLDER`: the set folders or release folders to read.
    Raises DataError for a folder without a set, or two sets of one language."""
