"""Which plugin a study means where several claim a name.

Within a study, its results and its pages, everything has its short name. `settle` reads `dist/name` and gives
a registry in which short names mean what the study says; `spelled` writes the study so that it says so again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xlbench.contracts import Json, Study
from xlbench.errors import StudyError
from xlbench.plugins import probe_settings
from xlbench.plugins.registry import OWN, Kind, Registry, normal, split
from xlbench.spec.problems import ManyProblemsError, Problems

Rename = Callable[[Kind, str, str], str]
"""Of a kind, a text that may be a name, and the task that data are of: the text to write instead."""


def settle(study: Study, registry: Registry) -> tuple[Study, Registry]:
    """The study with short names, and the registry in which they are what it means.

    What it does not name itself is what the model's own distribution provides, where the model's defaults
    name it, otherwise what is built in. Raises ManyProblemsError for a short name that several plugins claim,
    and for two things of one short name.
    """
    choices = _Choices(registry)
    try:
        short = _renamed(study, registry, choices.short)
        short = probe_settings.as_fields(short, registry.bind(choices.chosen))
        short = _renamed(short, registry, choices.short)  # the names that those settings say
        _renamed(short, registry, choices.check)
    except StudyError as error:  # two things of one short name
        choices.problems.lines = choices.problems.lines or [str(error)]
    if choices.problems.lines:
        raise ManyProblemsError(choices.problems.lines)
    if not registry.rivals:
        return short, registry
    for task in short.tasks:
        choices.kind_of(task)
    if choices.problems.lines:
        raise ManyProblemsError(choices.problems.lines)
    model = registry.bind(choices.chosen).models.get(short.model)
    if model is not None:
        owner = registry.bind(choices.chosen).owners["model", short.model].distribution
        _renamed(model.defaults, registry, choices.preferring((owner, OWN)))
    for kind, name in registry.rivals:
        owners = list(dict.fromkeys([*choices.of_task(kind, name), OWN, *choices.chosen.values()]))
        choices.prefer(kind, name, owners)
    return short, registry.bind(choices.chosen)


def spelled(study: Study, registry: Registry) -> Study:
    """The study as it has to be written, with `dist/name` for each name that several plugins claim."""

    def name(kind: Kind, text: str, task: str) -> str:
        owner = registry.bound.get((kind, f"{task}:{text}" if kind == "data" else text))
        return text if owner is None else f"{owner}/{text}"

    return _renamed(study, registry, name) if registry.bound else study


def made_with(registry: Registry, provenances: Iterable[Mapping[str, Any]]) -> Registry:
    """The registry in which names that several plugins claim are what stored results were made with."""
    chosen: dict[tuple[Kind, str], str] = {}
    for facts in provenances if registry.rivals else ():
        for (kind, name), rivals in registry.rivals.items():
            said = facts.get("plugins", {}).get(f"{kind} {name}")
            for plugin, _ in rivals:
                if isinstance(said, str) and f"({plugin.distribution} " in said:
                    chosen.setdefault((kind, name), plugin.distribution)
    return registry.bind(chosen)


@dataclass
class _Choices:
    registry: Registry
    chosen: dict[tuple[Kind, str], str] = field(default_factory=dict)
    """By kind and short name, the distribution that is meant."""
    problems: Problems = field(default_factory=Problems)

    def short(self, kind: Kind, text: str, task: str) -> str:
        """The short name of `dist/name`, which is a choice; any other text as it is."""
        distribution, name = split(text)
        key = kind, f"{task}:{name}" if kind == "data" else name
        for plugin in self.registry.claims(*key) if distribution else ():
            if normal(plugin.distribution) == normal(distribution):
                other = self.chosen.setdefault(key, plugin.distribution)
                if other != plugin.distribution:
                    self.problems.add(
                        f"{kind} {name!r}: one study cannot have that of {other} and that of "
                        f"{plugin.distribution}; give each a study of its own"
                    )
                return name
        return text

    def check(self, kind: Kind, text: str, task: str) -> str:
        """Keep a problem where several plugins claim what a study names."""
        key = kind, f"{task}:{text}" if kind == "data" else text
        if kind == "model" and text == Study().model:
            self.prefer(kind, text, [OWN])  # nobody need have said it
        if key in self.registry.rivals and key not in self.chosen:
            self.problems.add(self.registry.unknown(*key))
        return text

    def preferring(self, owners: Iterable[str]) -> Rename:
        """Prefer these distributions for what is named."""

        def prefer(kind: Kind, text: str, task: str) -> str:
            self.prefer(kind, f"{task}:{text}" if kind == "data" else text, owners)
            return text

        return prefer

    def prefer(self, kind: Kind, name: str, owners: Iterable[str]) -> None:
        """Choose the first of these that claims a name, where nothing is chosen."""
        claiming = {x.distribution for x in self.registry.claims(kind, name)}
        first = next((x for x in owners if x in claiming), None)
        if first is not None:
            self.chosen.setdefault((kind, name), first)

    def kind_of(self, task: str) -> None:
        """Choose what a task's kind means where several plugins claim it: its own distribution's, otherwise
        what is built in.
        """
        known = self.registry.bind(self.chosen)
        if task not in known.tasks or ("kind", name := known.tasks[task].kind) not in self.registry.rivals:
            return  # `dist/name` is not among them: it is one already
        claiming = [x.distribution for x in self.registry.claims("kind", name)]
        owner = known.owners["task", task].distribution
        meant = next((x for x in (owner, OWN) if x in claiming), None)
        other = self.chosen.setdefault(("kind", name), meant) if meant is not None else None
        if meant is None:
            self.problems.add(f"task {task!r}: {self.registry.unknown('kind', name)}")
        elif other != meant:
            self.problems.add(
                f"kind {name!r}: one study cannot have that of {other} and that of {meant}, which the task "
                f"{task!r} needs; give each a study of its own"
            )

    def of_task(self, kind: Kind, name: str) -> Iterable[str]:
        """The distribution of the task that data are of."""
        task = name.partition(":")[0]
        if kind == "data" and ("task", task) in self.chosen:
            yield self.chosen["task", task]


def _renamed(study: Study, registry: Registry, rename: Rename) -> Study:
    """The study with every name in it that a plugin may provide renamed."""

    def of_task(key: str) -> str:
        """A task, or that with a language or setting of it after a point."""
        task, point, rest = key.rpartition(".")
        whole = rename("task", key, "")
        return whole if whole != key or not point else f"{rename('task', task, '')}.{rest}"

    def text(kind: Kind, said: str, task: str = "") -> str:
        """A name, with an argument or revision after it."""
        end = min((said.find(x) for x in ":@" if x in said), default=len(said))
        head = rename(kind, said[:end], task)
        rest = said[end + 1 :]
        if head == said[:end] and said[end : end + 1] == ":" and "/" in rest:
            rest = rename("corpus", rename("task", rest, ""), "")
        return f"{head}{said[end : end + 1]}{rest}"

    def kinds(settings: Mapping[str, Json]) -> dict[str, Json]:
        """Settings of adapters, whose `config` names a kind."""
        return {
            k: rename("adapter", x, "") if k.rpartition(".")[2] == "config" and isinstance(x, str) else x
            for k, x in settings.items()
        }

    naming = probe_settings.naming(registry)

    def options(probe: str, said: Mapping[str, Json]) -> dict[str, Json]:
        """Settings of a probe, some of which are names."""
        found = dict(said)
        for key, value in said.items():
            if (kind := naming.get((split(probe)[1], key))) is not None:
                several = value if isinstance(value, list) else [value]
                named = [rename(kind, x, "") if isinstance(x, str) else x for x in several]
                found[key] = named if isinstance(value, list) else named[0]
        return found

    tasks = {key: split(key)[1].partition(".")[0] for key in study.data}
    return replace(
        study,
        model=rename("model", study.model, ""),
        probes=tuple(rename("probe", x, "") for x in study.probes),
        controls=None
        if study.controls is None
        else tuple(rename("treatment", x, "") for x in study.controls),
        tasks=tuple(rename("task", x, "") for x in study.tasks),
        data={
            of_task(key): tuple(text("data", x, tasks[key]) for x in given)
            for key, given in study.data.items()
        },
        text=None if study.text is None else text("corpus", study.text),
        adapter=kinds({of_task(key) if "." in key else key: x for key, x in study.adapter.items()}),
        language_training=kinds(study.language_training),
        options={rename("probe", key, ""): options(key, x) for key, x in study.options.items()},
    )
