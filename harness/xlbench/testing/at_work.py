"""Parts of the method, models and executors at work: one step on the embedded model, as a study does it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench import api
from xlbench.contracts import (
    AdapterKind,
    BaseModel,
    CompositionKind,
    Executor,
    KindOfTask,
    Metric,
    Objective,
    Observer,
    Split,
    Study,
    Task,
    Treatment,
)
from xlbench.errors import ExecutorError, JobError, XlbenchError, said_of
from xlbench.models import checkpoints
from xlbench.results import Store
from xlbench.spec.fields import shown
from xlbench.studies.lookup import find_data, given_data, is_held_out
from xlbench.testing import metrics
from xlbench.testing.data import no_data, remote
from xlbench.testing.findings import Finding, line_of, raised_in, traced_to
from xlbench.testing.small import TASK, TRANSFER, tiny_study

if TYPE_CHECKING:
    from xlbench.contracts import Family, Record
    from xlbench.plugins import Kind
    from xlbench.testing.subject import Subject

MODEL_OF: dict[Family, str] = {"encoder": "tiny", "decoder": "tiny-decoder", "encoder-decoder": "tiny-t5"}
_LARGEST = 50_000_000
"""Bytes of a checkpoint that is put to work here; a larger one takes more than seconds."""


def of_task(subject: Subject, name: str, task: Task) -> Iterator[Finding]:
    """Train the task on the embedded model, score it, and check its metric over what was predicted."""
    given = subject.given(task)
    if is_held_out(given):
        what = "its test data are lines of a study's text; metric and reading are not checked"
        yield subject.finding("task", name, "default_data", what, note=True)
        return
    if not given:
        yield no_data(subject, name, task)
        return
    try:
        data = find_data(task, given, subject.registry)
        if remote(data):
            what = "its data have to be downloaded; metric and training are not checked"
            yield subject.finding("task", name, "default_data", what, note=True)
            return
        trains: Split = "train" if task.training is not None and task.adapter is None else "test"
        study = tiny_study(
            tasks=(subject.spelled("task", name),),
            targets=tuple(data.languages("test"))[:2],
            train_languages=tuple(data.languages(trains))[:1],
            data={} if given == given_data(task) else {subject.spelled("task", name): given},
        )
        pairs = _predicted(subject, study, name, task)
    except Exception as error:
        yield _raised(subject, "task", name, "kind", error)
        return
    for field, what, function in metrics.faults(task.metric, pairs):
        yield subject.finding("task", name, field, what, line_of(function))


def _predicted(subject: Subject, study: Study, name: str, task: Task) -> list[tuple[Any, Any]]:
    """Gold and predicted of all that the model, and the majority-class baseline, say of test examples."""
    from xlbench.lab import Lab

    pairs: list[tuple[Any, Any]] = []

    def record(gold: Any, predicted: Any) -> tuple[int]:
        pairs.append((gold, predicted))
        return (1,)

    noted = Metric("noted", ("examples",), record, lambda sums: 0 * sums[..., 0])
    with tempfile.TemporaryDirectory() as folder:
        ready = api.prepare(api.Request(study, results=folder, plugins=subject.things))
        own = next(iter(ready.resolved.tasks))
        resolved = replace(ready.resolved, tasks={own: replace(ready.resolved.tasks[own], metric=noted)})
        checkpoint = str(checkpoints.download(ready.checkpoint))
        lab = Lab(resolved, checkpoint, Path(folder) / "adapters", device="cpu")
        cells = resolved.cells(own)
        lab.task_adapter(own)
        lab.majority(cells)
        lab.evaluate(cells)
    return pairs


def of_kind(subject: Subject, name: str, kind: KindOfTask) -> Iterator[Finding]:
    """A kind is put to work by its tasks; here, that there is one."""
    spelled = (name, f"{subject.plugin.distribution}/{name}")
    if not any(task.kind in spelled for task in subject.registry.tasks.values()):
        what = "no task is of this kind, so that it is not put to work; add one, with data, here"
        yield subject.finding("kind", name, "name", what)
    try:
        kind.load()
    except Exception as error:
        yield _raised(subject, "kind", name, "load", error)


def of_objective(subject: Subject, name: str, objective: Objective) -> Iterator[Finding]:
    """Fine-tune by it for one step, and evaluate."""
    family = min(objective.families, key=list(MODEL_OF).index)
    how = {**tiny_study().mlm, "objective": subject.spelled("objective", name)}
    study = tiny_study(model=MODEL_OF[family], probes=("transfer",), transfer=TRANSFER[:1], mlm=how)
    yield from _run(subject, "objective", name, study, line_of(objective.load))


def of_treatment(subject: Subject, name: str, treatment: Treatment) -> Iterator[Finding]:
    """Fine-tune for one step on text that it has treated."""
    if missing := treatment.missing():
        what = f"needs {', '.join(missing)}, which is not installed; not checked"
        yield subject.finding("treatment", name, "requires", what, note=True)
        return
    if name in ("plain", "mixture"):
        study = tiny_study(probes=("transfer",), transfer=TRANSFER[:1])
    else:
        said = (subject.spelled("treatment", name),)
        study = tiny_study(probes=("transfer",), transfer=TRANSFER[:1], controls=said)
    yield from _run(subject, "treatment", name, study, line_of(treatment.load))


def of_adapter(subject: Subject, name: str, kind: AdapterKind) -> Iterator[Finding]:
    """Train, save and load one in each role that it has, and evaluate with it."""
    said = subject.spelled("adapter", name)
    small = tiny_study()
    if kind.task is not None:
        study = tiny_study(adapter={**small.adapter, "config": said})
        yield from _run(subject, "adapter", name, study, line_of(kind.load))
    if kind.language is not None:
        how = {**small.language_training, "config": said}
        study = tiny_study(probes=("stacking",), transfer=TRANSFER[:1], language_training=how)
        yield from _run(subject, "adapter", name, study, line_of(kind.load))


def of_composition(subject: Subject, name: str, kind: CompositionKind) -> Iterator[Finding]:
    """Put two language adapters together by it beneath a task adapter, and evaluate."""
    if kind.alone:
        yield subject.finding("composition", name, "alone", "takes one adapter; not checked", note=True)
        return
    mixes = [subject.spelled("composition", name)]
    options = {"interference": {"mixes": mixes, "fusion_steps": 1, "fusion_batch_size": 2}}
    study = tiny_study(probes=("interference",), transfer=TRANSFER, targets=TRANSFER, options=options)
    yield from _run(subject, "composition", name, study, line_of(kind.load))


def of_model(subject: Subject, name: str, model: BaseModel) -> Iterator[Finding]:
    """Load, fine-tune, adapt, fuse, save and restore a model whose checkpoint is here, and small."""
    if not Path(model.checkpoint).expanduser().is_dir():
        what = "the checkpoint is on a hub; xlbench fetch downloads it, and xlbench run --limit 8 tries it"
        yield subject.finding("model", name, "checkpoint", what, note=True)
        return
    try:
        size = checkpoints.locate(model).size
    except XlbenchError as error:
        yield subject.finding("model", name, "checkpoint", str(error))
        return
    if size > _LARGEST:
        what = (
            f"{size / 1e6:.0f} MB; only checkpoints of at most {_LARGEST / 1e6:.0f} MB are put to work here"
        )
        yield subject.finding("model", name, "checkpoint", what, note=True)
        return
    options = {"interference": {"mixes": ["average", "tuned"], "fusion_steps": 1, "fusion_batch_size": 2}}
    study = tiny_study(
        model=subject.spelled("model", name),
        data={TASK: ("artificial",)},
        probes=("transfer", "interference"),
        transfer=TRANSFER,
        targets=TRANSFER,
        options=options,
    )
    with tempfile.TemporaryDirectory() as folder:
        first = list(_run(subject, "model", name, study, "", folder))
        yield from first
        if first:
            return
        before = _counts(subject, folder)
        again = list(_run(subject, "model", name, study, "", folder, rerun="all"))
        yield from again
        if not again and (unlike := _unlike(before, _counts(subject, folder))):
            what = f"{unlike} when it runs again with the adapters that were saved; nothing may differ"
            yield subject.finding("model", name, "checkpoint", what)


def of_executor(subject: Subject, name: str, executor: Executor) -> Iterator[Finding]:
    """Get three jobs done by it, and by the built-in one: the results are the same."""
    study = tiny_study(probes=("zero-shot", "transfer"), transfer=TRANSFER)
    said = subject.spelled("executor", name)
    if hasattr(executor, "capacity"):
        without = list(_without_room(subject, name, executor))
        yield from without
        if without:
            return
    place = line_of(executor.run)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        found = list(_run(subject, "executor", name, study, place, one, "run", executor=said))
        yield from found
        if found:
            return
        yield from _run(subject, "executor", name, study, "", other)
        if unlike := _unlike(_counts(subject, other), _counts(subject, one)):
            what = f"{unlike} than with the executor 'local'; results do not depend on the executor"
            yield subject.finding("executor", name, "run", what, place)


def _without_room(subject: Subject, name: str, executor: Any) -> Iterator[Finding]:
    """What `capacity` says where nothing can run: that there is no cluster here, or what is wrong with it."""
    place = line_of(executor.capacity)
    try:
        room = executor.capacity(None if executor.settings is None else executor.settings())
    except ExecutorError as error:
        what = f"{' '.join(str(error).split())}; not checked"
        yield subject.finding("executor", name, "capacity", what, place, note=True)
    except Exception as error:
        yield _raised(subject, "executor", name, "capacity", error, place)
    else:
        if type(room) is not int or room < 1:
            what = f"gives {shown(room)}, not a whole number of at least 1; raise ExecutorError for no room"
            yield subject.finding("executor", name, "capacity", what, place)


def of_observer(subject: Subject, name: str, observer: Observer) -> Iterator[Finding]:
    """Tell it of a small run, from the plan to the end; not where it cannot do without settings."""
    if observer.settings is not None:
        try:
            observer.settings()
        except (TypeError, ValueError) as error:
            yield subject.finding("observer", name, "settings", f"{error}; not checked", note=True)
            return
    study = tiny_study()
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = api.run(
                study,
                results=folder,
                workers=1,
                device="cpu",
                quiet=True,
                plugins=subject.things,
                observers=[subject.spelled("observer", name)],
            )
        except Exception as error:
            yield _raised(subject, "observer", name, "settings", error)
            return
        for said in done.observers_failed.values():
            yield subject.finding("observer", name, "observe", said, line_of(observer.observe))


def _run(
    subject: Subject,
    kind: Kind,
    name: str,
    study: Study,
    place: str,
    folder: str | None = None,
    field: str = "",
    **more: Any,
) -> Iterator[Finding]:
    """What fails when a study runs; `field` is what of the value is to blame."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            yield from _run(subject, kind, name, study, place, made, field, **more)
        return
    try:
        done = api.run(
            study, results=folder, workers=1, device="cpu", quiet=True, plugins=subject.things, **more
        )
    except Exception as error:
        yield _raised(subject, kind, name, field, error, place)
        return
    if done.failed:
        store = Store(Path(folder))
        traces = [x.error.get("traceback", "") for x in store.failures(store.study(done.study_id))]
        traced = next(filter(None, (traced_to(x, subject.paths) for x in traces)), place)
        for label, error_line in list(done.failed.items())[:1]:
            blamed = "load" if kind in _PARTS else field
            yield subject.finding(kind, name, blamed, f"{label}: {error_line}", traced)


