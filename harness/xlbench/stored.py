"""What stored results say, for Python callers and the command line: pages, files of them, answers."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.compared import Compared
from xlbench.contracts import Recommends, RecommendsSets
from xlbench.data.codes import to_iso639_3
from xlbench.errors import ResultsError, UnknownNameError, XlbenchError
from xlbench.plugins import OWN, culprit, give, load, load_for, made_with
from xlbench.results import Store
from xlbench.results.manifest import skipped
from xlbench.running.work import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from xlbench.contracts import Page, Records
    from xlbench.plugins import Kind, Registry
    from xlbench.reporting import Origin, Provenance, Publisher, Summary
    from xlbench.results import DamagedError, StoredStudy

MOST_PAGES = 1_000
"""Of one probe: what gives more may never end."""


class Stored:
    """A stored study and its pages, which are made once, for all that is written of them."""

    def __init__(self, results: str | Path, study: str | None = None, plugins: Iterable[object] = ()) -> None:
        """`study` is its id; None is the last started. `plugins` are those that are not installed, as
        `xlbench.run` takes them. Raises ResultsError.
        """
        self._plugins = tuple(plugins)
        given = give(self._plugins)
        self.store = Store(Path(results))
        self.stored = self.store.study(study)
        registry = load_for(self.stored.study, given=given)
        self._contents = self.store.contents(self.stored)
        self._made_by = self._contents.provenances
        self.registry = made_with(registry, self._made_by)
        metrics = {name: x.metric for name, x in self.registry.tasks.items()}
        self.records = self._contents.records(metrics)
        self._provenances: dict[tuple[str, str], Provenance] = {}

    @property
    def pages(self) -> list[tuple[str, Page]]:
        """With their probes, those asked for first; as they are shown here. Made when first asked for."""
        return self._made[0]

    @property
    def problems(self) -> list[str]:
        """One line for each probe whose pages cannot be obtained."""
        return self._made[1]

    @property
    def recommends(self) -> bool:
        """Whether a probe of the study can say which language to take for a target."""
        probes = self.registry.probes
        return any(isinstance(probes.get(probe), Recommends) for probe, _ in self.pages)

    @cached_property
    def published(self) -> list[tuple[str, Page]]:
        """With their probes, without paths: what leaves the machine."""
        return [(probe, self.publisher.page(page)) for probe, page in self.pages]

    @cached_property
    def publisher(self) -> Publisher:
        """Takes the paths of this machine out of texts."""
        from xlbench import reporting

        return reporting.Publisher(self.stored.study, str(self.stored.described["model"]["name"]))

    def name(self, code: str) -> str:
        """A language's name with its code, "Finnish (fin)"; of "deu+tur" each; otherwise the same."""
        known = self.records.languages
        return "+".join(known[x].label if x in known else x for x in code.split("+"))

    def provenance(self, page: Page) -> Provenance:
        """What stands at the end of a published page."""
        probe = next(probe for probe, x in self.published if x is page)
        if (key := (probe, page.task)) not in self._provenances:
            self._provenances[key] = self._provenance(*key)
        return self._provenances[key]

    def _provenance(self, probe: str, task: str) -> Provenance:
        tasks = [task] if task else sorted(self.records.metrics)
        asked: list[tuple[Kind, str]] = [("probe", probe), *(("task", x) for x in tasks)]
        owners = [self.registry.owners[x].distribution for x in asked if x in self.registry.owners]
        found = (x.evaluation for x in self.records.records if x.evaluation.cell.task in tasks)
        sizes = {len(x.counts) for x in found if x.is_scored}
        return self._origin.provenance(probe, task, owners, sizes)

    @cached_property
    def _origin(self) -> Origin:
        from xlbench import reporting

        return reporting.Origin(self.stored, self._made_by, self.publisher, self.other_versions)

    @cached_property
    def summary(self) -> Summary:
        """What the pages of the probes that were asked for come to."""
        return self._summary(self.pages, str(self.stored.described["model"]["name"]))

    @cached_property
    def published_summary(self) -> Summary:
        """The same without paths."""
        from xlbench.reporting.provenance import model_name

        return self._summary(self.published, model_name(self.stored.described))

    def _summary(self, pages: Sequence[tuple[str, Page]], model: str) -> Summary:
        from xlbench import reporting

        asked = self.asked
        some = [(probe, page) for probe, page in pages if probe in asked] or pages
        return reporting.summary(some, model, self.records.languages)

    @property
    def asked(self) -> list[str]:
        """The probes that the study names."""
        return [x.rpartition("/")[2] for x in self.stored.study.get("probes", [])]

    @cached_property
    def other_versions(self) -> list[str]:
        """One line for each task and probe whose results another version of a third party's plugin made than
        the one that reads them now. Scores agree: others are an error of reading.
        """
        asked: list[tuple[Kind, str]] = [("task", x) for x in sorted(self.records.metrics)]
        asked += [("probe", x) for x in dict.fromkeys(job.probe for job in self.stored.jobs)]
        found = []
        for kind, name in asked:
            owner = self.registry.owners.get((kind, name))
            if owner is None or owner.distribution == OWN:
                continue
            told = {x.get("plugins", {}).get(f"{kind} {name}") for x in self._made_by}
            if makers := sorted(told - {None, owner.told}):
                did, now = ("was run", "makes its pages")
                if kind == "task":
                    did, now = ("was scored", "gives the same scores of the stored statistics")
                found.append(f"{kind} {name!r} {did} by {', '.join(makers)}; {owner.told} {now}")
        return found

    def unread(self) -> Iterable[str]:
        """One line for each file of the study's jobs that cannot be read."""
        return self._contents.damage()

    def write_leaderboard(self, folder: Path) -> tuple[list[Path], list[str]]:
        """Markdown pages, the index first, and pictures; and why some of these could not be drawn.
        Raises ResultsError.
        """
        from xlbench import reporting

        undrawn: set[str] = set()
        written = reporting.write_leaderboard(
            folder, self.published, self.provenance, undrawn.add, self.records.languages
        )
        return written, sorted(undrawn)

    def write_report(self, path: Path) -> str | None:
        """One HTML file. Gives why it has no charts, where it has none. Raises ResultsError."""
        from xlbench import reporting

        records, study = self.records, self.publisher.study
        several = self._beside()
        beside = several.published if several else []
        opening = reporting.opening(study, self.stored.jobs, self.published_summary)
        opening = replace(opening, beside=tuple(page for _, page in beside))

        def made_by(page: Page) -> Provenance:
            if several is not None and any(page is x for _, x in beside):
                return several.provenance
            return self.provenance(page)

        pages = [*self.published, *beside]
        reporting.write_report(path, pages, made_by, records.languages, records.seen, opening)
        return reporting.no_charts()

    def _beside(self) -> Compared | None:
        """The study and the last of each other model in its folder that has one of its tasks; None where
        there is no other.
        """
        tasks = {cell.task for job in self.stored.jobs for cell in job.cells}
        found = {str(self.stored.described["model"]["name"]): self.stored.id}
        for other in self.store.readable_studies():
            if tasks & {cell.task for job in other.jobs for cell in job.cells}:
                found.setdefault(str(other.described["model"]["name"]), other.id)
        try:
            return Compared([*found.values()], self.store.path, self._plugins) if len(found) > 1 else None
        except XlbenchError:  # they have no pair of languages in common, or what is stored of them is damaged
            return None

    @cached_property
    def _made(self) -> tuple[list[tuple[str, Page]], list[str]]:
        registry, asked, problems = self.registry, self.asked, list[str]()
        made: list[tuple[str, Page]] = []
        for name in dict.fromkeys((*asked, *(job.probe for job in self.stored.jobs))):
            if name not in registry.probes:
                problems.append(f"{registry.unknown('probe', name)}; its pages are left out")
                continue
            try:
                own = list(islice(registry.probes[name].pages(self.records), MOST_PAGES + 1))
                if len(own) > MOST_PAGES:
                    raise ResultsError(f"gives more than {MOST_PAGES:,} pages; give fewer")
                warned = (
                    replace(page, warnings=(*skipped(self.stored.described, page.task), *page.warnings))
                    for page in own
                )
                made += [(name, page) for page in warned]
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                owner = registry.owners["probe", name]
                by = culprit(error) if owner.distribution == OWN else None
                problems.append(f"no pages of the probe {name!r} ({by or owner}): {one_line(error)}")
        return made, problems


