"""What the files of one study hold: records for its pages, and what made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Record, Records
from xlbench.contracts.published import metrics_of
from xlbench.errors import ResultsError
from xlbench.results import manifest, subwords
from xlbench.results.index import DamagedError, Index, Listing, list_files

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Metric, Subwords
    from xlbench.results.jobfile import Opened
    from xlbench.results.store import Store
    from xlbench.results.studies import StoredStudy


@dataclass
class Contents:
    """What the files of a study hold: each is read and checked once, for records and provenance alike."""

    _store: Store
    _study: StoredStudy
    _opened: Mapping[str, list[Opened]]
    """By condition key, in order of name."""
    damaged: list[DamagedError]
    """Files that everything else takes as not there."""

    @classmethod
    def read(cls, store: Store, stored: StoredStudy, index: Index | None) -> Contents:
        """Read the files of a study in `store`, or those of `index` that are of it. Raises ResultsError."""
        from xlbench.results import jobfile

        listing = list_files(store.jobs) if index is None else Listing(index, ())
        keys = dict.fromkeys(job.condition_key for job in stored.expected)
        damaged = [x for x in listing.damaged if x.condition_key in keys]
        found: dict[str, list[Opened]] = {}
        known: dict[Any, Any] = {}
        for key in keys:
            for file in listing.index.get(key, ()):
                try:
                    found.setdefault(key, []).append(replace(jobfile.opened(file, known), content=b""))
                except DamagedError as error:
                    damaged.append(error)
                except FileNotFoundError:
                    continue  # another process has just removed it
        return cls(store, stored, found, damaged)

    @property
    def provenances(self) -> list[dict[str, Any]]:
        """Of each finished file, in order of condition key."""
        keys = sorted(self._opened)
        return [x.header.provenance for key in keys for x in self._opened[key] if not x.file.failed]

    def records(self, metrics: Mapping[str, Metric]) -> Records:
        """Everything that the study's pages are made from.

        Each expected cell comes once, whatever files it is in; cells that the study does not ask for
        are left out. `metrics` is by task. Raises ResultsError, also for a task without a metric.
        """
        stored, expected = self._study, self._study.expected
        tasks = {cell.task for job in stored.jobs for cell in job.cells}
        metrics = {**metrics, **metrics_of(stored.jobs)}
        if unknown := sorted(tasks - set(metrics)):
            raise ResultsError(_without(unknown[0], self.provenances))
        wanted: dict[str, set[Cell]] = {}
        for job in expected:
            wanted.setdefault(job.condition_key, set()).update(job.cells)
        records, failures = [], {}
        for key, left in wanted.items():
            for record in self._checked(key, metrics):
                if record.evaluation.cell in left:
                    left.remove(record.evaluation.cell)
                    records.append(record)
            if left and (failed := [x.header for x in self._opened.get(key, []) if x.file.failed]):
                last = max(failed, key=lambda x: str(x.provenance.get("ended", "")))
                failures[key] = (last.error or {}).get("message", "") or "failed"
        found: Mapping[str, Subwords] = {}
        with suppress(ResultsError):  # told by `damage`
            found = subwords.load(self._store.folder_of(stored.id)) if stored.id else {}
        return Records(
            records=tuple(records),
            expected=expected,
            failures=failures,
            study=stored.study,
            metrics={task: metrics[task] for task in sorted(tasks)},
            languages=manifest.languages(stored.described),
            seen=stored.described.get("seen", {}),
            distances=manifest.distances(stored.described),
            parallel={name: bool(x.get("parallel")) for name, x in stored.described.get("tasks", {}).items()},
            texts=manifest.texts(stored.described),
            domains=manifest.domains_of_tests(stored.described),
            dropped=stored.dropped,
            levels=manifest.levels(stored.described),
            sizes=manifest.sizes(stored.described),
            family=stored.described.get("model", {}).get("family", "encoder"),
            adapters=manifest.adapters(stored.described),
            compositions=stored.described.get("compositions", {}),
            subwords=found,
        )

    def damage(self) -> tuple[str, ...]:
        """A line for each file of the study that is treated as missing, though it is; after `records`, also
        for those whose scores are not those of their counts.
        """
        damaged = {x.condition_key for x in self.damaged}
        index = {key: [x.file for x in self._opened.get(key, [])] for key in damaged}
        jobs = [job for job in self._study.jobs if job.condition_key in damaged]
        needed = {x.condition_key for x in jobs if self._store.missing_cells(x, index)}
        found = sorted((x for x in self.damaged if x.condition_key in needed), key=lambda x: x.path)
        lines = [f"{x} ignored; run the study again" for x in found]
        try:
            subwords.load(self._store.folder_of(self._study.id))
        except ResultsError as error:
            lines.append(str(error))
        return tuple(lines)

    def _checked(self, key: str, metrics: Mapping[str, Metric]) -> Iterator[Record]:
        """Records of a condition, with scores that are those of their counts. Raises ResultsError for a
        metric that gives others; a file of an earlier xlbench is then damaged.
        """
        for one in list(self._opened.get(key, [])):
            if one.file.failed:
                continue
            try:
                one.check_scores(metrics)
            except DamagedError as error:
                self.damaged.append(error)
                self._opened[key].remove(one)
            else:
                yield from one.records()


def _without(task: str, provenances: Iterable[Mapping[str, Any]]) -> str:
    """One line on a task of a study that no plugin provides."""
    said = next((x for facts in provenances if (x := facts.get("plugins", {}).get(f"task {task}"))), None)
    which = f"install its plugin, {said}, or give its file with --plugin" if said else "install its plugin"
    return f"no task {task!r}, which the results are of; {which}"
