"""From a resolved study to the jobs that it needs, in order, less those that are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from xlbench.contracts import Job, merged
from xlbench.contracts.work import total
from xlbench.errors import PluginError, StudyError, XlbenchError, said_of
from xlbench.plugins import OWN, culprit
from xlbench.results.studies import less, with_cells
from xlbench.spec.fields import fault, shown
from xlbench.spec.problems import ManyProblemsError
from xlbench.studies import adaptive
from xlbench.studies.missing_data import left_out, notes
from xlbench.studies.order import in_order

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Cost, Rerun, Resolved, Study
    from xlbench.plugins import Registry
    from xlbench.results import DamagedError, Index, Store

BYTES_A_JOB = 9_000
BYTES_AN_EXAMPLE = 2
"""Size of a result file, as measured: 9 kB with hardly an example, 93 kB with 40,000 of span F1."""

MOST_JOBS = 300_000
"""Of one probe: what asks for more may never end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study comes to."""

    study: Study
    """With all defaults filled in."""
    jobs: tuple[Job, ...]
    """All of them, in order, whole."""
    todo: tuple[Job, ...]
    """What is to be run, less the cells that are stored; of an adaptive study, in this round."""
    failed: tuple[Job, ...] = ()
    """Failed before; in `todo` too unless only missing ones are asked for."""
    left_out: tuple[str, ...] = ()
    """A line for each task without test data in some target, and each default probe that does not apply."""
    notes: tuple[str, ...] = ()
    """A line for what was done to data in reading them, and for each choice among several sets."""
    damaged: tuple[DamagedError, ...] = ()
    """Result files whose content is not what was written, treated as missing."""
    later: tuple[Job, ...] = ()
    """Of an adaptive study: what later rounds come to at most, less the cells that are stored."""
    dropped: Mapping[tuple[str, Cell], str] = field(default_factory=dict)
    """Of an adaptive study: what it does without (`Records.dropped`)."""

    @property
    def done(self) -> int:
        """Jobs of which every cell is stored, or every cell that an adaptive study did not drop."""
        left = {x.condition_key for x in (*self.todo, *self.failed, *self.later)}
        return sum(x.condition_key not in left for x in less(self.jobs, self.dropped))

    @property
    def cost(self) -> Cost:
        """Of what is to be run; of an adaptive study, at most."""
        return total(x.cost for x in (*self.todo, *self.later))

    @property
    def whole(self) -> Cost:
        """Of the whole study, done or not."""
        return total(x.cost for x in _charged(self.jobs))

    @property
    def disk(self) -> int:
        """Bytes that the results still to come take, roughly."""
        return (
            BYTES_A_JOB * (len(self.todo) + len(self.later)) + BYTES_AN_EXAMPLE * self.cost.evaluate_examples
        )

    @property
    def keeps(self) -> tuple[int, int]:
        """What the jobs still to come keep on disk that is as large as the model: how many such files, and
        the bytes that all of them have for each of its weights, at most.
        """
        found = {name: size for job in (*self.todo, *self.later) for name, size in job.keeps.items()}
        return len(found), sum(found.values())


def make(resolved: Resolved, registry: Registry, store: Store, rerun: Rerun = "failed") -> Plan:
    """Ask the probes for their jobs and take out what is stored.

    `rerun`: "missing" runs what neither ended nor failed; "failed" those that failed too; "all" runs
    everything again. Raises StudyError where the study makes no sense for a probe, PluginError where
    a probe's jobs make none.
    """
    asked, without = _ask(resolved, registry)
    jobs = in_order(asked)
    if resolved.study.adaptive:
        adaptive.check(resolved, registry)
    metrics = {name: task.metric for name, task in resolved.tasks.items()}
    listing = store.listing({job.condition_key for job in jobs}, metrics)
    plan = Plan(
        study=_less(resolved.study, without),
        jobs=jobs,
        todo=(),
        left_out=(*left_out(resolved), *without.values()),
        notes=notes(resolved),
        damaged=listing.damaged,
    )
    return _filled(plan, resolved, registry, store, {} if rerun == "all" else listing.index, rerun)


def after(
    plan: Plan, resolved: Resolved, registry: Registry, store: Store, ended: Collection[str], rerun: Rerun
) -> Plan:
    """The next round of an adaptive study, once all of `todo` has ended; what failed is left alone.

    `ended` are the condition keys of jobs that ended since the study was started: with `rerun` "all", no
    others count.
    """
    index = store.listing({job.condition_key for job in plan.jobs}).index
    if rerun == "all":
        index = {key: files for key, files in index.items() if key in ended}
    return _filled(plan, resolved, registry, store, index, "missing")


def _filled(
    plan: Plan, resolved: Resolved, registry: Registry, store: Store, index: Index, rerun: Rerun
) -> Plan:
    """A plan with what is to be run, determined from what is stored."""
    due = plan.jobs
    later: tuple[Job, ...] = ()
    dropped: Mapping[tuple[str, Cell], str] = {}
    if resolved.study.adaptive:

        def unfinished(jobs: tuple[Job, ...]) -> bool:
            return bool(_left(jobs, store, index, rerun)[0])

        due, later, dropped = adaptive.follow(plan.jobs, resolved, registry, store, index, unfinished)
    todo, failed = _left(due, store, index, rerun)
    more, _ = _left(later, store, index, "failed")
    charged = _charged([*todo, *more], store.kept())
    return replace(
        plan, todo=charged[: len(todo)], failed=failed, later=charged[len(todo) :], dropped=dropped
    )


def _left(
    jobs: tuple[Job, ...], store: Store, index: Index, rerun: Rerun
) -> tuple[list[Job], tuple[Job, ...]]:
    """What is to be run of some jobs, and those that failed before."""
    failed = tuple(x for x in jobs if _failed(x, index) and store.missing_cells(x, index))
    skipped: set[str] = {x.condition_key for x in failed} if rerun == "missing" else set()
    todo = []
    for job in jobs:
        if job.condition_key in skipped or not skipped.isdisjoint(job.needs):
            skipped.add(job.condition_key)
            continue
        left = store.missing_cells(job, index)
        if left:
            todo.append(with_cells(job, left))
    return todo, failed


def _less(study: Study, probes: Container[str]) -> Study:
    """The study without some probes, and without what it sets for them."""
    return replace(
        study,
        probes=tuple(x for x in study.probes if x not in probes),
        options={k: v for k, v in study.options.items() if k not in probes},
    )


@dataclass(frozen=True, slots=True)
class Size:
    """What a study with so many transfer languages comes to, from nothing."""

    languages: int
    jobs: Mapping[str, int]
    """By probe."""
    cost: Cost


def growth(resolved: Resolved, registry: Registry) -> list[Size]:
    """The study with fewer of its transfer languages, up to itself: where pairs and sets of languages are
    measured, it grows faster than they do. Where it makes no sense with fewer, those are left out.
    """
    languages, found = resolved.study.transfer, []
    count = len(languages)
    for few in sorted({2, count // 2, count - 1, count} & {*range(2, count + 1)}):
        part = resolved.with_transfer(languages[:few])
        try:
            jobs, without = _ask(part, registry)
        except StudyError:
            continue
        if not without or few == count:
            by_probe = Counter(job.probe for job in jobs)
            found.append(Size(few, by_probe, total(x.cost for x in _charged(jobs))))
    return found


def _ask(resolved: Resolved, registry: Registry) -> tuple[list[Job], dict[str, str]]:
    """The jobs of all probes; what two of them ask for comes once, with the cells of both.

    Beside them, by name, a line for each default probe for which the study makes no sense.
    """
    asked: list[Job] = []
    problems: list[str] = []
    without: dict[str, str] = {}
    for name in resolved.study.probes:
        try:
            jobs = _jobs(name, resolved, registry)
        except StudyError as error:
            if name in resolved.unasked:
                without[name] = f"{name}: {error}"
            else:
                problems += str(error).splitlines()
            continue
        except XlbenchError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # its sys.exit() is no end of the run
            where = _probe(name, registry)
            if registry.owners["probe", name].distribution == OWN:
                where = culprit(error) or where  # what the probe asked of another plugin
            raise PluginError(f"{where} failed while planning: {said_of(error)}") from error
        asked += jobs
    if resolved.study.beneath and asked and not any(_is_over_adapters(x) for x in asked):
        problems.append(
            f"adapter_orders: no probe of this study ({', '.join(resolved.study.probes)}) trains task "
            "adapters over language adapters; add one that does, such as stacking, or leave out mad-x"
        )
    if not asked:
        problems += without.values()
    if problems:
        raise ManyProblemsError(problems)
    return merged(asked), without


def _is_over_adapters(job: Job) -> bool:
    adapter = job.typed.adapter
    return adapter is not None and adapter.over is not None


def _jobs(name: str, resolved: Resolved, registry: Registry) -> list[Job]:
    """The jobs that one probe asks for, apart from those of other plugins' probes of the same name.

    Raises PluginError for what is not a job, or one of a probe that is not there; and what the probe raises.
    """
    found = registry.find("probe", name).jobs(resolved)
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise PluginError(f"{_probe(name, registry)}: jobs gives {shown(found)}, not a sequence of jobs")
    jobs: list[Job] = []
    renamed: dict[str, str] = {}
    sound: set[tuple[Cell, ...]] = set()
    for number, job in enumerate(islice(found, MOST_JOBS + 1), 1):
        if number > MOST_JOBS:
            raise PluginError(
                f"{_probe(name, registry)}: jobs gives more than {MOST_JOBS:,} jobs; give fewer"
            )
        if why := _fault(job, sound):
            raise PluginError(f"{_probe(name, registry)}: job {number}: {why}")
        if not job.cells:
            raise PluginError(f"{_probe(name, registry)}: the job {job.label!r} has no cells")
        if job.probe not in registry.probes:
            raise PluginError(
                f"probe {name!r} asks for a job of the probe {job.probe!r}, which is not installed"
            )
        try:
            before = job.condition_key
        except (TypeError, ValueError, RecursionError) as error:
            raise PluginError(
                f"{_probe(name, registry)}: the condition of the job {job.label!r} is not plain data: {error}"
            ) from None
        if ("probe", job.probe) in registry.owners and (origin := registry.owners["probe", job.probe].origin):
            job = replace(job, condition={**job.condition, "plugin": origin})
            renamed[before] = job.condition_key
        jobs.append(job)
    if not renamed:
        return jobs
    return [replace(x, needs=tuple(renamed.get(need, need) for need in x.needs)) for x in jobs]


def _fault(job: Job, sound: set[tuple[Cell, ...]]) -> str:
    """What is wrong with a job. Many have the same cells, which are looked at once and kept in `sound`."""
    if isinstance(job, Job) and isinstance(job.cells, tuple):
        with suppress(TypeError):  # cells that have no hash are no cells
            if job.cells in sound:
                return fault(replace(job, cells=()), Job)
            if not (why := fault(job, Job)):
                sound.add(job.cells)
            return why
    return fault(job, Job)


def _probe(name: str, registry: Registry) -> str:
    return f"probe {name!r} ({registry.owners['probe', name]})"


def _failed(job: Job, index: Index) -> bool:
    return any(file.failed for file in index.get(job.condition_key, ()))


def _charged(todo: Iterable[Job], kept: Iterable[str] = ()) -> tuple[Job, ...]:
    """The work that jobs share, charged to the first that has it, unless it is done and `kept`."""
    paid, charged = set(kept), []
    for job in todo:
        due = [cost for name, cost in job.shares.items() if name not in paid]
        if job.keeps:
            job = replace(job, keeps={x: size for x, size in job.keeps.items() if x not in paid})
        paid |= job.shares.keys() | job.keeps.keys()
        charged.append(replace(job, cost=total([job.cost, *due])) if due else job)
    return tuple(charged)
