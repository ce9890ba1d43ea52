"""What a report opens on: the question, what was run in a sentence, and the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.output import clean, counted
from xlbench.reporting.summary_lines import lines

if TYPE_CHECKING:
    from xlbench.contracts import Job, Json, Page
    from xlbench.reporting.summary import Summary

_WIDE = 160
"""Columns of a line of the summary, which a browser breaks where it likes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Above all else in a report."""

    question: str = "What was found?"
    asked: str = ""
    """What was run."""
    summary: Summary | None = None
    beside: tuple[Page, ...] = ()
    """Those of the report's pages that put several models side by side."""

    def data(self) -> dict[str, Any]:
        """For the page's JavaScript: lines are [label, role, text]."""
        found = lines(self.summary, _WIDE) if self.summary and self.summary.blocks else []
        shown = [x for x in found if x.role not in ("next step", "files")]
        return {
            "question": clean(self.question),
            "asked": clean(self.asked),
            "summary": [[x.label, x.role, x.text] for x in shown],
        }


def opening(study: Mapping[str, Json], jobs: Sequence[Job], summary: Summary) -> Opening:
    """Of a study, as plain data without paths, and its jobs."""
    transfer, steps, seeds = (_listed(study.get(x)) for x in ("transfer", "steps", "seeds"))
    cells = [cell for job in jobs for cell in job.cells]
    tasks = list(dict.fromkeys(x.task for x in cells))
    targets = len({x.target for x in cells})
    asked = f"The model was tested on {_and(tasks)} in {counted(targets, 'target language')}"
    if finetuned := any(job.typed.finetuning is not None for job in jobs) and bool(transfer):
        long = f"{_and([*map(str, steps)])} {'step' if steps == [1] else 'steps'}"
        asked += (
            f", before and after fine-tuning on text of {'each of ' if len(transfer) > 1 else ''}"
            f"{counted(len(transfer), 'transfer language')} ({long}, {counted(len(seeds), 'seed')})"
        )
    probes = [str(x).rpartition("/")[2] for x in _listed(study.get("probes"))]
    asked += f". {'Probe' if len(probes) == 1 else 'Probes'}: {', '.join(probes)}." if probes else "."
    question = "Which language helps which?" if finetuned else "How well does the model do in each language?"
    return Opening(question, asked if cells else "", summary)


def _listed(value: Json | None) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _and(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))