def pages(
    results: str | Path = "results", study: str | None = None, *, plugins: Iterable[object] = ()
) -> list[Page]:
    """The pages of a stored study, as `xlbench show` prints them: of the last started, or of one by its id.

    What cannot be read is a UserWarning each. Raises ResultsError.
    """
    read = Stored(results, study, plugins)
    _warn([*read.problems, *read.unread()])
    return [page for _, page in read.pages]


def leaderboard(
    results: str | Path = "results",
    out: str | Path = "leaderboards",
    study: str | None = None,
    *,
    plugins: Iterable[object] = (),
) -> Path:
    """Write the pages of a stored study as markdown and pictures, and give the path of their index.

    What cannot be read or drawn is a UserWarning each. Raises ResultsError.
    """
    read = Stored(results, study, plugins)
    written, undrawn = read.write_leaderboard(Path(out))
    _warn([*read.problems, *read.unread(), *undrawn])
    return written[0]


def report(
    results: str | Path = "results",
    out: str | Path | None = None,
    study: str | None = None,
    *,
    plugins: Iterable[object] = (),
) -> Path:
    """Write the pages of a stored study as one HTML file (`report.html` in the folder of results by default),
    and give its path. What cannot be read or drawn is a UserWarning each. Raises ResultsError.
    """
    read = Stored(results, study, plugins)
    path = Path(results) / "report.html" if out is None else Path(out)
    bare = read.write_report(path)
    _warn([*read.problems, *read.unread(), *([bare] if bare else [])])
    return path


