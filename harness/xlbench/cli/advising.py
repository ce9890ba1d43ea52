"""`xlbench recommend`, `compare` and `export`: what stored results answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench import plugins, report
from xlbench.api import read_frame
from xlbench.cli.reporting import show_pages
from xlbench.codes import to_iso639_3
from xlbench.contracts import Compares, Recommends
from xlbench.errors import ResultsError
from xlbench.output import complain, say, write
from xlbench.progress import counted
from xlbench.results import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlbench.cli.app import Format
    from xlbench.contracts import Page, Records
    from xlbench.plugins import Registry
    from xlbench.results import StoredStudy


def recommend(results: Path, task: str, model: str, target: str, study: str | None) -> None:
    """Print which transfer language to take. Raises XlbenchError."""
    registry, store = plugins.load(), Store(results).existing()
    registry.find("task", task)
    code = to_iso639_3(target, registry.languages)
    stored = store.study(study) if study else _newest(store, model, task, registry)
    records = _with_language(_records(store, registry, stored), registry, model, code)
    _related(records, code, task)
    pages = [
        probe.recommend(records, task, code)
        for name, probe in registry.probes.items()
        if isinstance(probe, Recommends) and any(job.probe == name for job in stored.jobs)
    ]
    if not pages:
        raise ResultsError(f"study {stored.id} has no probe that recommends; run one: --probe transfer")
    _print(pages)


def compare(one: str, other: str, results: Path) -> None:
    """Print which effects changed from one to the other. Raises XlbenchError."""
    registry = plugins.load()
    sides = [_side(x, results) for x in (one, other)]
    if len({(store.path.resolve(), stored.id) for store, stored in sides}) == 1:
        raise ResultsError(f"{one} and {other} are the same study, {sides[0][1].id}; name two")
    records = [_records(store, registry, stored) for store, stored in sides]
    pages = [
        page
        for probe in registry.probes.values()
        if isinstance(probe, Compares)
        for page in probe.compare(records[0], records[1])
    ]
    if not pages:
        raise ResultsError(
            f"{one} and {other} have no effects of the same task, transfer language, number of steps and "
            "target; nothing to compare"
        )
    _print(pages)


def export(results: Path, form: Format, out: Path | None, study: str | None) -> None:
    """Write stored scores, one row per cell. Raises ResultsError."""
    from xlbench.disk import put_named

    frame, damaged = read_frame(results, study)
    for error in damaged:
        complain(f"{error} ignored; run its study again")
    if frame.empty:
        raise ResultsError(f"no finished results in {results}; run a study first, or give another --results")
    if form == "parquet":
        if out is None:
            raise ResultsError("parquet is no text to print; name a file with --out scores.parquet")
        content = frame.to_parquet(index=False)
    elif form == "csv":
        lists = frame.map(lambda x: json.dumps(x) if isinstance(x, list) else x)
        content = lists.to_csv(index=False, lineterminator="\n").encode()
    else:
        content = f"{frame.to_json(orient='records', indent=1, double_precision=15)}\n".encode()
    if out is None:
        write(content)
        return
    put_named(out, content)
    say(f"{counted(len(frame), 'row')}  {out}")


def _newest(store: Store, model: str, task: str, registry: Registry) -> StoredStudy:
    able = {name for name, probe in registry.probes.items() if isinstance(probe, Recommends)}
    others: set[str] = set()
    for stored in store.studies():
        tasks = {cell.task for job in stored.jobs if job.probe in able for cell in job.cells}
        if task in tasks and model in (stored.study.get("model"), stored.described["model"]["name"]):
            return stored
        others |= {str(stored.study.get("model"))} if task in tasks else set()
    there = f", which has it with {', '.join(sorted(others))}" if others else ""
    raise ResultsError(
        f"no study of {task} with the model {model} in {store.path}{there}; "
        f"run one: xlbench run --model {model} --task {task}"
    )


def _side(what: str, results: Path) -> tuple[Store, StoredStudy]:
    """A folder's last study, or in `results` a study by id, or the last of a model. Raises ResultsError, also
    for what is both.
    """
    folder = Path(what)
    named = None
    if results.is_dir():
        store = Store(results)
        named = next(
            (
                x
                for x in store.studies()
                if what in (x.id, x.study.get("model"), x.described["model"]["name"])
            ),
            None,
        )
    if folder.is_dir() and (named is None or (folder / "studies").is_dir()):
        if named is not None and what == str(folder):
            raise ResultsError(
                f"{what!r} is a folder of results and also a model or study in {results}; write ./{what} for "
                f"the folder, or {named.id} for the study"
            )
        store = Store(folder)
        return store, store.study()
    if named is not None:
        return store, named
    if not results.is_dir():
        raise ResultsError(
            f"{what!r} is no folder; studies and models are looked up in {results}: no such folder"
        )
    known = ", ".join(sorted({str(x.study.get("model")) for x in store.studies()})) or "none"
    raise ResultsError(f"{what!r} is no folder, nor a study or model in {store.path}, which has: {known}")


def _names(stored: StoredStudy) -> tuple[str, ...]:
    return (stored.id, str(stored.study.get("model")), stored.described["model"]["name"])


def _related(records: Records, code: str, task: str) -> None:
    """Raises ResultsError where the study's languages are in no known way like this one, which it did not
    measure: no prediction could be more than a guess.
    """
    jobs = records.expected
    if code in {cell.target for job in jobs for cell in job.cells if cell.task == task}:
        return
    transfer = records.study.get("transfer")
    donors = [str(x) for x in transfer if x != code] if isinstance(transfer, list) else []
    if not donors:
        return
    own = records.languages.get(code)
    for other in donors:
        kin = records.languages.get(other)
        if own and kin and own.family == kin.family != "unknown":
            return
        if any((other, code) in x.table for x in records.distances):
            return
    few = f"{', '.join(donors[:4])}{', ...' if len(donors) > 4 else ''}"
    raise ResultsError(
        f"{code} was not measured, and the study's transfer languages ({few}) share no family and no known "
        f"distance with it; run a study of {task} with --targets {code}"
    )


def _records(store: Store, registry: Registry, stored: StoredStudy) -> Records:
    return store.records({name: x.metric for name, x in registry.tasks.items()}, stored.id)


def _with_language(records: Records, registry: Registry, model: str, code: str) -> Records:
    """Records with what the plugins know of a language that may be none of the study's."""
    if code in records.languages and code in records.seen:
        return records
    languages = {x: registry.languages[x] for x in (code,) if x in registry.languages}
    found = registry.models.get(model)
    listed = None if found is None else found.pretraining_languages
    seen = {code: None if listed is None else code in listed}
    return replace(
        records,
        languages={**languages, **records.languages},
        seen={**seen, **records.seen},
        distances=tuple({x.name: x for x in (*records.distances, *registry.distances)}.values()),
    )


def _print(pages: Sequence[Page]) -> None:
    show_pages(report.terminal(pages))
