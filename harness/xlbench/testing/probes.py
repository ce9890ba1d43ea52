"""Probes: the same plan every time, a complete record of each job, pages of all records and of a part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench import api
from xlbench.contracts import Frames, Page, Probe
from xlbench.errors import StudyError, XlbenchError, said_of
from xlbench.frames import checked_name, checked_row
from xlbench.results import Store
from xlbench.testing.findings import Finding, line_of, raised_in, traced_to
from xlbench.testing.small import TRANSFER, tiny_study

if TYPE_CHECKING:
    from xlbench.contracts import Records
    from xlbench.testing.subject import Subject


def of_probe(subject: Subject, name: str, probe: Probe) -> Iterator[Finding]:
    """Plan, run, read and show the smallest study of a probe."""
    study = tiny_study(
        probes=(subject.spelled("probe", name),), transfer=TRANSFER, targets=TRANSFER, controls=("shuffled",)
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            plans = [api.plan(study, results=folder, plugins=subject.things).jobs for _ in range(2)]
        except Exception as error:
            found = _raised(subject, name, "jobs", error)
            if isinstance(error, StudyError):  # it refuses this study, in which nothing else is wrong
                found = replace(found, what=f"{found.what}; not checked", note=True)
            yield found
            return
        one, other = ([job.identity for job in jobs] for jobs in plans)
        if one != other:
            what = "gives other jobs when it is asked again; make jobs of the study alone, in a fixed order"
            yield subject.finding("probe", name, "jobs", what, line_of(probe.jobs))
            return
        if not one:
            what = "asks for no job of a study with one task and two transfer languages; not checked further"
            yield subject.finding("probe", name, "jobs", what, line_of(probe.jobs), note=True)
            return
        try:
            done = api.run(study, results=folder, workers=1, device="cpu", quiet=True, plugins=subject.things)
        except Exception as error:
            yield _raised(subject, name, "run", error)
            return
        store = Store(Path(folder))
        if done.failed:
            label, error_line = next(iter(done.failed.items()))
            traces = [x.error.get("traceback", "") for x in store.failures(store.study(done.study_id))]
            place = next(filter(None, (traced_to(x, subject.paths) for x in traces)), line_of(probe.run))
            yield subject.finding("probe", name, "run", f"{label}: {error_line}", place)
            return
        metrics = {task: x.metric for task, x in subject.registry.tasks.items()}
        yield from _shown(subject, name, probe, store.records(metrics, done.study_id))


def _shown(subject: Subject, name: str, probe: Probe, records: Records) -> Iterator[Finding]:
    made = {(x.condition_key, x.evaluation.cell) for x in records.records}
    lacking = [job for job in records.expected for cell in job.cells if (job.condition_key, cell) not in made]
    if lacking:
        what = f"the job {lacking[0].label!r} lacks an evaluation of a cell; give one for each, in order"
        yield subject.finding("probe", name, "run", what, line_of(probe.run))
    half = replace(records, records=records.records[: len(records.records) // 2])
    for part, said in (
        (records, "all records"),
        (half, "half of the records"),
        (_none(records), "no record"),
    ):
        try:
            pages = list(probe.pages(part))
            tables = probe.frames(part) if isinstance(probe, Frames) else {}
            rows = {table: list(x) for table, x in tables.items()}
        except Exception as error:
            yield _raised(subject, name, "pages", error, said)
            continue
        try:
            for table, found in rows.items():
                checked_name(table, "table")
                for row in found:
                    checked_row(row)
        except TypeError as error:
            yield subject.finding("probe", name, "frames", f"{said}: {error}")
        if wrong := next((x for x in pages if not isinstance(x, Page)), None):
            what = f"{said}: gives a {type(wrong).__name__}, not a Page"
            yield subject.finding("probe", name, "pages", what, line_of(probe.pages))
        if part is records and not pages:
            what = "gives no page; terminal, leaderboard and report have nothing to show"
            yield subject.finding("probe", name, "pages", what, line_of(probe.pages), note=True)


def _none(records: Records) -> Records:
    return replace(records, records=())


def _raised(subject: Subject, name: str, field: str, error: Exception, where: str = "") -> Finding:
    said = " ".join(str(error).split()) if isinstance(error, XlbenchError) else said_of(error)
    what = f"of {where}: {said}" if where else said
    return subject.finding("probe", name, field, what, raised_in(error, subject.paths))
