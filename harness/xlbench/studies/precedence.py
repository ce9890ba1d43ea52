"""Which settings are in force: the user's, else the task's own, else the model's, else the project's.

What a model's defaults say of one task by name (`TASK.KEY`) was chosen for that task, and holds there.
What they say of all tasks (`KEY`) holds only for tasks that keep the project's defaults, `AdapterTraining()`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from xlbench.contracts import AdapterTraining, FinetuningSettings, LanguageTraining, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlbench.contracts import Json, Study, Task

THE_STUDY = "the study"


def adapter_settings(study: Study, defaults: Study, tasks: Mapping[str, Task]) -> dict[str, Json]:
    """Of the task adapters of `tasks`: what the study says, over what holds of the model's defaults, the
    latter by task (`TASK.KEY`).
    """
    found: dict[str, Json] = {}
    for name, task in tasks.items():
        blanket, own = _for(defaults.adapter, name)
        said = set().union(*_for(study.adapter, name))
        chosen = (blanket if task.training == AdapterTraining() else {}) | own
        found |= {f"{name}.{key}": value for key, value in chosen.items() if key not in said}
    return found | dict(study.adapter)


def adapter_seeds(study: Study, full: Study) -> tuple[int, ...]:
    """Seeds of the task adapters: the study's; else as many as it has fine-tuning seeds if adapters are
    retrained; else the model's, and no more than fine-tuning seeds. Empty is one adapter: of a study that
    names its seed (`adapter.seed`), or is adaptive. `full` is the study, filled in.
    """
    if study.adapter_seeds:
        return study.adapter_seeds
    named = any(key.rpartition(".")[2] == "seed" for key in full.adapter)
    if named or full.adaptive or len(full.seeds) < 2:
        return ()
    if "retrained" in full.readings:
        return tuple(range(len(full.seeds)))
    return full.adapter_seeds[: len(full.seeds)]


def limits(study: Study, defaults: Study, tasks: Mapping[str, Task]) -> dict[str, int | None]:
    """By task: test examples per target at most."""
    return {
        name: next((x for x in (study.limit, task.limit, defaults.limit) if x is not None), None)
        for name, task in tasks.items()
    }


def in_force(
    study: Study,
    defaults: Study,
    model: str,
    *,
    tasks: Mapping[str, Task],
    training: Mapping[str, AdapterTraining],
    options: Mapping[str, Any],
) -> tuple[Setting, ...]:
    """Every setting that is not the project's default, and who set it.

    `tasks` and `training` are by task, of the adapter that it is scored with; `options` has the settings of
    the probes. Tasks with the same value from the same source share a line.
    """
    theirs = f"model {model}"
    found: dict[tuple[str, str, str, str], list[str]] = {}
    values: dict[tuple[str, str, str, str], Json] = {}

    def add(group: str, key: str, value: Json, source: str, *of: str) -> None:
        place = group, key, repr(value), source
        values[place] = value
        found.setdefault(place, []).extend(of)

    for name, how in training.items():
        owner = tasks[name]
        blanket, own = _for(defaults.adapter, owner.name)
        said = set().union(*_for(study.adapter, owner.name))
        chosen = (blanket if owner.training == AdapterTraining() else {}) | own
        for key, value in _unlike(how, AdapterTraining()):
            by_study = key in said or (key == "seed" and bool(study.adapter_seeds))
            source = THE_STUDY if by_study else theirs if key in chosen else f"task {owner.name}"
            add("task adapter", key, value, source, name)
    for group, cls, said_, below in (
        ("fine-tuning", FinetuningSettings, study.mlm, defaults.mlm),
        ("language adapters", LanguageTraining, study.language_training, defaults.language_training),
    ):
        for key, value in {**below, **said_}.items():
            if value != getattr(cls(), key):
                add(group, key, value, THE_STUDY if key in said_ else theirs)
    if (match := study.match or defaults.match) not in (None, "steps"):
        source = THE_STUDY if study.match else theirs
        add("fine-tuning", "match", match, source)
    for probe, one in options.items():
        for key, value in _unlike(one, type(one)()):
            add(probe, key, value, THE_STUDY if key in study.options.get(probe, {}) else theirs)
    return tuple(Setting(*place[:2], values[place], place[3], tuple(of)) for place, of in found.items())


def limits_in_force(
    study: Study, model: str, tasks: Mapping[str, Task], found: Mapping[str, int | None]
) -> tuple[Setting, ...]:
    """The limits of test examples, and who set them; `tasks` are the study's own."""
    by: dict[tuple[int, str], list[str]] = {}
    for name, limit in found.items():
        if limit is not None:
            own = tasks[name].limit is not None
            source = THE_STUDY if study.limit is not None else f"task {name}" if own else f"model {model}"
            by.setdefault((limit, source), []).append(name)
    return tuple(
        Setting("test set", "examples per target at most", limit, source, tuple(of))
        for (limit, source), of in by.items()
    )


def _for(said: Mapping[str, Json], task: str) -> tuple[dict[str, Json], dict[str, Json]]:
    """What settings of task adapters say of all tasks, and of one by name."""
    blanket = {k: v for k, v in said.items() if "." not in k}
    own = {k.rpartition(".")[2]: v for k, v in said.items() if k.rpartition(".")[0] == task}
    return blanket, own


def _unlike(one: Any, other: Any) -> Iterator[tuple[str, Any]]:
    for x in dataclasses.fields(one):
        if getattr(one, x.name) != getattr(other, x.name):
            yield x.name, getattr(one, x.name)
