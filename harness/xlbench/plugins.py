"""Discovery of plugins: one try for each, failures kept as data, names looked up with suggestions."""

from __future__ import annotations

import difflib
import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import pluggy

from xlbench import hookspecs
from xlbench.contracts import (
    BaseModel,
    Corpus,
    Distance,
    Executor,
    Language,
    Probe,
    Task,
    TaskData,
)
from xlbench.errors import PluginError, UnknownNameError

OWN = "xlbench"
"""The distribution whose plugins always load."""
LIMIT = "XLBENCH_PLUGINS"
"""Environment variable: names of the plugins that may load besides the built-in ones."""

Kind: TypeAlias = Literal["task", "data", "corpus", "language", "distance", "model", "probe", "executor"]

HOOKS: dict[Kind, tuple[str, type[Any]]] = {
    "task": ("xlbench_tasks", Task),
    "data": ("xlbench_task_data", TaskData),
    "corpus": ("xlbench_corpora", Corpus),
    "language": ("xlbench_languages", Language),
    "distance": ("xlbench_distances", Distance),
    "model": ("xlbench_models", BaseModel),
    "probe": ("xlbench_probes", Probe),
    "executor": ("xlbench_executors", Executor),
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
}
"""What `xlbench list` calls them."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of the group `xlbench`, loaded or failed."""

    name: str
    distribution: str
    version: str
    module: str
    error: str | None = None
    """One line, where it failed; nothing of it is used then."""
    provides: tuple[tuple[Kind, str], ...] = ()

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that the loaded plugins provide, by kind and name.

    Data sets are named `task:name`, since two tasks may well use one source.
    """

    plugins: tuple[Plugin, ...]
    provided: Mapping[Kind, Mapping[str, Any]]
    owners: Mapping[tuple[Kind, str], Plugin] = field(default_factory=dict)

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
        """In the order of the plugins."""
        return tuple(self.provided["distance"].values())

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
    def failed(self) -> tuple[Plugin, ...]:
        """Plugins that did not load."""
        return tuple(x for x in self.plugins if x.error is not None)

    def find(self, kind: Kind, name: str) -> Any:
        """What is registered under a name.

        Raises UnknownNameError with the nearest names and how to list them all.
        """
        known = self.provided[kind]
        if name in known:
            return known[name]
        raise UnknownNameError(self.unknown(kind, name))

    def unknown(self, kind: Kind, name: str) -> str:
        """One line on a name that nothing provides."""
        known = self.provided[kind]
        labels = {x: x for x in known}
        if kind == "language":
            labels |= {one.name.lower(): code for code, one in self.languages.items()}
        near = [labels[x] for x in difflib.get_close_matches(name.lower(), labels, n=3)]
        meant = f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near else ";"
        broken = f" ({len(self.failed)} failed to load: xlbench list plugins)" if self.failed else ""
        return f"no {kind} {name!r}{meant} `xlbench list {LISTED[kind]}` shows what there is{broken}"


def load(*, strict: bool = False) -> Registry:
    """Load every plugin that may load.

    `strict` turns a plugin's failure into an error. Raises PluginError for that, and for two plugins
    that claim one name; UnknownNameError where XLBENCH_PLUGINS names a plugin that is not installed.
    """
    plugins: list[Plugin] = []
    provided: dict[Kind, dict[str, Any]] = {kind: {} for kind in HOOKS}
    owners: dict[tuple[Kind, str], Plugin] = {}
    for point in _entry_points():
        plugin, values = _load_one(point)
        if plugin.error is not None and strict:
            raise PluginError(f"{plugin} failed: {plugin.error}")
        plugins.append(plugin)
        for (kind, name), value in zip(plugin.provides, values, strict=True):
            if (other := owners.get((kind, name))) is not None:
                raise PluginError(
                    f"{other} and {plugin} both provide the {kind} {name!r}; "
                    f"uninstall one, or leave it out with {LIMIT}"
                )
            owners[kind, name] = plugin
            provided[kind][name] = value
    return Registry(tuple(plugins), provided, owners)


def _entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    """Entry points that may load, the built-in ones first, each once."""
    points = {
        (point.name, point.value, point.dist.name): point
        for point in importlib.metadata.entry_points(group=hookspecs.GROUP)
        if point.dist is not None
    }
    own = [point for (_, _, dist), point in points.items() if dist == OWN]
    others = sorted((x for x in points.values() if x not in own), key=lambda x: x.name)
    limit = os.environ.get(LIMIT)
    if limit is not None:
        allowed = {x.strip() for x in limit.split(",") if x.strip()}
        unknown = sorted(allowed - {x.name for x in points.values()})
        if unknown:
            names = ", ".join(sorted(x.name for x in others)) or "none"
            raise UnknownNameError(
                f"{LIMIT} names {', '.join(unknown)}, which is not installed; installed besides the "
                f"built-in plugins: {names}"
            )
        others = [x for x in others if x.name in allowed]
    yield from own
    yield from others


def _load_one(point: importlib.metadata.EntryPoint) -> tuple[Plugin, list[Any]]:
    """One plugin and what it provides, in the order of `Plugin.provides`; or its failure."""
    assert point.dist is not None  # noqa: S101  (narrowed by _entry_points)
    plugin = Plugin(point.name, point.dist.name, point.dist.version, point.module)
    try:
        # A manager of its own, so that nothing of a plugin that fails is left behind.
        manager = pluggy.PluginManager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        manager.register(point.load(), point.name)
        manager.check_pending()
        found = list(_values(manager))
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        return replace(plugin, error=f"{type(error).__name__}: {text}" if text else type(error).__name__), []
    provides = tuple((kind, name) for kind, name, _ in found)
    return replace(plugin, provides=provides), [value for _, _, value in found]


def _values(manager: pluggy.PluginManager) -> Iterator[tuple[Kind, str, Any]]:
    """What the hooks of one plugin yield. Raises TypeError or ValueError for what is no use."""
    seen: set[tuple[Kind, str]] = set()
    for kind, (hook, expected) in HOOKS.items():
        for result in getattr(manager.hook, hook)():
            for value in result:
                if not isinstance(value, expected):
                    raise TypeError(f"{hook} yields {type(value).__name__}, not {expected.__name__}")
                name = f"{value.task}:{value.name}" if kind == "data" else _name(value)
                if (kind, name) in seen:
                    raise ValueError(f"{hook} yields {name!r} twice")
                seen.add((kind, name))
                yield kind, name, value


def _name(value: Any) -> str:
    return str(value.code if isinstance(value, Language) else value.name)
