"""What fine-tuning does to the task loss: a second score beside the metric, in one table and one matrix for
each reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Table, decimal
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import TARGET_GAINS, counted, interval, verdicts_over
from xlbench_probes.task_loss import MEANING, LossReading
from xlbench_probes.transfer_tables import DETECTABLE, MATRIX, by_pair
from xlbench_probes.transfer_view import PROBE, View
from xlbench_probes.zero_shot_pages import PROBE as ZERO_SHOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.contracts import Job, Matrix, Number, Part
    from xlbench.probing import Judged

WHAT = "Reduction of task loss, in nats per decision"
CAUTION = (
    "The loss moves where predictions do not yet change, so that small test sets show smaller effects; part "
    "of it is how sure the model is, which changes no prediction."
)
_READINGS = {"Effect": "with the task adapter put back ", "Gain": "retrained "}


class Losses:
    """The task loss of one task in each reading that was asked for, at the largest number of steps."""

    def __init__(self, views: Mapping[str, View]) -> None:
        """`views` of the task's metric, by what their effects are called: "Effect", "Gain"."""
        first = next(iter(views.values()))

        def wanted(job: Job) -> bool:
            run = job.typed.finetuning
            if job.probe == PROBE and run is not None:
                return run.treatment == PLAIN and run.steps == first.last
            return job.probe == ZERO_SHOT

        self._reading = LossReading(first.reading, first.task, wanted)
        self._views = (
            {what: View.of(self._reading, first.task, view.read_out) for what, view in views.items()}
            if self._reading.stored
            else {}
        )

    def summary(self) -> Iterator[str]:
        """What the mean over all pairs of different languages comes to, and what is not stored."""
        found = [
            f"{_READINGS[what] if len(self._views) > 1 else ''}"
            f"{interval(view.overall(view.last, 'plain').number(), view.metric.unit)}"
            for what, view in self._views.items()
        ]
        if found:
            yield f"Reduction of the task loss over all pairs of different languages: {'; '.join(found)}."
        if gaps := self._reading.gaps():
            yield gaps

    def parts(self) -> Iterator[Part]:
        """None where no loss is stored."""
        if self._views:
            yield self._by_transfer_language()
            yield from (self._matrix(what, view) for what, view in self._views.items())

    def _by_transfer_language(self) -> Table:
        first = next(iter(self._views.values()))
        judged = {what: view.judged_donations(view.last) for what, view in self._views.items()}
        rows = [
            (first.reading.name(f), *(x for some in judged.values() for x in _cells(some[f])))
            for f in next(iter(judged.values()))
        ]
        heads: Sequence[str] = [x for what in judged for x in (what, f"Minimum detectable {what.lower()}")]
        return Table(
            f"Task loss by transfer language, {counted(first.last, 'step')}",
            ("Transfer language", *heads),
            tuple(rows),
            f"{WHAT} ({TARGET_GAINS}). Mean over all targets but the language itself. {MEANING} {CAUTION} "
            f"{DETECTABLE} {verdicts_over('the column')}",
        )

    def _matrix(self, what: str, view: View) -> Matrix:
        title = "Task loss" if what == "Effect" else f"Task loss, {what.lower()}"
        made = by_pair(view, view.last, title, f"{WHAT}. {MATRIX}")
        cells = (
            tuple(
                replace(x, details=tuple((f"Loss {name.lower()}", -value) for name, value in x.details))
                for x in row
            )
            for row in made.cells
        )
        return replace(made, cells=tuple(cells))


def _cells(found: Judged) -> tuple[Number, str | None]:
    """With its minimum detectable effect, to as many decimals."""
    least = found.detectable
    return found.number, None if least is None else decimal(least, found.number.decimals)
