"""From a study to everything it names: looked up, checked and filled in, all problems told at once."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from xlbench import checkpoints, given_adapters, settings
from xlbench.architectures import NO_HEAD
from xlbench.clean_text import CleanText, TrainingSentences
from xlbench.codes import to_iso639_3
from xlbench.contracts import (
    AdapterTraining,
    BaseModel,
    Corpus,
    CorpusFamily,
    GivenAdapter,
    Json,
    Language,
    LanguageTraining,
    MaskedLM,
    Resolved,
    Revised,
    Study,
    Task,
    TaskData,
)
from xlbench.errors import DataError, PluginError, StudyError, UnknownNameError
from xlbench.problems import ManyProblemsError, Problems
from xlbench.study import filled
from xlbench.text_folder import read_folder
from xlbench.unavailable import is_whole, less, missing

if TYPE_CHECKING:
    from xlbench.plugins import Registry

Named = TypeVar("Named")

DEFAULTS = Study(
    probes=("transfer",),
    steps=(1, 10, 100),
    seeds=(0, 1, 2),
    controls=("target", "reference", "shuffled"),
)
"""What holds where neither the study nor its model says otherwise."""
REFERENCE = "eng"
"""Reference and training language where nothing else is said."""
TRAINING_SENTENCES = "training-sentences"
"""The text of a study that finetunes on the sentences of its own training data."""


@dataclass(frozen=True, slots=True)
class NoText:
    """The corpus of a study that finetunes on nothing."""

    name: str = "none"
    source: str = "no text"

    def languages(self) -> tuple[str, ...]:
        """None."""
        return ()

    def fingerprint(self, language: str) -> str:
        """Raises DataError."""
        raise DataError(f"no text for {language}: name a corpus or folder with --text")

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """Raises DataError."""
        raise DataError(f"no text for {language}: name a corpus or folder with --text")


def resolve(study: Study, registry: Registry) -> Resolved:
    """Look up everything that a study names and fill in what it leaves open.

    Reads no data beyond what there is in which language, and no weights beyond their fingerprint;
    `check_data` reads the rest. Raises ManyProblemsError, which names all that is wrong.
    """
    problems = Problems()
    model = find_model(study, registry)
    full = filled(filled(study, model.defaults), DEFAULTS)
    for probe in study.options:
        with problems.kept():
            registry.find("probe", probe)
            if probe not in full.probes:
                problems.add(
                    f"options.{probe}: the probe {probe!r} is not in the study; name it with --probe"
                )
    full = replace(full, options={k: v for k, v in full.options.items() if k in full.probes})
    probe_settings = _settings(full, registry, problems)
    full = replace(full, adapter=_adapter_settings(study, full, registry, problems))
    said, full = full, _with_languages(full, registry, problems)
    tasks, data = _tasks(full, registry, problems)
    borrowed = _borrowed(full, tasks, data, registry, problems)
    training_data = {x: borrowed[x][1] if x in borrowed else data[x] for x in tasks if x in data}
    corpus: Corpus = NoText()
    with problems.kept():
        corpus = find_corpus(full.text, registry, data)
    folders = not any(
        name in registry.data
        for task, given in full.data.items()
        for x in given
        for name in (f"{task}:{x}", f"{task}:{x}".rpartition("@")[0])
    )
    full = _open_languages(full, said, data, training_data, corpus, folders and bool(full.data), problems)
    used = {*full.tasks, *(task.name for task, _ in borrowed.values())}
    full = replace(full, data={k: v for k, v in full.data.items() if k in used})
    skipped = missing(full, data, training_data, corpus) if full.skip_unavailable else []
    left = less(full, skipped, {x: one.languages("test") for x, one in data.items()}) if skipped else full
    if is_whole(left, full):
        full = left
    targets = _targets(full, data, problems)
    _check_languages(full, training_data, corpus, problems)
    training = {
        x: _training(borrowed[x][0] if x in borrowed else task, full.adapter) for x, task in tasks.items()
    }
    if any(how.examples is None and how.temperature != 1 for how in training.values()):
        problems.add("adapter.temperature says how adapter.examples are shared out; set that one too")
    fingerprint, given = "", dict[str, GivenAdapter]()
    with problems.kept():
        checkpoint = checkpoints.locate(model, full.revision)
        fingerprint = checkpoint.fingerprint
        model = replace(model, revision=checkpoint.revision)
        if checkpoint.masked_lm is False and not set(full.transfer) <= full.language_adapters.keys():
            problems.add(f"{model.checkpoint}: {NO_HEAD}")
        if full.language_adapters:
            config = checkpoints.config(checkpoint)
            for language, text in full.language_adapters.items():
                with problems.kept():
                    given[language] = given_adapters.find(text, config)
    if problems.lines:
        raise ManyProblemsError(problems.lines)
    if full.pretraining_languages:
        source = "named by the study"
        listed = frozenset(full.pretraining_languages)
        model = replace(model, pretraining_languages=listed, languages_source=source)
    return Resolved(
        study=full,
        model=model,
        model_fingerprint=fingerprint,
        tasks=tasks,
        data=data,
        training=training,
        mlm=MaskedLM(**_typed(full.mlm)),
        corpus=CleanText(corpus, {x: (data[x], one) for x, one in targets.items()}, full.limit),
        languages={x: describe_language(x, registry) for x in _all_languages(full)},
        language_training=LanguageTraining(**_typed(full.language_training)),
        given=given,
        settings=probe_settings,
        unasked=frozenset(full.probes) - {*study.probes, *study.options},
        distances=registry.distances,
        targets=targets,
        borrowed=borrowed,
        unavailable=tuple(skipped),
    )


def _settings(study: Study, registry: Registry, problems: Problems) -> dict[str, Any]:
    """What the study sets for each of its probes, checked against what the probe has to set."""
    found: dict[str, Any] = {}
    for name in study.probes:
        with problems.kept():
            probe = registry.find("probe", name)
            said = study.options.get(name, {})
            if probe.settings is not None:
                checked = settings.check(said, probe.settings, f"options.{name}")
                found[name] = settings.make(probe.settings, checked)
            elif said:
                key = next(iter(said))
                problems.add(f"options.{name}.{key}: the probe {name!r} has no settings")
    return found


def _adapter_settings(study: Study, full: Study, registry: Registry, problems: Problems) -> dict[str, Json]:
    """Those for all tasks, and for the tasks whose adapters the study uses."""
    owners = {x: registry.tasks[x].adapter or x for x in full.tasks if x in registry.tasks}
    used = {"", *owners.values()}
    for key in study.adapter:
        task = _task_of(key)
        if task in owners and task not in used:
            own = key.rpartition(".")[2]
            problems.add(
                f"adapter.{key}: {task} is scored with the adapter of {owners[task]}; "
                f"set adapter.{owners[task]}.{own}"
            )
        elif task not in used and task not in full.tasks:
            known = ", ".join(full.tasks)
            problems.add(f"adapter.{key}: the task {task!r} is not in the study; its tasks: {known}")
    return {k: v for k, v in full.adapter.items() if _task_of(k) in used}


def _task_of(key: str) -> str:
    """The task that an adapter's setting is for; empty for all."""
    return key.rpartition(".")[0]


