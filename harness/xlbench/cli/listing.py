"""`xlbench list`: what the plugins provide, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from xlbench import plugins

if TYPE_CHECKING:
    from xlbench.contracts import Json
    from xlbench.plugins import Registry

What: TypeAlias = Literal["tasks", "models", "probes", "languages", "corpora", "executors", "plugins"]
Row: TypeAlias = "dict[str, Json]"


def show(what: What, *, as_json: bool, task: str | None, model: str | None) -> None:
    """Print what there is. Raises UnknownNameError for a task or model that is not there."""
    registry = plugins.load()
    rows = languages(registry, task, model) if what == "languages" else ROWS[what](registry)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    print(table(rows) if rows else f"no {what}")
    for plugin in registry.failed if what != "plugins" else ():
        print(f"\n{plugin} failed to load; see `xlbench list plugins`")


def table(rows: Sequence[Row]) -> str:
    """An aligned table; lists are joined, None is a dash."""
    from tabulate import tabulate

    cells = [[_shown(x) for x in row.values()] for row in rows]
    return tabulate(cells, headers=list(rows[0]), tablefmt="simple", disable_numparse=True)


def _shown(value: Json) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def tasks(registry: Registry) -> list[Row]:
    """Tasks with their metric and data sets."""
    return [
        {
            "name": x.name,
            "metric": ", ".join([x.metric.name, *(name for name, _ in x.metric.others)]),
            "data": [name.split(":", 1)[1] for name in registry.data if name.startswith(f"{x.name}:")],
            "summary": x.summary,
        }
        for x in registry.tasks.values()
    ]


def models(registry: Registry) -> list[Row]:
    """Models with the number of languages in their pretraining."""
    return [
        {
            "name": x.name,
            "checkpoint": _checkpoint(x.checkpoint),
            "languages": None if x.pretraining_languages is None else len(x.pretraining_languages),
            "summary": x.summary,
        }
        for x in registry.models.values()
    ]


def _checkpoint(text: str) -> str:
    """A hub id; a folder inside a package is of no interest to anyone."""
    from pathlib import Path

    return "embedded" if Path(text).is_absolute() else text


def probes(registry: Registry) -> list[Row]:
    """Probes with their version."""
    return [{"name": x.name, "version": x.version, "summary": x.summary} for x in registry.probes.values()]


def languages(registry: Registry, task: str | None, model: str | None) -> list[Row]:
    """Languages: of a task, only those with test data in its default set; of a model, whether seen."""
    chosen = list(registry.languages.values())
    if task is not None:
        default = registry.find("task", task).default_data
        having = registry.find("data", f"{task}:{default}").languages("test")
        chosen = [x for x in chosen if x.code in having]
    seen = None if model is None else registry.find("model", model).pretraining_languages
    rows: list[Row] = []
    for x in sorted(chosen, key=lambda x: x.code):
        row: Row = {
            "code": x.code,
            "name": x.name,
            "family": x.family,
            "genus": x.genus,
            "script": x.script,
        }
        if model is not None:
            row["pretrained"] = None if seen is None else x.code in seen
        rows.append(row)
    return rows


def corpora(registry: Registry) -> list[Row]:
    """Corpora with the number of their languages."""
    return [
        {"name": x.name, "languages": len(x.languages()), "source": x.source}
        for x in registry.corpora.values()
    ]


def executors(registry: Registry) -> list[Row]:
    """Executors."""
    return [{"name": x.name, "summary": x.summary} for x in registry.executors.values()]


def installed(registry: Registry) -> list[Row]:
    """Plugins with what they provide, or their error."""
    return [
        {
            "name": x.name,
            "distribution": x.distribution,
            "version": x.version,
            "module": x.module,
            "provides": list(_counted(x)),
            "error": x.error,
        }
        for x in registry.plugins
    ]


def _counted(plugin: plugins.Plugin) -> list[str]:
    """Names by kind; of many, how many."""
    by_kind: dict[str, list[str]] = {}
    for kind, name in plugin.provides:
        by_kind.setdefault(kind, []).append(name)
    return [
        f"{kind} {name}" if len(names) <= 4 else f"{len(names)} x {kind}"
        for kind, names in by_kind.items()
        for name in (names if len(names) <= 4 else names[:1])
    ]


ROWS: dict[str, Callable[[Registry], list[Row]]] = {
    "tasks": tasks,
    "models": models,
    "probes": probes,
    "corpora": corpora,
    "executors": executors,
    "plugins": installed,
}
