"""What Python callers use, and the command line too: plan and run a study. Stored results: `stored`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
import warnings
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import HasCapacity, StudyPlanned, settings
from xlbench.errors import ResultsError, StudyError, XlbenchError
from xlbench.models import checkpoints
from xlbench.plugins import OWN, blaming, give, load, load_for, settle, spelled
from xlbench.result import Result
from xlbench.results import Store, describe
from xlbench.results.estimate import Meter
from xlbench.running import notebook
from xlbench.running.observing import Chosen, Observing
from xlbench.running.outcomes import outcomes
from xlbench.running.progress import Progress
from xlbench.running.work import Work
from xlbench.spec.study import as_json, parse
from xlbench.stored import without_predictions
from xlbench.studies import plan as planning
from xlbench.studies import planned
from xlbench.studies.lookup import refuse_ambiguous
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Executor, Observer, Rerun, Resolved, Study
    from xlbench.models.checkpoints import Checkpoint
    from xlbench.plugins import Given, Registry
    from xlbench.studies.plan import Plan

LOCAL = "local"
"""The executor where none is named."""
LIBRARIES = 480_000_000
"""Bytes that a process takes with torch, transformers and adapters, and no model."""
SMALL = 50_000_000
"""Bytes of weights below which more processes help more than more threads in one."""
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
"""Kinds of device that torch may have and encoders run on."""
MOST_WORKERS = 4
"""Parallel jobs of a small model by default: more would wait for each other's loading."""


@dataclass(frozen=True, slots=True)
class Request:
    """A study as it is asked for: with what plugins, where its results are, and what of it is to run."""

    study: Study
    results: str | Path = "results"
    """Folder of results."""
    rerun: Rerun = "failed"
    strict_plugins: bool = False
    """Whether an installed plugin that fails to load is an error."""
    executor: str = LOCAL
    plugins: tuple[object, ...] = ()
    """Those that are not installed: paths of files, modules, or objects with hooks."""
    observers: tuple[str, ...] = ()
    """Names, `NAME:VALUE` with the first setting."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A study that has been checked and planned; nothing has run and nothing is written."""

    request: Request
    registry: Registry
    resolved: Resolved
    checkpoint: Checkpoint
    store: Store
    plan: Plan
    executor: Executor
    executor_settings: Any = None
    """An instance of `executor.settings`."""
    given: tuple[Given, ...] = ()
    """Plugins that are not installed, read."""
    observers: tuple[Chosen, ...] = ()
    """Each with an instance of its settings."""

    @property
    def spelled(self) -> Study:
        """The study as it has to be written: with `dist/name` where several plugins claim a name."""
        return spelled(self.plan.study, self.registry)

    def workers(self, device: str = "auto") -> int:
        """Number of parallel jobs by default. Raises ExecutorError where the executor has no room."""
        if isinstance(self.executor, HasCapacity):
            return self.executor.capacity(self.executor_settings)
        return default_workers(self.checkpoint, device)

    def memory(self) -> int | None:
        """Bytes that a worker takes at least: libraries, and the weights in float32 as often as they are in
        memory, which is once, or while they are fine-tuned five times (themselves, as they were, gradients,
        and AdamW's two moments). Batches come on top. None where the checkpoint is not here yet.
        """
        number = checkpoints.parameters(self.checkpoint)
        copies = 5 if self.plan.whole.finetune_tokens else 1
        return None if number is None else LIBRARIES + 4 * copies * number

    def kept(self) -> tuple[int, int | None]:
        """Gradients that the jobs still to come keep on disk, and the bytes that they take at most; None
        where the checkpoint is not here yet.
        """
        count, each = self.plan.keeps
        number = checkpoints.parameters(self.checkpoint)
        return count, None if number is None else each * number

    def rates(self, device: str = "auto") -> dict[str, float]:
        """Units of work a second, by name: of earlier jobs with this model on this kind of device."""
        return self.store.timings(self.resolved.model_fingerprint, device_kind(device))


