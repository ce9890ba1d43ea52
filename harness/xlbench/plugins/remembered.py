"""What slow plugins provide, kept between commands, so that only studies that name it import them.

Only plugins whose import and hooks take more than SLOW seconds are kept. What is kept holds as long as the
plugin's files, its version, and what is installed beside it stay as they are. It is used for names alone:
whatever a command works with is imported. A name that nothing else provides has every plugin imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.files import cache
from xlbench.hookspecs import CONTRACT
from xlbench.plugins.registry import HOOKS, Kind, Plugin, Refused, Registry
from xlbench.spec.study import as_json

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SLOW = 0.3
"""Seconds of a plugin's import and hooks above which it is kept."""
_MOST = 2000
"""Files of a plugin; one with more is imported by every command."""
_ALWAYS: frozenset[Kind] = frozenset(("language", "distance"))
"""What studies use without naming it."""
_WORD = re.compile(r"[\w.-]+")


def words(value: object) -> frozenset[str]:
    """All that may be a name in plain data."""
    return frozenset(_WORD.findall(json.dumps(value, ensure_ascii=False, default=str)))


def implied(registry: Registry, asked: frozenset[str]) -> frozenset[str]:
    """With the names that what is asked for leads to: defaults of models, and what tasks refer to."""
    found = set(asked)
    for name, model in registry.named("model").items():
        if name.rpartition("/")[2] in asked:
            found |= words(as_json(model.defaults))
    for name, task in registry.named("task").items():
        if name.rpartition("/")[2] in found:
            found |= words([task.kind, task.adapter, task.default_data])
    return frozenset(found)


def is_asked(plugin: Plugin, asked: frozenset[str]) -> bool:
    """Whether a study with these names may need a plugin, as far as is remembered of it."""
    known = (*plugin.provides, *((x.kind, x.name) for x in plugin.refused))
    names = (name.partition(":")[2] if kind == "data" else name for kind, name in known)
    return any(kind in _ALWAYS for kind, _ in known) or any(x in asked for x in names)


def recall(point: EntryPoint, plugin: Plugin) -> Plugin | None:
    """What is kept of a plugin; None where nothing is, or something has changed."""
    try:
        kept = json.loads(_place(point, plugin).read_text("utf-8"))
        return replace(
            plugin,
            error=None if kept["error"] is None else str(kept["error"]),
            provides=tuple((_kind(kind), str(name)) for kind, name in kept["provides"]),
            refused=tuple(Refused(_kind(kind), str(name), str(why)) for kind, name, why in kept["refused"]),
            contract=kept["contract"],
            deferred=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(point: EntryPoint, plugin: Plugin) -> None:
    """Keep what a plugin provides, where that can be written."""
    content = {
        "error": plugin.error,
        "contract": plugin.contract,
        "provides": plugin.provides,
        "refused": [(x.kind, x.name, x.why) for x in plugin.refused],
    }
    with suppress(OSError, ValueError):
        place = _place(point, plugin)
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(content), "utf-8")
        aside.replace(place)


def _kind(text: Any) -> Kind:
    if text not in HOOKS:
        raise ValueError(text)
    found: Kind = text
    return found


def _place(point: EntryPoint, plugin: Plugin) -> Path:
    """The file that is kept of a plugin as it is now. Raises ValueError where that cannot be told."""
    told = [sys.version, sys.prefix, plugin.distribution, plugin.version, point.name, point.value]
    told.append(str(CONTRACT))
    told += [f"{folder} {_changed(Path(folder))}" for folder in sys.path]
    told += _files(plugin.module.partition(".")[0])
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
    return cache.folder() / "plugins" / f"{digest}.json"


def _files(package: str) -> list[str]:
    """The files of a package, or the one of a module, with what changes when they do."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ValueError(package)
    folders = list(spec.submodule_search_locations or ())
    files = [Path(spec.origin)] if spec.origin and not folders else []
    for folder in folders:
        files += (x for x in Path(folder).rglob("*") if x.suffix != ".pyc" and x.is_file())
        if len(files) > _MOST:
            raise ValueError(package)
    return sorted(f"{x} {_changed(x)}" for x in files)


def _changed(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"