def recommend(
    task: str,
    target: str,
    *,
    model: str = "tiny",
    results: str | Path = "results",
    study: str | None = None,
    plugins: Iterable[object] = (),
    set_size: int | None = None,
) -> list[Page]:
    """Which transfer language to take for a target, by measured effects or predicted ones: a page for each
    probe that recommends. With `set_size`, which sets of so many languages to try instead. The study is the
    last of that model and task, or one by its id. Raises XlbenchError.
    """
    return [x for _, x in recommended(task, target, model, results, study, plugins, set_size)]


def recommended(
    task: str,
    target: str,
    model: str,
    results: str | Path,
    study: str | None = None,
    plugins: Iterable[object] = (),
    set_size: int | None = None,
) -> list[tuple[str, Page]]:
    """As `recommend`, with the pages' probes."""
    registry, store = load(given=give(plugins)), Store(Path(results)).existing()
    task = task.rpartition("/")[2]
    if not registry.claims("task", task):
        raise UnknownNameError(registry.unknown("task", task))
    code = to_iso639_3(target, registry.languages)
    stored = store.study(study) if study else _newest(store, model, task, registry)
    contents = store.contents(stored)
    registry = made_with(registry, contents.provenances)
    metrics = {name: x.metric for name, x in registry.tasks.items()}
    records = _with_language(contents.records(metrics), registry, model, code)
    from xlbench.probing.strangers import refuse_stranger

    refuse_stranger(records, task, code)
    ran = {name: x for name, x in registry.probes.items() if any(job.probe == name for job in stored.jobs)}
    if set_size is not None:
        sets = [
            (name, probe.recommend_sets(records, task, code, set_size))
            for name, probe in ran.items()
            if isinstance(probe, RecommendsSets)
        ]
        if not sets:
            raise ResultsError(
                f"study {stored.id} has no probe that recommends sets; run one: --probe transfer"
            )
        return sets
    found = [
        (name, probe.recommend(records, task, code))
        for name, probe in ran.items()
        if isinstance(probe, Recommends)
    ]
    if not found:
        raise ResultsError(f"study {stored.id} has no probe that recommends; run one: --probe transfer")
    return found


def load_results(
    path: str | Path = "results", study: str | None = None, *, plugins: Iterable[object] = ()
) -> pd.DataFrame:
    """Stored scores, one row per cell: of everything in the folder, or of one study by its id.

    Columns: probe, probe_version, task, target, score (points), n (examples), truncated, task_loss (nats per
    decision; empty where none is stored), the condition flattened (`condition.text.language`), and further
    numbers (`extra.majority`).
    Every file is checked as `xlbench show` checks it; a damaged one is a UserWarning, and has no rows.
    Raises ResultsError, also where there is no such folder.
    """
    frame, damaged = read_frame(Path(path), study, plugins)
    _warn(f"{error} ignored; run its study again" for error in damaged)
    return frame


def read_frame(
    path: Path, study: str | None, plugins: Iterable[object] = ()
) -> tuple[pd.DataFrame, tuple[DamagedError, ...]]:
    """What `load_results` gives, and the damaged files, of which it has nothing. Raises ResultsError."""
    metrics = {name: task.metric for name, task in load(given=give(plugins)).tasks.items()}
    return Store(path).existing().frame(study, metrics)


def read_predictions(
    path: Path, study: str | None, plugins: Iterable[object] = ()
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """What was predicted of each example, one row each (`results.predictions`); and one line for each damaged
    file, and for what was run without keeping predictions. Raises ResultsError.
    """
    metrics = {name: task.metric for name, task in load(given=give(plugins)).tasks.items()}
    found, damaged = Store(path).existing().predictions(study, metrics)
    lines = [f"{error} ignored; run its study again" for error in damaged]
    if found.without and not found.table.empty:
        lines.append(without_predictions(found.without))
    return found.table, tuple(lines)


def without_predictions(labels: Sequence[str]) -> str:
    """What to say of jobs that have none."""
    jobs = "1 job has" if len(labels) == 1 else f"{len(labels)} jobs have"
    such = "" if len(labels) == 1 else "such as "
    return f"{jobs} no predictions ({such}{labels[0]!r}); --keep-predictions --rerun all runs every job again"


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        warnings.warn(line, stacklevel=3)


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