@dataclass(frozen=True, kw_only=True)
class RunResult(Result):
    """How a run ended, and what the study found."""

    study: Study
    """With all defaults filled in."""
    run: int
    """Jobs done now."""
    kept: int
    """Jobs that were done before."""
    failed: dict[str, str]
    """Label of a job to its error."""
    seconds: float
    observers_failed: dict[str, str] = field(default_factory=dict)
    """Name of an observer to its first error; the run went on."""
    without_predictions: tuple[str, ...] = ()
    """Where predictions were to be kept: labels of finished jobs that have none, for they ran before that was
    asked, or by a probe that gives none. They do not run again unless `rerun` is "all"."""


def prepare(request: Request) -> Prepared:
    """Check everything about a study before anything trains, and plan it.

    Settings of the executor and of observers are among the study's options, under their names; no result
    depends on them.
    Raises XlbenchError; StudyError with a line for each thing that is wrong.
    """
    with blaming():
        given = give(request.plugins)
        names = (request.executor, *request.observers)
        registry = load_for(as_json(request.study), *names, strict=request.strict_plugins, given=given)
        try:
            return _prepared(request, registry, given)
        except XlbenchError:
            if not registry.deferred:
                raise
        registry = load(given=given)  # what is missing may be a name of a plugin that was not imported
        return _prepared(request, registry, given)


def _prepared(request: Request, registry: Registry, given: tuple[Given, ...]) -> Prepared:
    registry = registry.bind({("executor", LOCAL): OWN})  # nobody need have said it
    chosen = registry.find("executor", request.executor)
    whole, told = parse(as_json(request.study)), []
    study, how = _part(whole, chosen, "executor", registry)
    for text in dict.fromkeys(request.observers):
        name, colon, value = text.partition(":")
        one = registry.find("observer", name)
        told.append((one, _part(whole, one, "observer", registry, value if colon else None)[1]))
        study, _ = _part(study, one, "observer", registry)
    study, registry = settle(study, registry)
    refuse_ambiguous(study, registry)
    resolved = check_data(resolve(study, registry))
    checkpoint = checkpoints.locate(resolved.model)
    store = Store(Path(request.results))
    made = planning.make(resolved, registry, store, request.rerun)
    return Prepared(request, registry, resolved, checkpoint, store, made, chosen, how, given, tuple(told))


def _part(
    study: Study, one: Executor | Observer, kind: str, registry: Registry, first: str | None = None
) -> tuple[Study, Any]:
    """The study without the settings of its executor, or of an observer, and these; `first` is the value of
    the first one.
    """
    name = one.name
    said = {} if name in registry.probes else dict(study.options.get(name, {}))
    if first is not None:
        if not (known := [x.name for x in fields(one.settings)] if one.settings else []):
            raise StudyError(f"the {kind} {name!r} has nothing to set; write {name}, not {name}:{first}")
        if said.setdefault(known[0], first) != first:
            raise StudyError(
                f"the {kind} {name!r} has two values of {known[0]}: {said[known[0]]!r} and {first!r}"
            )
    how = settings.own(one.settings, said, f"options.{name}", f"the {kind} {name!r}")
    if said:
        study = replace(study, options={k: v for k, v in study.options.items() if k != name})
    return study, how


def plan(
    study: Study,
    *,
    results: str | Path = "results",
    rerun: Rerun = "failed",
    strict_plugins: bool = False,
    executor: str = LOCAL,
    plugins: Iterable[object] = (),
    observers: Iterable[str] = (),
) -> Plan:
    """The jobs of a study, and which are done. Raises XlbenchError for whatever would stop it."""
    asked = Request(study, results, rerun, strict_plugins, executor, tuple(plugins), tuple(observers))
    return prepare(asked).plan