_PARTS = ("kind", "objective", "adapter", "composition", "treatment")


def _counts(subject: Subject, folder: str) -> dict[tuple[str, str], Any]:
    """Counts of all evaluations of the study, by condition and target."""
    found: Sequence[Record] = _records(subject, folder)
    return {(x.condition_key, x.evaluation.cell.target): x.evaluation.counts for x in found}


def _records(subject: Subject, folder: str) -> Sequence[Record]:
    store = Store(Path(folder))
    tasks = {task: x.metric for task, x in subject.registry.tasks.items()}
    return store.records(tasks).records


def _unlike(one: dict[tuple[str, str], Any], other: dict[tuple[str, str], Any]) -> str:
    """In how many evaluations two runs differ; empty where in none."""
    keys = one.keys() | other.keys()
    differ = [x for x in keys if x not in one or x not in other or not np.array_equal(one[x], other[x])]
    return f"{len(differ)} of {len(keys)} evaluations have other numbers" if differ else ""


def _raised(
    subject: Subject, kind: Kind, name: str, field: str, error: Exception, place: str = ""
) -> Finding:
    plain = isinstance(error, XlbenchError | JobError)
    said = " ".join(str(error).split()) if plain else said_of(error)
    return subject.finding(kind, name, field, said, raised_in(error, subject.paths) or place)
