"""The plugin that is checked: found by its name, a file or an object, with what it provides."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from xlbench.errors import PluginError
from xlbench.plugins import HOOKS, OWN, give, load
from xlbench.plugins.registry import normal, split
from xlbench.studies.lookup import given_data, sets_of
from xlbench.testing.findings import Finding, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xlbench.contracts import Task
    from xlbench.plugins import Kind, Plugin, Registry

Given: TypeAlias = "str | Path | Sequence[str | Path]"
"""A folder, several, or the name of a set."""


@dataclass(frozen=True)
class Subject:
    """A plugin, loaded beside all others."""

    said: object
    """As the author names it."""
    plugin: Plugin
    registry: Registry
    """In which its names are its own values."""
    things: tuple[object, ...]
    """What `xlbench.run` takes as `plugins`; nothing of an installed one."""
    data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By task: the data to check it with, as `--data` takes them; by default its own."""

    @property
    def values(self) -> Iterator[tuple[Kind, str, Any]]:
        """Kind, name and value of all that it provides."""
        for kind, name in self.plugin.provides:
            yield kind, name, self.registry.provided[kind][name]

    @property
    def paths(self) -> tuple[str, ...]:
        """What the names of its files begin with: its package, or its file."""
        top = self.plugin.module if self.plugin.distribution == OWN else self.plugin.module.partition(".")[0]
        module = sys.modules.get(self.plugin.module) or sys.modules.get(top)
        file = getattr(module, "__file__", None)
        package = sys.modules.get(top)
        if self.plugin.distribution != OWN and (folder := list(getattr(package, "__path__", ()))):
            return tuple(f"{x}{os.sep}" for x in folder)
        return (str(file),) if file else ()

    def hook(self, kind: Kind) -> tuple[str, str]:
        """Name of the hook of a kind, and where the plugin defines it."""
        name = HOOKS[kind][0]
        module = sys.modules.get(self.plugin.module, self.said)
        function = getattr(module, name, None)
        return name, line_of(function) if function is not None else ""

    def finding(
        self, kind: Kind, name: str, field: str, what: str, place: str = "", *, note: bool = False
    ) -> Finding:
        """Something wrong with a value; placed at its hook where there is no better place."""
        hook, where = self.hook(kind)
        return Finding(place or where, hook, f"{kind} {name!r}", field, what, note)

    def given(self, task: Task) -> tuple[str, ...]:
        """What a task is checked with: what is named for it, its default, or the first of its registered
        sets; nothing where there is none.
        """
        own = self.data.get(task.name) or given_data(task)
        return own or tuple(sets_of(task, self.registry)[:1])

    def spelled(self, kind: Kind, name: str) -> str:
        """How a study has to write a name of the plugin."""
        return f"{self.plugin.distribution}/{name}" if (kind, name) in self.registry.rivals else name


def subject(said: object, data: Mapping[str, Given] | None = None) -> Subject:
    """The plugin of a name, `DISTRIBUTION/NAME`, file, module or object; `data` are what to check its tasks
    with.

    Raises PluginError for one that is not there, and for data of a task that is not; one that fails to load
    is there, with its error.
    """
    things: tuple[object, ...] = () if isinstance(said, str) and not _is_file(said) else (said,)
    given = give(things)
    registry = load(given=given, lenient=True)
    if given:
        plugin = next(x for x in registry.plugins if x.digest == given[0].digest)
    else:
        plugin = _installed(str(said), registry)
    mine = {x: plugin.distribution for x in plugin.provides if x in registry.rivals}
    registry = registry.bind(mine)
    for task in data or ():
        if task not in registry.tasks:
            known = ", ".join(name for kind, name in plugin.provides if kind == "task")
            has = f"the plugin has {known}" if known else "the plugin has none"
            raise PluginError(f"data of {task!r}, which is no task; {has} (--data TASK=FOLDER)")
    return Subject(said, plugin, registry, things, {task: _texts(x) for task, x in (data or {}).items()})


def _texts(given: Given) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, str | Path) else tuple(map(str, given))


def _is_file(text: str) -> bool:
    return text.endswith(".py") or Path(text).is_file()


def _installed(text: str, registry: Registry) -> Plugin:
    distribution, name = split(text)
    known = [x for x in registry.plugins if not x.digest]
    found = [x for x in known if x.name == name and normal(distribution) in ("", normal(x.distribution))]
    if len(found) == 1:
        return found[0]
    if found:
        forms = " or ".join(f"{x.distribution}/{x.name}" for x in found)
        raise PluginError(f"several distributions have a plugin {name!r}; write {forms}")
    near = difflib.get_close_matches(name, [x.name for x in known], n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ";"
    raise PluginError(
        f"no plugin {text!r}{meant} `xlbench list plugins` shows those that are installed (pip install -e "
        "FOLDER installs one); a file is named by its path, such as my_task.py"
    )
