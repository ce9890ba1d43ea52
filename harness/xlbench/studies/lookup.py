"""What a name in a study stands for: a plugin's, a folder, an id on the hub."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xlbench.contracts import (
    BaseModel,
    Choosable,
    Corpus,
    CorpusFamily,
    Language,
    Line,
    Revised,
    Study,
    Task,
    TaskData,
)
from xlbench.data.clean_text import TrainingSentences
from xlbench.data.held_out import HeldOut
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError, StudyError, UnknownNameError
from xlbench.spec.fields import shown
from xlbench.spec.problems import ManyProblemsError, Problems

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from xlbench.plugins import Registry

Named = TypeVar("Named")

TRAINING_SENTENCES = "training-sentences"
"""The text of a study that finetunes on the sentences of its own training data."""
HELD_OUT = "held-out"
"""The data of a task without labels that is tested on lines of the study's text, or of another's
(`held-out:CORPUS`)."""


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


def task_of(key: str, tasks: Collection[str]) -> tuple[str, str]:
    """The task that a key of a study's `data` is of, and the language that it chooses a set for; or empty."""
    if key in tasks:
        return key, ""
    task, dot, language = key.rpartition(".")
    return (task, language) if dot else (key, "")


def refuse_ambiguous(study: Study, registry: Registry) -> None:
    """Raises ManyProblemsError where a name that the study says is registered, and a folder here as well."""
    problems = Problems()
    for key, given in study.data.items():
        task, language = task_of(key, registry.tasks)
        known = registry.data if not language and len(given) == 1 else {}
        if f"{task}:{given[0]}" in known and _is_folder(given[0]):
            instead = "leave out --data"
            if task in registry.tasks and registry.tasks[task].default_data != given[0]:
                instead = "run xlbench in another folder"
            problems.add(_ambiguous(f"data {given[0]!r}", "data set", f"{task}=./{given[0]}", instead))
    if study.text is not None and study.text in registry.corpora and _is_folder(study.text):
        problems.add(
            _ambiguous(f"text {study.text!r}", "corpus", f"./{study.text}", "run xlbench in another folder")
        )
    if problems.lines:
        raise ManyProblemsError(problems.lines)


def _ambiguous(what: str, kind: str, folder: str, instead: str) -> str:
    return f"{what} is a registered {kind} and a folder here; write {folder} for the folder, or {instead}"


def _is_folder(text: str) -> bool:
    """A relative path of one name, that is not empty."""
    path = Path(text)
    return path.is_dir() and any(path.iterdir())


def given_data(task: Task, *studies: Study) -> tuple[str, ...]:
    """What the first of `studies` that names data of a task gives, else its default; nothing where it has
    none.
    """
    said = next((tuple(x.data[task.name]) for x in studies if x.data.get(task.name)), ())
    return said or (() if task.default_data is None else (task.default_data,))


def find_data(
    task: Task, given: tuple[str, ...], registry: Registry, choices: Mapping[str, str] | None = None
) -> TaskData:
    """A registered data set, or a reader of folders; `choices` are sets of single languages, by ISO 639-3
    code.

    Raises StudyError where nothing is given, UnknownNameError where it is neither, and DataError for a choice
    that is none.
    """
    found = _find_data(task, given, registry)
    if not choices:
        return found
    if not isinstance(found, Choosable):
        language = next(iter(choices))
        raise DataError(
            f"--data {task.name}.{language}: {found.name} has one set per language; only folders have several"
        )
    return found.choose(choices)


def _find_data(task: Task, given: tuple[str, ...], registry: Registry) -> TaskData:
    if not given:
        names = ", ".join(sets_of(task, registry))
        instead = f", or --data {task.name}=NAME with one of {names}" if names else ""
        what = f"the task {task.name!r} has no default data; name a folder with --data {task.name}=FOLDER"
        raise StudyError(what + instead)
    if len(given) == 1 and (one := _registered(f"{task.name}:{given[0]}", registry.data)) is not None:
        return one
    paths = []
    for text in given:
        found = _expand(text)
        if not found:
            known_sets = sets_of(task, registry)
            known = "no folder, and no plugin registers data of it; give a folder, or write xlbench_task_data"
            if known_sets:
                known = f"neither a folder nor one of {', '.join(known_sets)}"
            raise UnknownNameError(f"no data {text!r} for the task {task.name}: {known}")
        paths += found
    made = task.folder(list(dict.fromkeys(paths)))
    lacks = [x for x in ("languages", "fingerprint", "examples") if not callable(getattr(made, x, None))]
    if lacks:
        owner = registry.owners.get(("task", task.name))
        by = f" ({owner})" if owner else ""
        what = f"folder gives {shown(made)}, which is no data (without {', '.join(lacks)})"
        raise DataError(f"task {task.name!r}{by}: {what}; the plugin is at fault")
    return made


def sets_of(task: Task, registry: Registry) -> list[str]:
    """Names of the registered data of a task."""
    return [x.partition(":")[2] for x in registry.data if x.startswith(f"{task.name}:")]


def is_held_out(given: tuple[str, ...]) -> bool:
    """Whether the data of a task are lines of a text."""
    return len(given) == 1 and given[0].partition(":")[0] == HELD_OUT


def held_out(
    task: Task, given: str, corpus: Corpus, registry: Registry, data: Mapping[str, TaskData]
) -> HeldOut:
    """Lines of the study's text, `corpus`, or of the one that is named. Raises StudyError or
    UnknownNameError where there is none, or the task needs labels.
    """
    if registry.find("kind", task.kind).examples is not Line:
        raise StudyError(f"data.{task.name}: {given!r} are lines without labels; name other data")
    _, named, other = given.partition(":")
    corpus = find_corpus(other, registry, data) if named else corpus
    if isinstance(corpus, NoText):
        raise StudyError(
            f"{task.name}: lines are held out of the study's text; name a corpus or folder with --text, or "
            f"give {task.name} another text with --data {task.name}=FOLDER"
        )
    return HeldOut(corpus, task.name, given)


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
    path = _as_written(text)
    if path.is_dir():
        return [path]
    found = glob.glob(str(path), recursive=True) if glob.has_magic(text) else []  # noqa: PTH207
    return [Path(x) for x in sorted(found) if Path(x).is_dir()]


def _as_written(text: str) -> Path:
    """A path, whose commas may be written as in lists of them, after a backslash."""
    path = Path(text).expanduser()
    if "\\," in text and not path.exists():
        return Path(text.replace("\\,", ",")).expanduser()
    return path


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
    path = _as_written(text)
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


def describe_language(code: str, registry: Registry) -> Language:
    """A registered language, or one of which only name and script are known."""
    if code in registry.languages:
        return registry.languages[code]
    import langcodes

    tag = langcodes.Language.get(code)
    script = tag.maximize().script or "Zzzz"
    return Language(code, tag.display_name(), "unknown", "unknown", script)
