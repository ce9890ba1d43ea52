"""What a metric is: statistics of each example, and a score of any set of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xlbench.contracts import allowed

Counts: TypeAlias = "NDArray[np.int32 | np.float32 | np.float64]"
"""Shape (n, k): a metric's statistics of each example, in file order."""
Loss: TypeAlias = "NDArray[np.float32 | np.float64]"
"""Shape (n, 2), in file order: how many nats the right decisions of each example cost the model under its
task adapter (minus the sum of their log-probabilities), and how many decisions these are. Stored with 32
bits."""
OfSums: TypeAlias = "Callable[[NDArray[np.float64]], NDArray[np.float64]]"
"""Sums of the statistics, shape (..., k), to scores in `Metric.unit`, shape (...), within the range that the
metric states (0 to 100 unless it states another). Always finite: 0 where undefined."""


@dataclass(frozen=True, slots=True)
class OfExamples:
    """A score that is not a function of sums, such as a rank correlation.

    It costs more than a function of sums: that is one matrix product for all draws, this is called for every
    evaluation. `xlbench.metrics.by_rows` makes one of a function of a plain set of examples.
    """

    scores: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    """Statistics of the examples, shape (n, k), and how often each draw has each of them, whole numbers of
    shape (draws, n) with the same sum in every row, to the score of each draw, shape (draws,). A draw with
    weights (2, 0, 1) is the set of examples 1, 1 and 3. In the unit and range of `Metric`, always finite: 0
    where undefined, as a correlation is where one side does not vary."""


Score: TypeAlias = "Callable[[NDArray[np.float64]], NDArray[np.float64]] | OfExamples"
"""`OfSums` (written out, since a name of a name is not looked up in checking plugins), or of examples."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Statistics of each example, and a score of any set of examples.

    A score is a function of their sums, where one matrix product resamples all evaluations at once, or of the
    examples themselves (`OfExamples`). Bootstrap, paired tests and merging work on the (n, k) array of
    statistics in both cases. Statistics or scores that are not what the metric states stop the job at the
    first example where they are met.
    """

    name: str
    """"accuracy", "span F1"."""
    columns: allowed.Columns
    """Names of the k statistics: ("correct", "total")."""
    count: Callable[[Any, Any], tuple[float, ...]]
    """(gold, predicted) of one example, as `KindOfTask` has them, to its k statistics."""
    score: Score
    """The one that targets are ranked by."""
    others: tuple[tuple[str, Score], ...] = ()
    """Further scores of the same statistics, by name, in the same range: shown beside it, never ranked by."""
    lowest: allowed.AnyNumber = 0.0
    """Lowest score; -inf where there is none. Intervals of scores end here."""
    highest: allowed.AnyNumber = 100.0
    """Highest score; inf where there is none."""
    unit: str = "points"
    """Of scores and effects, for people."""
    counts: Literal["whole", "real"] = "whole"
    """Whole statistics, within 2,147,483,647 of 0, or real ones, which are stored with 64 bits."""

    @property
    def measure(self) -> str:
        """What scores and effects are in, for headings: "points of accuracy", "bits per character"."""
        return f"points of {self.name}" if self.unit == "points" else self.unit

    def __post_init__(self) -> None:
        if not self.lowest < self.highest:
            raise ValueError(
                f"metric {self.name!r}: lowest must be below highest, not {self.lowest} and {self.highest}"
            )
        if self.counts not in ("whole", "real"):
            raise ValueError(f"metric {self.name!r}: counts must be 'whole' or 'real', not {self.counts!r}")
