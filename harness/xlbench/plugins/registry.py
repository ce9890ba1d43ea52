"""What the loaded plugins provide, by kind and name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

from xlbench.contracts import (
    AdapterKind,
    BaseModel,
    CompositionKind,
    Corpus,
    Distance,
    Executor,
    KindOfTask,
    Language,
    Method,
    Objective,
    Observer,
    Probe,
    Task,
    TaskData,
    Treatment,
    Vocabulary,
)
from xlbench.errors import UnknownNameError

OWN = "xlbench"
"""The distribution of the built-in plugins."""
LIMIT = "XLBENCH_PLUGINS"
"""Environment variable: names of the plugins that may load besides the built-in ones, or with a hyphen before
it, of one that may not."""

Kind: TypeAlias = (
    Literal["task", "data", "corpus", "language", "distance", "model", "probe", "executor", "observer"]
    | Vocabulary
)

HOOKS: dict[Kind, tuple[str, type[Any]]] = {
    "task": ("xlbench_tasks", Task),
    "data": ("xlbench_task_data", TaskData),
    "corpus": ("xlbench_corpora", Corpus),
    "language": ("xlbench_languages", Language),
    "distance": ("xlbench_distances", Distance),
    "model": ("xlbench_models", BaseModel),
    "probe": ("xlbench_probes", Probe),
    "executor": ("xlbench_executors", Executor),
    "observer": ("xlbench_observers", Observer),
    "kind": ("xlbench_kinds", KindOfTask),
    "objective": ("xlbench_objectives", Objective),
    "adapter": ("xlbench_adapters", AdapterKind),
    "composition": ("xlbench_compositions", CompositionKind),
    "treatment": ("xlbench_treatments", Treatment),
}
LISTED: dict[Kind, str] = {
    "task": "tasks",
    "data": "tasks",
    "corpus": "corpora",
    "language": "languages",
    "distance": "plugins",
    "model": "models",
    "probe": "probes",
    "executor": "executors",
    "observer": "observers",
    "kind": "methods",
    "objective": "methods",
    "adapter": "methods",
    "composition": "methods",
    "treatment": "methods",
}
"""What `xlbench list` calls them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A value that cannot be used."""

    kind: Kind
    name: str
    """Empty where it has none."""
    why: str
    """One line that begins with the value."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of the group `xlbench`, file or object, loaded or failed."""

    name: str
    distribution: str
    """Of a file its name, of an object that of its class."""
    version: str
    module: str
    error: str | None = None
    """One line, where it failed; nothing of it is used then."""
    provides: tuple[tuple[Kind, str], ...] = ()
    refused: tuple[Refused, ...] = ()
    """Values that are left out; the others are used."""
    digest: str = ""
    """Of the content of a file or object; of an installed plugin nothing."""
    deferred: bool = False
    """It is slow, and was not imported, since nothing asks for a name that it is known to provide."""
    printed: str = ""
    """What it printed when it was imported, which is not shown."""
    contract: int | None = None
    """The contract that it states (`hookspecs.CONTRACT`); None where it states none."""

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    @property
    def told(self) -> str:
        """As it stands in the provenance of results: "toy (xlbench-toy 1.2.3)"."""
        return f"{self.name} ({self.distribution} {self.version})"

    @property
    def remark(self) -> str | None:
        """What is worth knowing of it, though it works."""
        return f"prints when it is imported: {self.printed!r}" if self.printed else None

    @property
    def problem(self) -> str | None:
        """What is wrong with it or its values, in one line."""
        return self.error or "; ".join(x.why for x in self.refused) or None

    @property
    def origin(self) -> str:
        """What tells its tasks and probes from others of the same name and version; part of identities.

        Empty for the built-in plugins; the distribution of an installed one, whose author raises versions;
        the digest of a file or object, which changes under its author's hands.
        """
        if self.digest:
            return f"sha256:{self.digest}"
        return "" if self.distribution == OWN else normal(self.distribution)


