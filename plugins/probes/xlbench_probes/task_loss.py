"""Task loss as a second score: the same study, read with the loss of each example in place of the metric's
statistics, so that effects, intervals and verdicts are made by the same code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.metrics.task_loss import TASK_LOSS
from xlbench.probing import Reading, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbench.contracts import Cell, Job, Number

MEANING = (
    "Task loss: minus the log-probability of the right decision (such as a word's label), in nats, mean over "
    "the decisions of the test examples; what was cut off is not in it."
)


class LossReading(Reading):
    """One task of a study with the task loss in place of its metric."""

    def __init__(self, whole: Reading, task: str, wanted: Callable[[Job], bool]) -> None:
        """`wanted`: which of the planned jobs."""
        records = whole.records
        self._without: set[tuple[str, Cell]] = set()
        found = []
        for record in records.records:
            one = record.evaluation
            if one.cell.task != task:
                continue
            if one.loss is None:
                self._without.add((record.condition_key, one.cell))
            else:
                found.append(replace(record, evaluation=replace(one, counts=one.loss)))
        super().__init__(
            replace(
                records,
                records=tuple(found),
                expected=tuple(job for job in records.expected if wanted(job)),
                metrics={**records.metrics, task: TASK_LOSS},
            )
        )
        self.task = task

    @property
    def stored(self) -> bool:
        """Whether there is any."""
        return bool(self.records.records)

    def missing(self, job: Job, cell: Cell) -> str:
        """See `Reading`."""
        if (job.condition_key, cell) in self._without:
            return f"{job.label}, on {cell.target}: no task loss stored"
        return super().missing(job, cell)

    def gaps(self) -> str:
        """What is to be said where there is no loss of what was scored; "" where nothing is to be said."""
        planned = [(job.condition_key, x) for job in self.records.expected for x in job.cells]
        without = sum(key in self._without for key in planned)
        if not without or not self.has_adapter(self.task):
            return ""
        if not self.stored:
            return (
                "No task loss is stored with these results: an earlier xlbench made them, or the kind of "
                "task has none."
            )
        return (
            f"No task loss is stored with {counted(without, 'evaluation')}, which an earlier xlbench made; "
            "what needs them is empty, and --rerun all scores them again."
        )


def as_loss(found: Number) -> Number:
    """The loss itself of a score of `TASK_LOSS`, which is minus the loss."""
    if found.value is None:
        return found
    low, high = (None if x is None else -x for x in (found.high, found.low))
    return replace(found, value=-found.value, low=low, high=high)