def run(
    study: Study,
    *,
    results: str | Path = "results",
    rerun: Rerun = "failed",
    device: str = "auto",
    workers: int | None = None,
    quiet: bool | None = None,
    executor: str = LOCAL,
    strict_plugins: bool = False,
    plugins: Iterable[object] = (),
    keep_predictions: bool = False,
    observers: Iterable[str] = (),
) -> RunResult:
    """Run what is missing of a study, and keep every job's result as it ends.

    `rerun` is which jobs to run: "missing", "failed" (and missing), or "all". `workers` is how many
    jobs at a time; by default a few processes for a small model on a processor, otherwise one. `plugins` are
    those that are not installed: paths of files, modules, or objects with hooks, such as one of a notebook.
    `keep_predictions` stores what is predicted of each example too, which changes no number; finished jobs
    that lack it do not run again for it, and are named in a UserWarning. `observers` are names of those that
    are told how the run goes; their settings are among `Study.options`.
    Progress is shown in a notebook, and nothing elsewhere, unless `quiet` says otherwise.
    Raises XlbenchError for whatever would stop the study; a job that fails alone does not.
    """
    asked = Request(study, results, rerun, strict_plugins, executor, tuple(plugins), tuple(observers))
    ready = prepare(asked)
    quiet = not notebook.here() if quiet is None else quiet
    with notebook.without_widgets():
        done = carry_out(
            ready, device=device, workers=workers, quiet=quiet, keep_predictions=keep_predictions
        )
    if done.without_predictions:
        warnings.warn(without_predictions(done.without_predictions), stacklevel=2)
    return done


def carry_out(
    ready: Prepared,
    *,
    device: str = "auto",
    workers: int | None = None,
    quiet: bool = True,
    keep_predictions: bool = False,
) -> RunResult:
    """Run a prepared study; see `run`."""
    start, plan = time.monotonic(), ready.plan
    check_device(device)
    count = ready.workers(device) if workers is None else workers
    if count < 1:
        raise StudyError(f"workers must be at least 1, not {count}")
    own = {job.condition_key for job in plan.jobs}
    damaged = [x for x in plan.damaged if x.condition_key in own]
    described = describe(ready.resolved)
    try:
        ready.store.prepare()
        ready.store.set_aside(damaged)
        study_id = ready.store.save_study(as_json(ready.spelled), plan.jobs, described, plan.dropped)
    except ResultsError:
        # What is finished can be run again, which does nothing, where nothing may be written.
        found = ready.store.saved(as_json(ready.spelled), plan.jobs)
        if found is None or damaged or plan.todo or plan.later or not ready.store.has_subwords(found):
            raise
        study_id = found
    checkpoints.download(ready.checkpoint)
    work = Work(
        as_json(ready.spelled),
        str(ready.store.path.absolute()),
        study_id,
        device=device,
        threads=None if isinstance(ready.executor, HasCapacity) else threads_of(count),
        known=(ready.registry, ready.resolved),
        planned=planned.fingerprints(ready.resolved) if plan.todo or plan.later else {},
        unavailable=ready.resolved.unavailable,
        scripts={code: x.script for code, x in ready.resolved.languages.items()},
        given=ready.given,
        deferred=ready.registry.deferred,
        keep_predictions=keep_predictions,
        only_here=_in_a_file(ready),
    )
    failed: dict[str, str] = {}
    ended: set[str] = set()
    meter = Meter.of(ready.rates(device))
    there = Store(ready.store.path.absolute())
    metrics = {name: x.metric for name, x in ready.resolved.tasks.items()}
    observing = Observing(ready.observers, there, metrics)
    begun = StudyPlanned(study_id, there.path, as_json(ready.spelled), plan.todo, plan.done)
    with observing.watching(begun):
        while True:
            with Progress(plan.todo, meter, count, sys.stderr, quiet) as progress:
                tell = observing.after(progress.event)
                for outcome in outcomes(
                    ready.executor, plan.todo, work, tell, count, there, ready.executor_settings
                ):
                    progress.outcome(outcome)
                    observing.outcome(outcome)
                    ended.add(outcome.job.condition_key)
                    if outcome.error is not None:
                        failed[outcome.job.label] = outcome.error
            if not plan.later:
                break
            plan = planning.after(
                plan, ready.resolved, ready.registry, ready.store, ended, ready.request.rerun
            )
            ready.store.save_study(as_json(ready.spelled), plan.jobs, described, plan.dropped)
    if plan.study.transfer and not ready.store.has_subwords(study_id):
        work.prepare()  # nothing ran; results of earlier versions lack what a process keeps first
    return RunResult(
        study=plan.study,
        study_id=study_id,
        results=ready.store.path,
        plugins=ready.request.plugins,
        without_predictions=tuple(ready.store.without_predictions(plan.jobs)) if keep_predictions else (),
        run=len(ended) - len(failed),
        kept=ready.plan.done,
        failed=failed,
        observers_failed=observing.failed,
        seconds=time.monotonic() - start,
    )