def normal(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def split(text: str) -> tuple[str, str]:
    """Distribution and short name of `dist/name`; no distribution where there is none."""
    distribution, _, name = text.rpartition("/")
    return distribution, name


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that the loaded plugins provide, by kind and name.

    Data sets are named `task:name`, since two tasks may well use one source.
    """

    plugins: tuple[Plugin, ...]
    provided: Mapping[Kind, Mapping[str, Any]]
    """By short name; what two distributions claim is in `rivals` instead."""
    owners: Mapping[tuple[Kind, str], Plugin] = field(default_factory=dict)
    rivals: Mapping[tuple[Kind, str], tuple[tuple[Plugin, Any], ...]] = field(default_factory=dict)
    """By kind and short name that several distributions claim: each with its value."""
    bound: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    """Short names of `rivals` that were bound to one distribution (`bind`)."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """By name."""
        return self.provided["task"]

    @property
    def data(self) -> Mapping[str, TaskData]:
        """By `task:name`."""
        return self.provided["data"]

    @property
    def corpora(self) -> Mapping[str, Corpus]:
        """By name."""
        return self.provided["corpus"]

    @property
    def languages(self) -> Mapping[str, Language]:
        """By ISO 639-3 code."""
        return self.provided["language"]

    @property
    def distances(self) -> tuple[Distance, ...]:
        """In the order of the plugins; of several that claim one name, each with its distribution's."""
        claimed = (replace(value, name=name) for name, _, value in self._claimed("distance"))
        return (*self.provided["distance"].values(), *claimed)

    @property
    def models(self) -> Mapping[str, BaseModel]:
        """By name."""
        return self.provided["model"]

    @property
    def probes(self) -> Mapping[str, Probe]:
        """By name."""
        return self.provided["probe"]

    @property
    def executors(self) -> Mapping[str, Executor]:
        """By name."""
        return self.provided["executor"]

    @property
    def observers(self) -> Mapping[str, Observer]:
        """By name."""
        return self.provided["observer"]

    @property
    def method(self) -> Method:
        """The vocabularies of the method."""
        parts: tuple[Vocabulary, ...] = get_args(Vocabulary)
        owners = {(x, name): self.owners[x, name] for x in parts for name in self.provided[x]}
        # Tasks name their kind, and those of one study may name those of several distributions.
        kinds: dict[str, KindOfTask] = {**self.provided["kind"]}
        for name, plugin, value in self._claimed("kind"):
            kinds[name], owners["kind", name] = value, plugin
        return Method(
            kinds=kinds,
            objectives=self.provided["objective"],
            adapters=self.provided["adapter"],
            compositions=self.provided["composition"],
            treatments=self.provided["treatment"],
            origins={key: x.origin for key, x in owners.items() if x.origin},
            owners={key: str(x) for key, x in owners.items()},
        )

    @property
    def deferred(self) -> tuple[str, ...]:
        """Plugins that were not imported, so that names may be missing: `DISTRIBUTION/PLUGIN`."""
        return tuple(f"{x.distribution}/{x.name}" for x in self.plugins if x.deferred)

    @property
    def failed(self) -> tuple[Plugin, ...]:
        """Plugins that did not load, or not whole."""
        return tuple(x for x in self.plugins if x.problem is not None)

    def named(self, kind: Kind) -> Mapping[str, Any]:
        """Everything of a kind by a name that finds it: `dist/name` where several claim the short one."""
        unbound = {
            name: value for name, _, value in self._claimed(kind) if (kind, split(name)[1]) not in self.bound
        }
        return {**self.provided[kind], **unbound}

    def _claimed(self, kind: Kind) -> Iterator[tuple[str, Plugin, Any]]:
        """What several distributions claim of a kind: `dist/name`, plugin and value of each."""
        for (other, name), rivals in self.rivals.items():
            if other == kind:
                yield from ((f"{plugin.distribution}/{name}", plugin, value) for plugin, value in rivals)

    def claims(self, kind: Kind, name: str) -> tuple[Plugin, ...]:
        """The plugins that provide something under a short name, one a distribution."""
        if (kind, name) in self.rivals:
            return tuple(plugin for plugin, _ in self.rivals[kind, name])
        return (self.owners[kind, name],) if (kind, name) in self.owners else ()

    def find(self, kind: Kind, name: str) -> Any:
        """What is registered under a name, or `dist/name`.

        Raises UnknownNameError: with the nearest names and how to list them all, with all that claim the
        name, or with what is wrong with the value.
        """
        if name in self.provided[kind]:
            return self.provided[kind][name]
        distribution, short = split(name)
        for plugin in self.claims(kind, short) if distribution else ():
            if normal(plugin.distribution) == normal(distribution):
                return self.bind({(kind, short): plugin.distribution}).provided[kind][short]
        raise UnknownNameError(self.unknown(kind, name))

    def bind(self, choices: Mapping[tuple[Kind, str], str]) -> Registry:
        """The same, in which short names stand for what these distributions provide; each provides it."""
        provided = {kind: dict(values) for kind, values in self.provided.items()}
        owners, bound = dict(self.owners), dict(self.bound)
        for (kind, name), distribution in choices.items():
            for plugin, value in self.rivals.get((kind, name), ()):
                if normal(plugin.distribution) == normal(distribution):
                    provided[kind][name], owners[kind, name] = value, plugin
                    bound[kind, name] = plugin.distribution
        return replace(self, provided=provided, owners=owners, bound=bound)

    def unknown(self, kind: Kind, name: str) -> str:
        """One line on a name that nothing provides, or several plugins, or one badly."""
        distribution, short = split(name)
        if rivals := self.claims(kind, short):
            forms = " or ".join(f"{x.distribution}/{short}" for x in rivals)
            if distribution:
                return f"no {kind} {name!r}; {' and '.join(map(str, rivals))} has it: write {forms}"
            if len(rivals) > 1:
                return (
                    f"{kind} {name!r} is ambiguous: {' and '.join(map(str, rivals))} both provide it; write "
                    f"{forms}, or leave one out with {LIMIT}=-{rivals[-1].name}"
                )
        for plugin in self.plugins:
            if not distribution or normal(plugin.distribution) == normal(distribution):
                for one in plugin.refused:
                    if (one.kind, one.name) == (kind, short):
                        return f"{plugin}: {one.why}"
        known = self.named(kind)
        labels = {x: x for x in known}
        if kind == "language":
            labels |= {one.name.lower(): code for code, one in self.languages.items()}
        near = [labels[x] for x in difflib.get_close_matches(name.lower(), labels, n=3)]
        meant = f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near else ";"
        broken = f" ({len(self.failed)} failed to load: xlbench list plugins)" if self.failed else ""
        return f"no {kind} {name!r}{meant} `xlbench list {LISTED[kind]}` shows what there is{broken}"
