"""The tasks of a study and their data: found by name, held out of text, borrowed of another task."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from xlbench.contracts import Narrowed
from xlbench.contracts.allowed import LanguageCode
from xlbench.data.codes import to_iso639_3
from xlbench.errors import DataError, PluginError, StudyError
from xlbench.spec.fields import fault
from xlbench.studies.lookup import find_data, given_data, held_out, is_held_out, task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlbench.contracts import Corpus, Study, Task, TaskData
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems


def found(
    study: Study, registry: Registry, problems: Problems
) -> tuple[dict[str, Task], dict[str, TaskData]]:
    """The tasks that a study names, and their data, but for data that are held out of text."""
    tasks: dict[str, Task] = {}
    data: dict[str, TaskData] = {}
    if not study.tasks:
        known = ", ".join(registry.tasks)
        problems.add(f"no task: name one or more with --task, of {known}")
    for key in study.data:
        with problems.kept():
            registry.find("task", task_of(key, registry.tasks)[0])
    for name in study.tasks:
        with problems.kept():
            task: Task = registry.find("task", name)
            tasks[name] = task
            if not is_held_out(given_data(task, study)):
                one = _data(study, task, registry)
                for split in ("train", "test"):
                    refuse_languages(one, one.languages(split))
                data[name] = one
    return tasks, data


def refuse_languages(one: TaskData | Corpus, languages: object) -> None:
    """Raise DataError for what a plugin gives that are no codes of languages."""
    if why := fault(languages, Collection[LanguageCode]):
        raise DataError(f"{one.name}: languages {why}; the plugin is at fault")


def with_held_out(
    study: Study,
    tasks: Mapping[str, Task],
    data: Mapping[str, TaskData],
    corpus: Corpus,
    registry: Registry,
    problems: Problems,
) -> dict[str, TaskData]:
    """`data` with those that are held out of text, which has to be found before."""
    found = dict(data)
    for name, task in tasks.items():
        given = given_data(task, study)
        if is_held_out(given):
            with problems.kept():
                found[name] = held_out(task, given[0], corpus, registry, data)
    return {x: found[x] for x in tasks if x in found}


def borrowed(
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
            of_a_kind = registry.find("kind", one.kind) is registry.find("kind", task.kind)
            if not of_a_kind or (one.labels, one.adapter) != (task.labels, None):
                raise PluginError(
                    f"task {name!r} ({registry.owners['task', name]}) cannot have the adapter of "
                    f"{one.name!r}, which needs the same kind and labels, and an adapter of its own"
                )
            found[name] = one, data[one.name] if one.name in data else _data(study, one, registry)
    return found


def _data(study: Study, task: Task, registry: Registry) -> TaskData:
    """The data of a task, as the study says. Raises XlbenchError."""
    choices: dict[str, str] = {}
    for key, given in study.data.items():
        owner, language = task_of(key, registry.tasks)
        if owner != task.name or not language:
            continue
        if len(given) != 1:
            raise StudyError(f"data.{key} chooses one set of a language, not {len(given)}")
        choices[to_iso639_3(language, registry.languages)] = given[0]
    return find_data(task, given_data(task, study), registry, choices)


def narrowed(data: TaskData, languages: Sequence[str]) -> TaskData:
    """The data of the study's languages alone, where data can be told so."""
    return data.only(languages) if isinstance(data, Narrowed) else data