def _training(task: Task, said: Mapping[str, Json]) -> AdapterTraining:
    """The task's own settings, under those said for every task, under those said for it (`TASK.KEY`)."""
    general = {k: v for k, v in said.items() if not _task_of(k)}
    own = {k.rpartition(".")[2]: v for k, v in said.items() if _task_of(k) == task.name}
    return replace(task.training, **_typed(general | own))


def find_model(study: Study, registry: Registry) -> BaseModel:
    """A registered model, a checkpoint folder or a hub id, in this order. Raises UnknownNameError."""
    name, revision = study.model, study.revision
    model = registry.models.get(name)
    if model is None:
        known = (x for x in registry.models.values() if x.checkpoint == name)
        model = next(known, None)
    if model is None:
        folder = Path(name).expanduser()
        if not folder.is_dir() and ("/" not in name or name.startswith((".", "/", "~"))):
            where = ", nor is it a checkpoint folder" if "/" in name else ""
            raise UnknownNameError(registry.unknown("model", name) + (where or "; a hub id is OWNER/NAME"))
        title = folder.absolute().name if folder.is_dir() else name
        model = BaseModel(title, "a checkpoint folder" if folder.is_dir() else "from the hub", name)
    return replace(model, revision=revision) if revision is not None else model


def describe_language(code: str, registry: Registry) -> Language:
    """A registered language, or one of which only name and script are known."""
    if code in registry.languages:
        return registry.languages[code]
    import langcodes

    tag = langcodes.Language.get(code)
    script = tag.maximize().script or "Zzzz"
    return Language(code, tag.display_name(), "unknown", "unknown", script)


