"""The probe `published`: scores of transfer that others have published, imported and never run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Cell, Evaluation, Job
from xlbench.errors import StudyError

if TYPE_CHECKING:
    from xlbench.contracts import Lab, Page, Probe, Published, Records, Resolved


class PublishedScores:
    """A matrix of scores by source and target, as it stands in a file."""

    name = "published"
    version = 1
    summary = "Scores that others have published, by source and target (xlbench import)"
    settings = None
    reads = frozenset({"transfer"})

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Raises StudyError: published scores cannot be measured again."""
        raise StudyError("published scores are not run; import their file: xlbench import FILE --task TASK")

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Raises StudyError, as `jobs`."""
        raise StudyError("published scores are not run")

    def imported(self, matrix: Published, task: str, unit: str) -> Sequence[tuple[Job, Sequence[Evaluation]]]:
        """One job per source, with its scores on all targets."""
        import numpy as np

        found = []
        for source in matrix.sources:
            own = {g: x for (f, g), x in matrix.scores.items() if f == source}
            cells = tuple(Cell(task, g, matrix.sha256[:40]) for g in own)
            job = Job(
                self.name, self.version, matrix.condition(source, unit), cells, f"{source}, {task}, published"
            )
            evaluations = [
                Evaluation(cell, np.array([[x, 1.0]])) for cell, x in zip(cells, own.values(), strict=True)
            ]
            found.append((job, evaluations))
        return found

    def pages(self, records: Records) -> Sequence[Page]:
        """A page per task: sources by quality, and the matrix."""
        from xlbench_probes import published_pages

        return published_pages.pages(records)

    def recommend(self, records: Records, task: str, target: str) -> Page:
        """Sources for a target, published or predicted."""
        from xlbench_probes import published_pages

        return published_pages.advise(records, task, target)

    def compare(self, one: Records, other: Records) -> Sequence[Page]:
        """A page per task: how two matrices rank the same sources, one of them published at least."""
        from xlbench_probes import published_pages

        return published_pages.compare(one, other)


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe."""
    yield PublishedScores()
