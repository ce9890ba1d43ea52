"""Looking after folders of results: verified, merged, rid of what is unused, and brought up to date."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from xlbench.contracts import digest
from xlbench.contracts.gradient import gradients_of
from xlbench.errors import ResultsError
from xlbench.files.disk import content_of, make_folder, put, reading, temporary, writing
from xlbench.models import kept_adapters
from xlbench.results import jobfile, schema
from xlbench.results.index import DamagedError, StoredFile, list_files

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Metric
    from xlbench.results.store import Store

Told: TypeAlias = Callable[[int, int], None]
"""Called with how many files are done, and how many there are."""
Unneeded: TypeAlias = Literal[
    "job of no study", "failure since mended", "adapter of no study", "gradient of no study", "set aside"
]
_ADAPTER = re.compile(r".+-([0-9a-f]{16})")


@dataclass
class Verified:
    """What a folder holds, and what is wrong with it."""

    files: int = 0
    failed: int = 0
    """Files of jobs that failed; `files` has the others."""
    studies: int = 0
    adapters: int = 0
    gradients: int = 0
    problems: list[str] = field(default_factory=list)
    """One line for each thing that is not as it was written."""
    unlike: list[str] = field(default_factory=list)
    """One line for each cell that is stored twice with different counts."""


def verify(store: Store, metrics: Mapping[str, Metric], told: Told = lambda done, of: None) -> Verified:
    """Read everything in a folder: files of jobs (checksum, identity, schema, scores against their counts, as
    far as `metrics` has the task), manifests, adapters. Raises ResultsError where it cannot be read just now.
    """
    found = Verified()
    listing = list_files(store.existing().jobs)
    found.problems += (str(x) for x in listing.damaged)
    files = [file for files in listing.index.values() for file in files]
    counts: dict[tuple[str, str], tuple[StoredFile, Any]] = {}
    for number, file in enumerate(files):
        told(number, len(files))
        try:
            records = jobfile.decode(file, metrics)
        except ResultsError as error:
            found.problems.append(str(error))
            continue
        except FileNotFoundError:
            continue  # another process has just removed it
        found.failed += file.failed
        found.files += not file.failed
        for record in records:
            key = (file.condition_key, record.evaluation.cell.key)
            first, before = counts.setdefault(key, (file, record.evaluation.counts))
            if not np.array_equal(before, record.evaluation.counts):
                cell = record.evaluation.cell
                found.unlike.append(f"{cell.task} in {cell.target}: {first.path.name}, {file.path.name}")
    told(len(files), len(files))
    found.studies = sum(1 for x in store.path.glob("studies/*") if x.is_dir())
    found.problems += store.broken_studies()
    for folder in _adapters(store):
        found.adapters += 1
        if isinstance(why := _examined(folder), str):
            found.problems.append(f"the adapter {folder} {why}; it is trained again where it is needed")
    for folder in _gradients(store):
        found.gradients += 1
        if isinstance(why := _examined(folder), str):
            found.problems.append(f"the gradient {folder} {why}; it is computed again where it is needed")
    return found


class Difference(NamedTuple):
    """A job whose scores are others in two folders."""

    label: str
    here: Path
    there: Path
    most: float
    """Largest difference of a score, in the unit of its metric."""


@dataclass
class Merged:
    """What came of a merge."""

    copied: int = 0
    same: int = 0
    """Files of jobs that were there already, with the same counts."""
    studies: int = 0
    adapters: int = 0
    different: list[Difference] = field(default_factory=list)
    """Jobs with other counts there: those that were here stay."""
    problems: list[str] = field(default_factory=list)
    """One line for each thing that was left where it is, since it is damaged."""


def merge(into: Store, others: Iterable[Store], told: Told = lambda done, of: None) -> Merged:
    """Copy what other folders have, each file checked before it is copied; nothing in `into` is changed.

    Raises ResultsError where something cannot be read or written just now; merging again goes on.
    """
    found = Merged()
    stores = [store.existing() for store in others]
    if twice := next((x.path for x in stores if x.path.resolve() == into.path.resolve()), None):
        raise ResultsError(f"{twice} is the folder to merge into; name the others alone")
    into.prepare()
    listings = [list_files(store.jobs) for store in stores]
    files = [file for listing in listings for files in listing.index.values() for file in files]
    found.problems += (str(x) for listing in listings for x in listing.damaged)
    for number, file in enumerate(files):
        told(number, len(files))
        try:
            _take(into, file, found)
        except DamagedError as error:
            found.problems.append(str(error))
        except FileNotFoundError:
            continue  # another process has just removed it
    told(len(files), len(files))
    for store in stores:
        found.problems += store.broken_studies()
        for stored in store.readable_studies():
            found.studies += _copied(store.path / "studies" / stored.id, into.path / "studies" / stored.id)
        for folder in _adapters(store):
            if isinstance(why := _examined(folder), str):
                found.problems.append(f"the adapter {folder} {why}")
            else:
                found.adapters += _copied(folder, into.adapters / folder.name)
        for folder in _gradients(store):
            if isinstance(why := _examined(folder), str):
                found.problems.append(f"the gradient {folder} {why}")
            else:
                _copied(folder, into.gradients / folder.name)
    return found


class Unused(NamedTuple):
    """Something that no study in the folder uses."""

    path: Path
    why: Unneeded
    size: int
    """In bytes."""


def unused(store: Store) -> list[Unused]:
    """What could be removed: nothing that a study's pages show, or that running one again would read.

    Raises ResultsError where a study cannot be read: what it uses is not known.
    """
    if broken := store.existing().broken_studies():
        raise ResultsError(f"{broken[0]}; what it uses is not known, so nothing is removed")
    studies = store.studies()
    keys = {job.condition_key for stored in studies for job in stored.jobs}
    digests = {x for stored in studies for job in stored.jobs for x in _digests(dict(job.condition))}
    found: list[Unused] = []
    for key, files in list_files(store.jobs).index.items():
        ended = {file.identity for file in files if not file.failed}
        for file in files:
            if key not in keys:
                found.append(_unused(file.path, "job of no study"))
            elif file.failed and file.identity in ended:
                found.append(_unused(file.path, "failure since mended"))
    for folder in _adapters(store):
        name = _ADAPTER.fullmatch(folder.name)
        if name is not None and name[1] not in digests:
            found.append(_unused(folder, "adapter of no study"))
    read = {name for stored in studies for job in stored.jobs for name in gradients_of(job)}
    found += (_unused(x, "gradient of no study") for x in _gradients(store) if x.name not in read)
    aside = store.path / "aside"
    found += (_unused(x, "set aside") for x in sorted(aside.iterdir() if aside.is_dir() else ()))
    return found


def remove(found: Iterable[Unused], store: Store) -> int:
    """Remove what `unused` gave. Returns the bytes that this freed. Raises ResultsError."""
    freed = 0
    with writing(store.path):
        for one in found:
            try:
                if one.path.is_dir() and not one.path.is_symlink():
                    shutil.rmtree(one.path)
                else:
                    one.path.unlink()
            except FileNotFoundError:
                continue  # another process was first
            freed += one.size
    return freed


@dataclass
class Migrated:
    """What came of bringing a folder up to date."""

    sealed: int = 0
    """Files of jobs that have a checksum now."""
    current: int = 0
    problems: list[str] = field(default_factory=list)
    """One line for each file that was left as it is."""


def migrate(store: Store, metrics: Mapping[str, Metric], told: Told = lambda done, of: None) -> Migrated:
    """Bring files of earlier versions up to this one: those without a checksum get one, once their scores are
    those of their counts. Counts, scores and provenance stay. Raises ResultsError where the disk fails.
    """
    found = Migrated()
    listing = list_files(store.existing().jobs)
    found.problems += (str(x) for x in listing.damaged)
    files = [file for files in listing.index.values() for file in files]
    for number, file in enumerate(files):
        told(number, len(files))
        try:
            opened = jobfile.opened(file)
            if opened.sealed:
                found.current += 1
                continue
            unknown = sorted({cell.task for cell in opened.cells} - set(metrics))
            if unknown:
                found.problems.append(
                    f"{file.path}: no task {unknown[0]!r} to check it with; install its plugin"
                )
                continue
            if not file.failed:
                opened.check_scores(metrics)
            content = jobfile.resealed(opened)
        except ResultsError as error:
            found.problems.append(str(error))
            continue
        except FileNotFoundError:
            continue  # another process has just removed it
        with writing(store.path):
            put(file.path, content)
        found.sealed += 1
    told(len(files), len(files))
    with writing(store.path):
        schema.mark(store.path)
    return found


def _take(into: Store, file: StoredFile, found: Merged) -> None:
    """Copy a file, or compare it with the one that is here."""
    opened = jobfile.opened(file)
    place = into.jobs / file.path.name
    if file.failed and (into.jobs / f"{file.identity}.parquet").is_file():
        return
    here = StoredFile(place, file.condition_key, file.identity, file.failed)
    if place.is_file():
        with suppress(DamagedError):  # of which the copy takes the place
            own = jobfile.opened(here)
            if file.failed or _most(own, opened) is None:
                found.same += 1
            else:
                label = str(opened.header.provenance.get("label", file.identity))
                most = _most(own, opened) or 0.0
                found.different.append(Difference(label, place, file.path, most))
            return
    with writing(into.path):
        put(place, opened.content)
    found.copied += 1


def _most(one: jobfile.Opened, other: jobfile.Opened) -> float | None:
    """The largest difference of a score; None where all counts are equal."""
    pairs = list(zip(one.records(), other.records(), strict=True))
    if all(np.array_equal(a.evaluation.counts, b.evaluation.counts) for a, b in pairs):
        return None
    return max(
        abs(float(a["score"]) - float(b["score"])) for a, b in zip(one.rows(), other.rows(), strict=True)
    )


def _copied(folder: Path, place: Path) -> bool:
    """Copy a folder whole, unless there is one."""
    if place.exists():
        return False
    with writing(place.parent):
        make_folder(place.parent)
        new = temporary(place)
        try:
            with reading(folder):
                shutil.copytree(folder, new)
            new.rename(place)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return True


def _adapters(store: Store) -> list[Path]:
    return _folders(store.adapters)


def _gradients(store: Store) -> list[Path]:
    return _folders(store.gradients)


def _folders(place: Path) -> list[Path]:
    found = place.iterdir() if place.is_dir() else ()
    return sorted(x for x in found if not x.name.startswith("."))


def _examined(folder: Path) -> kept_adapters.Kept | str:
    """A kept adapter or gradient, by the identity that it gives itself and that its name is a digest of."""
    try:
        identity = json.loads(content_of(folder / kept_adapters.ABOUT))["identity"]
        named = _ADAPTER.fullmatch(folder.name)
        if named is None or digest(identity)[:16] != named[1]:
            return "is another one than its name says"
    except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
        return f"cannot be checked ({kept_adapters.ABOUT})"
    return kept_adapters.examine(folder, identity)


def _digests(value: object) -> Iterator[str]:
    """Digests of all tables within a condition, as the names of kept adapters end in."""
    if isinstance(value, Mapping):
        table: dict[str, Any] = dict(value)
        yield digest(table)[:16]
        if "language" in table:  # a composition names its adapters' languages beside their identities
            yield digest({k: x for k, x in table.items() if k != "language"})[:16]
        for x in table.values():
            yield from _digests(x)
    elif isinstance(value, list | tuple):
        for x in value:
            yield from _digests(x)


def _unused(path: Path, why: Unneeded) -> Unused:
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return Unused(path, why, sum(x.lstat().st_size for x in inside if x.is_symlink() or x.is_file()))