def _in_a_file(ready: Prepared) -> str:
    """What to say of an executor in a single file, as soon as it sends work to another process: functions of
    that file, which go with the work, cannot be imported there.
    """
    name, registry = ready.executor.name, ready.registry
    rivals = registry.rivals.get(("executor", name), ())
    own = (plugin for plugin, value in rivals if value is ready.executor)
    owner = next(own, registry.owners.get(("executor", name)))
    path = next((x.path for x in ready.given if owner and x.path and x.digest == owner.digest), None)
    if path is None:
        return ""
    return (
        f"executor {ready.executor.name!r}: {path} is a single file, which other processes cannot import; "
        "make it a package and install it (`xlbench plugin new NAME --kind executor` writes one)"
    )


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_of(workers: int) -> int | None:
    """Threads of each worker; of a lone one, torch's own choice, which follows OMP_NUM_THREADS."""
    return None if workers == 1 else max(1, cores() // workers)


def check_device(device: str) -> None:
    """Raises XlbenchError for a device that is not here; imports torch only to look for an accelerator."""
    kind, colon, number = device.partition(":")
    wrong = colon and (kind == "auto" or not (number.isascii() and number.isdigit()))
    if kind not in DEVICES or wrong:
        raise XlbenchError(
            f"no device {device!r}; name auto, {', '.join(DEVICES[1:])}, or one such as cuda:1"
        )
    if kind not in ("auto", "cpu"):
        from xlbench.lab.hardware import choose_device

        choose_device(device)


def cut_chunks(ready: Prepared) -> dict[str, int]:
    """Settings with longer chunks of text than the model takes, of those that matter, and what it takes.

    Told from the checkpoint's configuration alone: empty too where that is not here yet or says nothing.
    """
    longest = checkpoints.longest_input(ready.checkpoint)
    if longest is None:
        return {}
    work, resolved = ready.plan.whole, ready.resolved
    chunks = {
        "mlm.chunk": resolved.mlm.chunk if work.finetune_tokens else 0,
        "language_training.chunk": resolved.language_training.chunk if work.adapt_tokens else 0,
    }
    return {f"{name} {chunk}": longest for name, chunk in chunks.items() if chunk > longest}


def device_kind(device: str) -> str:
    """Such as "cpu" or "cuda", told without importing torch."""
    if device != "auto":
        return device.split(":")[0]
    if shutil.which("nvidia-smi"):
        return "cuda"
    if shutil.which("xpu-smi"):
        return "xpu"
    return "mps" if (platform.system(), platform.machine()) == ("Darwin", "arm64") else "cpu"


def default_workers(checkpoint: Checkpoint, device: str) -> int:
    """Number of parallel jobs by default."""
    if device_kind(device) != "cpu" or not 0 < checkpoint.size < SMALL:
        return 1
    return min(cores(), MOST_WORKERS)
