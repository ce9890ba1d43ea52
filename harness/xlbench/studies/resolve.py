"""From a study to everything it names: looked up, checked and filled in, all problems told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import (
    AdapterTraining,
    Choosable,
    Corpus,
    Json,
    Resolved,
    Retraining,
    Study,
    Task,
    TaskData,
    settings,
)
from xlbench.contracts.settings import tuples
from xlbench.data import domains
from xlbench.data.clean_text import CleanText, TrainingSentences
from xlbench.data.codes import to_iso639_3
from xlbench.data.held_out import HeldOut
from xlbench.spec.problems import ManyProblemsError, Problems
from xlbench.spec.study import filled
from xlbench.studies import adapter_kinds, checkpoint, controls, languages, precedence
from xlbench.studies import reads as reading
from xlbench.studies import tasks as tasks_of
from xlbench.studies.lookup import (
    NoText,
    describe_language,
    find_corpus,
    find_model,
    is_held_out,
    task_of,
)
from xlbench.studies.missing_data import is_whole, less, missing

if TYPE_CHECKING:
    from xlbench.plugins import Registry

DEFAULTS = Study(
    probes=("transfer",),
    steps=(1, 10, 100),
    seeds=(0, 1, 2),
    controls=("target", "reference", "shuffled"),
    readings=("put-back",),
    adapter_orders=("plain",),
)
"""What holds where neither the study nor its model says otherwise."""


def resolve(study: Study, registry: Registry) -> Resolved:
    """Look up everything that a study names and fill in what it leaves open.

    Reads no data beyond what there is in which language, and no weights beyond their fingerprint;
    `check_data` reads the rest. Raises ManyProblemsError, which names all that is wrong.
    """
    problems = Problems()
    model = find_model(study, registry)
    full = filled(filled(study, model.defaults), DEFAULTS)
    full = replace(full, adapter_seeds=precedence.adapter_seeds(study, full))
    for probe in study.options:
        if probe in registry.executors and probe not in registry.probes:
            problems.add(f"options.{probe}: an executor; choose it with --executor {probe}")
            continue
        if probe in registry.observers and probe not in registry.probes:
            problems.add(f"options.{probe}: an observer; choose it with --observer {probe}")
            continue
        with problems.kept():
            registry.find("probe", probe)
            if probe not in full.probes:
                problems.add(
                    f"options.{probe}: the probe {probe!r} is not in the study; name it with --probe"
                )
    reads = reading.of(full.probes, registry)
    full = reading.pruned(full, reads)
    controls.check(full, registry, problems)
    full = replace(full, options={k: v for k, v in full.options.items() if k in full.probes})
    probe_settings = _settings(full, registry, problems)
    full = replace(
        full,
        adapter=_adapter_settings(study, full, model.defaults, registry, problems),
        domains=_domains(full, registry, problems),
    )
    for task in full.parallel:
        if task not in full.tasks:
            problems.add(
                f"parallel: the task {task!r} is not in the study; its tasks: {', '.join(full.tasks)}"
            )
    said, full = full, languages.with_codes(full, registry, problems)
    tasks, data = tasks_of.found(full, registry, problems)
    borrowed = tasks_of.borrowed(full, tasks, data, registry, problems)
    training_data = {
        x: borrowed[x][1] if x in borrowed else data[x]
        for x, task in tasks.items()
        if x in data and task.training is not None
    }
    corpus: Corpus = NoText()
    with problems.kept():
        found = find_corpus(full.text, registry, data)
        tasks_of.refuse_languages(found, found.languages())
        corpus = found
    if study.reference is None and corpus.languages() and full.reference not in corpus.languages():
        full = replace(full, reference=None)  # the model's default is for its own text
    data = tasks_of.with_held_out(full, tasks, data, corpus, registry, problems)
    folders = not any(
        name in registry.data or is_held_out((x,))
        for task, given in full.data.items()
        for x in given
        for name in (f"{task}:{x}", f"{task}:{x}".rpartition("@")[0])
    )
    full = languages.opened(full, said, data, training_data, corpus, folders and bool(full.data), problems)
    full = reading.pruned(full, reads)
    used = {*full.tasks, *(task.name for task, _ in borrowed.values())}
    kept = {k: v for k, v in full.data.items() if task_of(k, registry.tasks)[0] in used}
    full = replace(full, data=kept)
    skipped = languages.unnamed_reference(study, full, corpus)
    if full.skip_unavailable:
        skipped = missing(full, data, training_data, corpus)
    left = less(full, skipped, {x: one.languages("test") for x, one in data.items()}) if skipped else full
    if is_whole(left, full):
        full = left
    targets = languages.targets_of(full, data, problems)
    languages.check(full, training_data, corpus, problems)
    controls.check_texts(full, registry, corpus, problems)
    owners = {x: borrowed[x][0] if x in borrowed else task for x, task in tasks.items()}
    training = {x: how for x, task in owners.items() if (how := _training(task, full.adapter)) is not None}
    if full.adapter_seeds:
        problems.lines += [
            f"adapter.{key} and adapter_seeds both say the seed of task adapters; leave one out"
            for key in study.adapter if key.rpartition(".")[2] == "seed"
        ]  # fmt: skip
        training = {x: replace(how, seed=full.adapter_seeds[0]) for x, how in training.items()}
    limits = precedence.limits(study, model.defaults, tasks)
    # One limit for all is the study's; where tasks state others, each process works them out again.
    full = replace(
        full, limit=next(iter(limits.values()), None) if len(set(limits.values())) == 1 else study.limit
    )
    if any(how.examples is None and how.temperature != 1 for how in training.values()):
        problems.add("adapter.temperature says how adapter.examples are shared out; set that one too")
    known = checkpoint.of(full, model, tasks, training, registry, problems)
    adapter_kinds.check(study, training, known.language_training, registry, known.layers, problems)
    found_domains: Mapping[str, Mapping[str, str]] = {}
    with problems.kept():
        found_domains = domains.known(full.domains, corpus, data, languages.every(full))
    if problems.lines:
        for task, one in data.items():
            for language in targets.get(task, ()) if isinstance(one, Choosable) else ():
                with problems.kept():  # what is wrong in local files is told as well
                    one.examples(language, "test")
        raise ManyProblemsError(problems.lines)
    model = known.model
    if full.pretraining_languages:
        source = "named by the study"
        listed = frozenset(full.pretraining_languages)
        model = replace(model, pretraining_languages=listed, languages_source=source, sizes=None)
    every = [*dict.fromkeys((*languages.every(full), *controls.beside(full, registry)))]
    data = {x: tasks_of.narrowed(one, every) for x, one in data.items()}
    borrowed = {x: (task, tasks_of.narrowed(one, every)) for x, (task, one) in borrowed.items()}
    return Resolved(
        study=full,
        model=model,
        model_fingerprint=known.fingerprint,
        tasks=tasks,
        data=data,
        training=training,
        mlm=known.mlm,
        corpus=CleanText(corpus, {x: (data[x], one) for x, one in targets.items()}, limits),
        languages={x: describe_language(x, registry) for x in every},
        language_training=known.language_training,
        retraining=Retraining(**tuples(full.retraining)),
        given=known.given,
        method=registry.method,
        family=known.family,
        word_tokens=known.words,
        settings=probe_settings,
        unread=reading.unread(study, reads),
        unasked=frozenset(full.probes) - {*study.probes, *study.options},
        distances=registry.distances,
        targets=targets,
        borrowed=borrowed,
        unavailable=tuple(skipped),
        domains=found_domains,
        limits=limits,
        origins=_origins(tasks, data, borrowed, corpus, registry),
        in_force=(
            *precedence.limits_in_force(study, model.name, tasks, limits),
            *precedence.in_force(
                reading.pruned(study, reads),
                reading.pruned(model.defaults, reads),
                model.name,
                tasks=owners,
                training=training,
                options=probe_settings,
            ),
        ),
        plugins={x: str(registry.owners["task", x]) for x in tasks if ("task", x) in registry.owners},
    )


def _origins(
    tasks: Mapping[str, Task],
    data: Mapping[str, TaskData],
    borrowed: Mapping[str, tuple[Task, TaskData]],
    corpus: Corpus,
    registry: Registry,
) -> dict[str, str]:
    """`Resolved.origins` of a study."""

    def of(one: object, task: str = "") -> str:
        """Of data or text: those of an installed plugin have fingerprints that say what they are."""
        if isinstance(one, HeldOut):
            return of(one.corpus)
        if isinstance(one, TrainingSentences):
            return of(one.data, one.task)
        name = str(getattr(one, "name", "")).partition(":")[0]
        owner = registry.owners.get(("data", f"{task}:{name}") if task else ("corpus", name))
        return owner.origin if owner is not None and owner.digest else ""

    found = {"text": of(corpus)}
    for name, task in tasks.items():
        owner, train = borrowed.get(name, (task, data[name]))
        for one in (name, owner.name):
            if ("task", one) in registry.owners:
                found[f"task {one}"] = registry.owners["task", one].origin
        found |= {f"data {name}": of(data[name], name), f"train {name}": of(train, owner.name)}
    return {key: x for key, x in found.items() if x}


def _settings(study: Study, registry: Registry, problems: Problems) -> dict[str, Any]:
    """What the study sets for each of its probes, checked against what the probe has to set."""
    found: dict[str, Any] = {}
    for name in study.probes:
        with problems.kept():
            probe = registry.find("probe", name)
            said = study.options.get(name, {})
            made = settings.own(probe.settings, said, f"options.{name}", f"the probe {name!r}")
            if probe.settings is not None:
                found[name] = made
    return found


def _adapter_settings(
    study: Study, full: Study, defaults: Study, registry: Registry, problems: Problems
) -> dict[str, Json]:
    """What is said for all tasks, and for the tasks whose adapters the study uses."""
    owners = {x: registry.tasks[x].adapter or x for x in full.tasks if x in registry.tasks}
    used = dict.fromkeys(owners.values())
    for key in study.adapter:
        task = _task_of(key)
        if task in owners and registry.tasks[task].training is None:
            problems.add(f"adapter.{key}: {task} has no task adapter; leave it out")
        if task in owners and task not in used:
            own = key.rpartition(".")[2]
            problems.add(
                f"adapter.{key}: {task} is scored with the adapter of {owners[task]}; "
                f"set adapter.{owners[task]}.{own}"
            )
        elif task and task not in used and task not in full.tasks:
            known = ", ".join(full.tasks)
            problems.add(f"adapter.{key}: the task {task!r} is not in the study; its tasks: {known}")
    tasks = {x: registry.tasks[x] for x in used if x in registry.tasks}
    found = precedence.adapter_settings(study, defaults, tasks)
    return {k: v for k, v in found.items() if not _task_of(k) or _task_of(k) in used}


def _domains(study: Study, registry: Registry, problems: Problems) -> dict[str, str]:
    """What the study says of domains, its languages as ISO 639-3 codes."""
    found: dict[str, str] = {}
    for key, domain in study.domains.items():
        what, language = task_of(key, {*registry.tasks, domains.TEXT})
        if what not in (domains.TEXT, *study.tasks):
            own = ", ".join((domains.TEXT, *study.tasks))
            problems.add(f"domains.{key}: {what!r} is not in the study; name one of {own}")
            continue
        with problems.kept():
            code = to_iso639_3(language, registry.languages) if language else ""
            name = f"{what}.{code}" if code else what
            if name in found:
                problems.add(f"domains.{key}: {name} is given twice; leave one out")
            found[name] = domain
    return found


def _task_of(key: str) -> str:
    """The task that an adapter's setting is for; empty for all."""
    return key.rpartition(".")[0]


def _training(task: Task, said: Mapping[str, Json]) -> AdapterTraining | None:
    """The task's own settings, under those said for every task, under those said for it (`TASK.KEY`); None
    where it has no adapter.
    """
    if task.training is None:
        return None
    general = {k: v for k, v in said.items() if not _task_of(k)}
    own = {k.rpartition(".")[2]: v for k, v in said.items() if _task_of(k) == task.name}
    return replace(task.training, **tuples(general | own))