def _typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return dict(settings)


def _with_languages(study: Study, registry: Registry, problems: Problems) -> Study:
    """The study with ISO 639-3 codes only."""
    changed: dict[str, Any] = {}
    for name in ("pretraining_languages", "transfer", "targets", "train_languages"):
        codes: dict[str, str] = {}
        for text in getattr(study, name):
            with problems.kept():
                code = to_iso639_3(text, registry.languages)
                if code in codes:
                    problems.add(f"{name}: {codes[code]!r} and {text!r} are both {code}; leave one out")
                codes[code] = text
        changed[name] = tuple(codes)
    given: dict[str, str] = {}
    for text, adapter in study.language_adapters.items():
        with problems.kept():
            code = to_iso639_3(text, registry.languages)
            if code in given:
                problems.add(f"language_adapters: {code} is given twice; leave one out")
            given[code] = adapter
    changed["language_adapters"] = given
    if study.reference is not None:
        with problems.kept():
            changed["reference"] = to_iso639_3(study.reference, registry.languages)
    return replace(study, **changed)


def _tasks(
    study: Study, registry: Registry, problems: Problems
) -> tuple[dict[str, Task], dict[str, TaskData]]:
    tasks: dict[str, Task] = {}
    data: dict[str, TaskData] = {}
    if not study.tasks:
        known = ", ".join(registry.tasks)
        problems.add(f"no task: name one or more with --task, of {known}")
    for name in study.data:
        with problems.kept():
            registry.find("task", name)
    for name in study.tasks:
        with problems.kept():
            task: Task = registry.find("task", name)
            tasks[name] = task
            data[name] = find_data(task, study.data.get(name) or (task.default_data,), registry)
    return tasks, data


def _borrowed(
    study: Study,
    tasks: Mapping[str, Task],
    data: Mapping[str, TaskData],
    registry: Registry,
    problems: Problems,
) -> dict[str, tuple[Task, TaskData]]:
    """By task that is scored with another task's adapter: that task and its data."""
    found = {}
    for name, task in tasks.items():
        if task.adapter is None:
            continue
        with problems.kept():
            one: Task = registry.find("task", task.adapter)
            if (one.kind, one.labels, one.adapter) != (task.kind, task.labels, None):
                raise PluginError(
                    f"task {name!r} ({registry.owners['task', name]}) cannot have the adapter of "
                    f"{one.name!r}, which needs the same kind and labels, and an adapter of its own"
                )
            given = study.data.get(one.name) or (one.default_data,)
            found[name] = one, data[one.name] if one.name in data else find_data(one, given, registry)
    return found


def find_data(task: Task, given: tuple[str, ...], registry: Registry) -> TaskData:
    """A registered data set, or a reader of folders. Raises UnknownNameError where it is neither."""
    if len(given) == 1 and (one := _registered(f"{task.name}:{given[0]}", registry.data)) is not None:
        return one
    paths = []
    for text in given:
        found = _expand(text)
        if not found:
            names = [x.split(":", 1)[1] for x in registry.data if x.startswith(f"{task.name}:")]
            raise UnknownNameError(
                f"no data {text!r} for the task {task.name}: neither a folder nor one of {', '.join(names)}"
            )
        paths += found
    return task.folder(list(dict.fromkeys(paths)))


def _registered(text: str, known: Mapping[str, Named]) -> Named | None:
    """What is registered as NAME, or that at a revision, of `NAME@REVISION`; None where nothing is.

    Raises StudyError where it has no revisions.
    """
    if text in known:
        return known[text]
    name, at, revision = text.rpartition("@")
    return _at(known[name], revision, text) if at and name in known else None


def _at(one: Named, revision: str, text: str) -> Named:
    if not revision or not isinstance(one, Revised):
        raise StudyError(f"{text}: no revision, or a set without revisions; leave out @{revision}")
    return one.at(revision)


def _expand(text: str) -> list[Path]:
    """The folders that a path or glob names, sorted."""
    path = Path(text).expanduser()
    if path.is_dir():
        return [path]
    found = glob.glob(str(path), recursive=True) if glob.has_magic(text) else []  # noqa: PTH207
    return [Path(x) for x in sorted(found) if Path(x).is_dir()]


