"""A results folder. Everything in it is immutable, so folders merge by copying files.

Whatever is read is checked against its checksum first (docs/reference/results.md); nothing damaged is used or
deleted.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Cell, Condition, Evaluation, Job, Record, Records
from xlbench.errors import ResultsError, text_of
from xlbench.files import disk
from xlbench.files.disk import make_folder, put, sweep, writing
from xlbench.results import schema, studies, subwords
from xlbench.results.contents import Contents
from xlbench.results.index import DamagedError, Index, Listing, StoredFile, list_files
from xlbench.results.throughput import throughput

if TYPE_CHECKING:
    import pandas as pd

    from xlbench.contracts import Json, Metric, Subwords
    from xlbench.results.jobfile import Header
    from xlbench.results.predictions import Predicted
    from xlbench.results.studies import StoredStudy


_STUDY = re.compile(r"[0-9a-f]{12}")
"""Name of a study's folder."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed, as it was stored."""

    job: Job
    error: Mapping[str, str]
    """`type`, `message` (one line) and `traceback`."""
    provenance: Mapping[str, Any]


class Store:
    """Results under `path`: `jobs/<identity>[.failed].parquet` and `studies/<id>/`.

    Opening creates nothing. Processes and machines may write to one folder at the same time.
    Raises ResultsError where a newer xlbench made the folder, or where it is a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        schema.check_folder(self.path)

    @property
    def jobs(self) -> Path:
        """Where the files of jobs are."""
        return self.path / "jobs"

    @property
    def adapters(self) -> Path:
        """Where adapters are kept, a folder each."""
        return self.path / "adapters"

    @property
    def gradients(self) -> Path:
        """Where gradients of task losses are kept, a folder each."""
        return self.path / "gradients"

    def kept(self) -> frozenset[str]:
        """Names of the adapters and gradients that are kept."""
        found = (self.adapters.glob("[!.]*/adapter_config.json"), self.gradients.glob("[!.]*/xlbench.json"))
        return frozenset(x.parent.name for some in found for x in some)

    def prepare(self) -> None:
        """Create the folder and try whether it can be written to. Raises ResultsError."""
        with writing(self.path):
            make_folder(self.jobs)
            schema.mark(self.path)
            sweep(self.path, self.jobs, self.adapters, self.gradients, *self.path.glob("studies/*"))
            probe = self.path / ".writable"
            put(probe, b"")
            probe.unlink(missing_ok=True)

    def write(
        self,
        job: Job,
        evaluations: Sequence[Evaluation],
        provenance: Mapping[str, Json],
        metrics: Mapping[str, Metric],
    ) -> None:
        """Store a finished job. `provenance` may hold anything; `device`, and `seconds` by phase
        ("finetune", "train adapter", "evaluate"), are read again by `timings`.

        Raises JobError where the evaluations are not those of the job, ResultsError where the disk
        does not take them.
        """
        from xlbench.results import encoding

        self._put(job, ".parquet", encoding.encode(job, evaluations, metrics, _complete(job, provenance)))
        failed = self.jobs / f"{job.identity}.failed.parquet"
        with writing(self.path):
            if failed.is_file() or failed.is_symlink():
                failed.unlink(missing_ok=True)

    def write_failure(self, job: Job, error: BaseException, provenance: Mapping[str, Json]) -> None:
        """Store that a job failed, and why. Raises ResultsError."""
        from xlbench.results import encoding

        facts = {
            "type": type(error).__name__,
            "message": " ".join(text_of(error).split()),
            "traceback": "".join(traceback.format_exception(error)),
        }
        self._put(job, ".failed.parquet", encoding.encode_failure(job, facts, _complete(job, provenance)))

    def receive(self, name: str, content: bytes) -> None:
        """Store a job's file that another process wrote, under its name. Raises ResultsError."""
        job, _, ending = name.partition(".")
        if "/" in name or ending not in ("parquet", "failed.parquet"):
            raise ResultsError(f"{self.path}: {name!r} is not the name of a job's file")
        with writing(self.path):
            schema.mark(self._made())
            put(self.jobs / name, content)
            if ending == "parquet":
                (self.jobs / f"{job}.failed.parquet").unlink(missing_ok=True)

    def listing(
        self, keys: Collection[str] | None = None, metrics: Mapping[str, Metric] | None = None
    ) -> Listing:
        """All sound files by condition key, and those whose content is not what was written, which all else
        takes as not there. Each file is read and checked, those of the condition `keys` alone if given;
        `metrics`, by task, are for files of an earlier xlbench, which have no checksum.

        Raises ResultsError for what cannot be read just now: it may be whole.
        """
        from xlbench.results import jobfile

        found = list_files(self.jobs)
        index: dict[str, list[StoredFile]] = {}
        damaged = list(found.damaged)
        for key, files in found.index.items():
            for file in files:
                try:
                    if keys is None or key in keys:
                        jobfile.check(file, metrics or {})
                    index.setdefault(key, []).append(file)
                except DamagedError as error:
                    damaged.append(error)
                except FileNotFoundError:
                    continue  # another process has just removed it
        return Listing(index, tuple(sorted(damaged, key=lambda x: x.path)))

    def file(self, job: Job) -> StoredFile:
        """Where the file of a job is, once it has ended well."""
        return StoredFile(
            self.jobs / f"{job.identity}.parquet", job.condition_key, job.identity, failed=False
        )

    def has(self, job: Job) -> bool:
        """Whether the file of a finished job is there, and whole. Raises ResultsError."""
        from xlbench.results import jobfile

        file = self.file(job)
        if not file.path.is_file():
            return False
        try:
            jobfile.check(file, {})
        except (DamagedError, FileNotFoundError):
            return False
        return True

    def index(self) -> Index:
        """All sound files by condition key."""
        return self.listing().index

    def set_aside(self, damaged: Iterable[DamagedError]) -> None:
        """Move damaged files out of the way, to the folder `aside`, as far as they are still there and
        damaged. Raises ResultsError.
        """
        found = {error.path: error.condition_key for error in damaged}
        still = self.listing(set(found.values())).damaged if found else ()
        with writing(self.path):
            for error in still:
                if error.path in found:
                    disk.set_aside(error.path, self.path / "aside")

    def stored_cells(self, condition_key: str, index: Index | None = None) -> set[str]:
        """Keys of the cells that are stored for a condition; opens only that condition's files.

        Hand in one `index` where many conditions are asked for. Raises ResultsError.
        """
        from xlbench.results import jobfile

        if index is None:
            index = self.listing({condition_key}).index
        found: set[str] = set()
        for file in index.get(condition_key, ()):
            if not file.failed:
                with suppress(DamagedError, FileNotFoundError):
                    found |= {cell.key for cell in jobfile.opened(file).cells}
        return found

    def missing_cells(self, job: Job, index: Index) -> tuple[Cell, ...]:
        """Cells of `job` that are stored in no file. Opens none where one has the job's very name."""
        files = [file for file in index.get(job.condition_key, ()) if not file.failed]
        if not files:
            return job.cells
        if any(file.identity == job.identity for file in files):
            return ()
        stored = self.stored_cells(job.condition_key, index)
        return tuple(cell for cell in job.cells if cell.key not in stored)

    def read(self, files: Iterable[StoredFile], metrics: Mapping[str, Metric] | None = None) -> list[Record]:
        """Every record of the files; a failed job's file has none, and a damaged file gives none.

        Raises ResultsError, also for scores that the `metrics`, by task, would not give.
        """
        from xlbench.results import jobfile

        found: list[Record] = []
        for file in files:
            if not file.failed:
                with suppress(DamagedError, FileNotFoundError):
                    found += jobfile.decode(file, metrics)
        return found

    def save_study(
        self,
        study: Mapping[str, Json],
        jobs: Sequence[Job],
        described: Mapping[str, Json],
        dropped: Mapping[tuple[str, Cell], str] | None = None,
    ) -> str:
        """Write a study's manifest, `described` being what `describe` gave, `dropped` what an adaptive study
        does without; returns its id, the same for the same jobs. Raises ResultsError.
        """
        name = studies.study_id(jobs, adaptive=bool(study.get("adaptive")))
        others = (x.created for x in self.readable_studies() if x.id != name)
        with writing(self.path):
            schema.mark(self._made())
            studies.save(self.folder_of(name), study, jobs, described, dropped or {}, next(others, ""))
        return name

    def saved(self, study: Mapping[str, Json], jobs: Sequence[Job]) -> str | None:
        """The id that `save_study` would give; None where that study is not saved yet."""
        name = studies.study_id(jobs, adaptive=bool(study.get("adaptive")))
        return name if (self.folder_of(name) / "plan.json").is_file() else None

    def has_subwords(self, study_id: str) -> bool:
        """Whether a study has what `save_subwords` keeps, whole."""
        with suppress(ResultsError):
            return bool(subwords.load(self.folder_of(study_id)))
        return False

    def save_subwords(self, study_id: str, found: Mapping[str, Subwords]) -> None:
        """Keep what the tokenizer makes of a study's languages, by task. Raises ResultsError."""
        with writing(self.path):
            subwords.save(self.folder_of(study_id), found)

    def studies(self) -> list[StoredStudy]:
        """All studies that can be read, the last started first. Raises ResultsError where none can."""
        found = self.readable_studies()
        if not found and (broken := self._manifests()[1]):
            raise broken[0]
        return found

    def readable_studies(self) -> list[StoredStudy]:
        """The same; empty where none can be read."""
        return sorted(self._manifests()[0], key=lambda x: (x.created, x.id), reverse=True)

    def broken_studies(self) -> tuple[str, ...]:
        """A line for each study that cannot be read, and is none of `studies`."""
        return tuple(str(error) for error in self._manifests()[1])

    def _manifests(self) -> tuple[list[StoredStudy], list[ResultsError]]:
        found, broken = [], []
        for folder in sorted(x for x in self.path.glob("studies/*") if _STUDY.fullmatch(x.name)):
            try:
                found.append(studies.load(folder))
            except ResultsError as error:
                broken.append(error)
        return found, broken

    def existing(self) -> Store:
        """The same store. Raises ResultsError where there is no such folder."""
        if not self.path.is_dir():
            raise ResultsError(
                f"no results in {self.path}: no such folder; run a study first, or give another --results"
            )
        return self

    def study(self, study_id: str | None = None) -> StoredStudy:
        """One study; None is the last started. Raises ResultsError where there is none."""
        self.existing()
        if study_id is not None:
            folders = self.path / "studies"
            if study_id not in {path.name for path in folders.glob("*") if path.is_dir()}:
                known = ", ".join(x.id for x in self.studies()) or "none"
                raise ResultsError(f"no study {study_id!r} in {self.path}; there are: {known}")
            return studies.load(self.folder_of(study_id))
        found = self.studies()
        if not found:
            raise ResultsError(f"no study in {self.path}; run one first: xlbench run")
        return found[0]

    def contents(self, stored: StoredStudy, index: Index | None = None) -> Contents:
        """What the files of a study hold, or those of `index` that are of it; the study itself need not be
        stored. Raises ResultsError.
        """
        return Contents.read(self, stored, index)

    def records(self, metrics: Mapping[str, Metric], study_id: str | None = None) -> Records:
        """Everything that a study's pages are made from; None is the last started.

        Each expected cell comes once, whatever files it is in; cells that the study does not ask for
        are left out. `metrics` is by task. Raises ResultsError, also for a task without a metric.
        """
        return self.contents(self.study(study_id)).records(metrics)

    def failures(self, stored: StoredStudy) -> list[Failure]:
        """The jobs of a study that failed and have not ended well since, in the study's order."""
        index = self.listing({job.condition_key for job in stored.jobs}).index
        found = []
        for job in stored.expected:
            heads = list(self._headers(x for x in index.get(job.condition_key, ()) if x.failed))
            if heads and self.missing_cells(job, index):
                last = max(heads, key=lambda x: str(x.provenance.get("ended", "")))
                found.append(Failure(job, dict(last.error or {}), last.provenance))
        return found

    def provenances(self, study_id: str | None = None) -> list[dict[str, Any]]:
        """Provenance of each finished file that serves a study; None is the last started."""
        return self.contents(self.study(study_id)).provenances

    def _headers(self, files: Iterable[StoredFile]) -> Iterator[Header]:
        """What sound files say about their jobs."""
        from xlbench.results import jobfile

        for file in files:
            with suppress(DamagedError, FileNotFoundError):
                yield jobfile.header(file)

    def timings(self, model: str, device: str, enough: int = 200) -> dict[str, float]:
        """How fast jobs of the model of fingerprint `model` were on `device`, in units of work a second by
        the unit's name, from at most `enough` of the stored files. Those that cannot be read are passed over:
        no estimate stops a run.
        """
        from xlbench.results import jobfile

        found: list[dict[str, Any]] = []
        for files in list_files(self.jobs).index.values():
            for file in files:
                if len(found) == enough:
                    return throughput(found)
                if file.failed:
                    continue
                try:
                    head = jobfile.header(file)
                except (ResultsError, FileNotFoundError):
                    continue
                if Condition.read(head.condition).model == model and head.provenance.get("device") == device:
                    found.append(head.provenance)
        return throughput(found)

    def frame(
        self, study_id: str | None = None, metrics: Mapping[str, Metric] | None = None
    ) -> tuple[pd.DataFrame, tuple[DamagedError, ...]]:
        """Stored scores as a tidy frame, one row per cell; None is every cell in the folder.

        Columns: probe, probe_version, task, target, score (points), n (examples), truncated, the
        condition flattened (`condition.text.language`), and further numbers (`extra.majority`).
        Beside it, the damaged files, of which it has nothing. Raises ResultsError, also for scores that the
        `metrics`, by task, would not give.
        """
        from xlbench.results import frame

        wanted, listing, damaged = self._wanted(study_id)
        table = frame.frame(listing.index, wanted, metrics or {}, damaged)
        return table, tuple(damaged)

    def predictions(
        self, study_id: str | None = None, metrics: Mapping[str, Metric] | None = None
    ) -> tuple[Predicted, tuple[DamagedError, ...]]:
        """What was predicted of each example, where that was kept, as `frame` gives scores."""
        from xlbench.results import predictions

        wanted, listing, damaged = self._wanted(study_id)
        return predictions.frame(listing.index, wanted, metrics or {}, damaged), tuple(damaged)

    def without_predictions(self, jobs: Iterable[Job]) -> list[str]:
        """Labels of the finished ones of these jobs whose predictions were not kept."""
        from xlbench.results import jobfile

        index = list_files(self.jobs).index
        return [
            job.label
            for job in jobs
            if any(not x.failed and not jobfile.has_predictions(x) for x in index.get(job.condition_key, ()))
        ]

    def _wanted(
        self, study_id: str | None
    ) -> tuple[set[tuple[str, Cell]] | None, Listing, list[DamagedError]]:
        """The cells of a study (None: all), the files that are there, and the damaged ones of them."""
        wanted = None
        if study_id is not None:
            wanted = {(x.condition_key, cell) for x in self.study(study_id).expected for cell in x.cells}
        listing = list_files(self.jobs)
        keys = None if wanted is None else {key for key, _ in wanted}
        return wanted, listing, [x for x in listing.damaged if keys is None or x.condition_key in keys]

    def folder_of(self, study_id: str) -> Path:
        """Where what belongs to a study is."""
        return self.path / "studies" / study_id

    def _made(self) -> Path:
        make_folder(self.jobs)
        return self.path

    def _put(self, job: Job, ending: str, content: bytes) -> None:
        with writing(self.path):
            schema.mark(self._made())
            put(self.jobs / f"{job.identity}{ending}", content)


def _complete(job: Job, provenance: Mapping[str, Json]) -> dict[str, Json]:
    ended = datetime.now(UTC).isoformat()
    return {"ended": ended, **provenance, "label": job.label, "cost": asdict(job.cost)}