def find_corpus(text: str | None, registry: Registry, data: Mapping[str, TaskData]) -> Corpus:
    """A registered corpus, the training sentences of one of `data` (by task), or a folder of text.

    Raises UnknownNameError where it is none of them.
    """
    if text is None:
        return NoText()
    if (one := _registered(text, registry.corpora)) is not None:
        return one
    name, _, task = text.partition(":")
    if name == TRAINING_SENTENCES:
        return _training_sentences(text, task, data)
    path = Path(text).expanduser()
    family, colon, argument = text.partition(":")
    if colon and isinstance(one := registry.corpora.get(family), CorpusFamily) and not path.is_dir():
        argument, at, revision = argument.partition("@")
        member = one.member(argument, registry.languages)
        return _at(member, revision, text) if at else member
    if not path.is_dir():
        raise UnknownNameError(
            f"{registry.unknown('corpus', text)}, nor is it a folder or {TRAINING_SENTENCES}"
        )
    return read_folder(path, registry.languages)


def _training_sentences(text: str, task: str, data: Mapping[str, TaskData]) -> TrainingSentences:
    """Those of the task named, or of the only one."""
    if not task and len(data) == 1:
        task = next(iter(data))
    if task not in data:
        raise StudyError(
            f"text {text!r}: name one of the study's tasks after it, such as "
            f"{TRAINING_SENTENCES}:{next(iter(data), 'pos')}"
        )
    return TrainingSentences(task, data[task], text)


def _open_languages(
    study: Study,
    said: Study,
    data: Mapping[str, TaskData],
    training_data: Mapping[str, TaskData],
    corpus: Corpus,
    folders: bool,
    problems: Problems,
) -> Study:
    """The study with languages that nobody named, well or badly, filled in."""
    changed: dict[str, Any] = {}
    if not said.train_languages and data:
        having = [set(x.languages("train")) for x in training_data.values()]
        if all(REFERENCE in x for x in having):
            changed["train_languages"] = (REFERENCE,)
        else:
            problems.add("no training language: name one or more with --train-languages")
    if not said.targets and data:
        if folders:
            found = set[str]().union(*(x.languages("test") for x in data.values()))
            changed["targets"] = tuple(sorted(found))
        else:
            problems.add("no target language: name one or more with --targets")
    if study.reference is None:
        trained = changed.get("train_languages", study.train_languages)
        has = REFERENCE in corpus.languages() if study.transfer else True
        changed["reference"] = REFERENCE if has or not trained else trained[0]
    return replace(study, **changed)


def _targets(study: Study, data: Mapping[str, TaskData], problems: Problems) -> dict[str, tuple[str, ...]]:
    having = {task: set(x.languages("test")) for task, x in data.items()}
    missing = [x for x in study.targets if data and not any(x in found for found in having.values())]
    for language in missing:
        problems.add(
            f"no test data in {language} for {_either(data)}; leave it out of --targets or give data"
        )
    targets = {task: tuple(x for x in study.targets if x in found) for task, found in having.items()}
    for task, languages in targets.items():
        if not languages and study.targets and len(missing) < len(study.targets):
            problems.add(
                f"no test data in any target for {task} ({data[task].name}); leave out the task or give data"
            )
    return targets


def _check_languages(study: Study, data: Mapping[str, TaskData], corpus: Corpus, problems: Problems) -> None:
    for task, one in data.items():
        having = set(one.languages("train"))
        for language in study.train_languages:
            if language not in having:
                problems.add(
                    f"no training data in {language} for {task} ({one.name}); it has {_some(sorted(having))}"
                )
    for language in study.language_adapters:
        if language not in study.transfer:
            problems.add(
                f"language_adapters: {language} is not among the transfer languages; add it to --transfer"
            )
    if isinstance(corpus, NoText):
        if study.text is None and not set(study.transfer) <= study.language_adapters.keys():
            problems.add("no text to finetune on: name a corpus or folder with --text")
        return
    having = set(corpus.languages())
    for language in study.transfer:
        if language not in having and language not in study.language_adapters:
            problems.add(f"no text in {language} in {corpus.name}; it has {_some(sorted(having))}")
    if study.transfer and "reference" in (study.controls or ()) and study.reference not in having:
        problems.add(
            f"no text in {study.reference}, the reference language, in {corpus.name}; "
            "name another with --reference, or leave the control out with --controls target,shuffled"
        )


def _either(data: Mapping[str, TaskData]) -> str:
    return " or ".join(f"{task} ({one.name})" for task, one in data.items())


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _all_languages(study: Study) -> list[str]:
    named = (*study.transfer, *study.targets, *study.train_languages)
    return list(dict.fromkeys((*named, study.reference) if study.reference else named))
