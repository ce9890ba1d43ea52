"""`xlbench list`: what the plugins provide, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from xlbench.contracts import Split, Study, Vocabulary
from xlbench.errors import StudyError
from xlbench.output import clean, say, say_json
from xlbench.plugins import give, load, settle
from xlbench.plugins.registry import split

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Corpus, Json
    from xlbench.plugins import Kind, Plugin, Registry

What: TypeAlias = Literal[
    "tasks", "models", "probes", "languages", "corpora", "methods", "executors", "observers", "plugins"
]
Row: TypeAlias = "dict[str, Json]"


@dataclass(frozen=True, slots=True)
class About:
    """What a list of languages is asked to say."""

    tasks: tuple[str, ...] = ()
    model: str | None = None
    data: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By task: a registered set, or folders; by default the task's own set."""
    text: str | None = None
    seen: bool | None = None
    """Only languages that the model saw, or did not see; None is all."""


def show(what: What, *, as_json: bool, about: About, plugins: Sequence[Path] = ()) -> None:
    """Print what there is. Raises UnknownNameError for a task, model, set or corpus that is not there, and
    StudyError where seen languages are asked for and the model does not say which.
    """
    only_names = what == "plugins"
    asked = frozenset[str]() if only_names else None
    registry = load(given=give(plugins), lenient=only_names, asked=asked)
    rows = languages(registry, about) if what == "languages" else ROWS[what](registry)
    if as_json:
        say_json(rows)
        return
    for line in table(rows).split("\n") if rows else (f"no {what}",):
        say(line)
    for plugin in registry.failed if what != "plugins" else ():
        say()
        part = "failed to load" if plugin.error is not None else "is not used whole"
        say(f"{plugin} {part}; see `xlbench list plugins`")


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
    return clean(", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value))


def tasks(registry: Registry) -> list[Row]:
    """Tasks with their metric and data sets."""
    return [
        {
            "name": name,
            "metric": ", ".join([x.metric.name, *(name for name, _ in x.metric.others)]),
            "data": list(_data(registry, x.name)),
            "summary": x.summary,
        }
        for name, x in registry.named("task").items()
    ]


def _data(registry: Registry, task: str) -> list[str]:
    """Names of the sets of a task, by its short name: `dist/name` where several claim one."""
    found = []
    for key in registry.named("data"):
        distribution, _, name = key.rpartition("/")
        if name.startswith(f"{task}:"):
            found.append(f"{distribution}/{name}".lstrip("/").replace(f"{task}:", "", 1))
    return found


def models(registry: Registry) -> list[Row]:
    """Models with the number of languages in their pretraining."""
    return [
        {
            "name": name,
            "checkpoint": _checkpoint(x.checkpoint),
            "languages": None if x.pretraining_languages is None else len(x.pretraining_languages),
            "summary": x.summary,
        }
        for name, x in registry.named("model").items()
    ]


def _checkpoint(text: str) -> str:
    """A hub id; a folder inside a package is of no interest to anyone."""
    from pathlib import Path

    return "embedded" if Path(text).is_absolute() else text


def probes(registry: Registry) -> list[Row]:
    """Probes with their version."""
    return [
        {"name": name, "version": x.version, "summary": x.summary}
        for name, x in registry.named("probe").items()
    ]


def languages(registry: Registry, about: About) -> list[Row]:
    """Languages: of tasks, those with any data there; of a model, whether seen; of a corpus, whether there is
    text. What a model's own studies take where they say nothing is taken here too.
    """
    from xlbench.studies.lookup import describe_language, find_corpus, find_data, find_model, given_data

    asked = {task: tuple(given) for task, given in about.data.items()}
    study = Study(model=about.model or Study().model, tasks=about.tasks, data=asked, text=about.text)
    study, registry = settle(study, registry)
    model = find_model(study, registry) if about.model is not None else None
    seen = model.pretraining_languages if model is not None else None
    if about.seen is not None and seen is None:
        which = f"the model {about.model} does not say" if model else "without --model nothing says"
        raise StudyError(f"{which} which languages were seen; leave out --seen and --unseen")
    defaults = model.defaults if model is not None else Study()
    splits: dict[str, dict[str, list[str]]] = {}
    sets = {}
    for name in study.tasks:
        task = registry.find("task", name)
        splits[name] = {}
        sets[name] = find_data(task, given_data(task, study, defaults), registry)
        for part in get_args(Split):
            for code in sets[name].languages(part):
                splits[name].setdefault(code, []).append(part)
    text = study.text or defaults.text
    having = None if text is None else set(find_corpus(text, registry, sets).languages())
    chosen = set().union(*splits.values()) if splits else set(registry.languages)
    rows: list[Row] = []
    for code in sorted(chosen):
        known = None if seen is None else code in seen
        if about.seen is not None and known is not about.seen:
            continue
        x = describe_language(code, registry)
        row: Row = {"code": code, "name": x.name, "family": x.family, "genus": x.genus, "script": x.script}
        if model is not None:
            row["seen"] = known
        row |= {name: list(found.get(code, ())) for name, found in splits.items()}
        if having is not None:
            row["text"] = code in having
        rows.append(row)
    return rows


def corpora(registry: Registry) -> list[Row]:
    """Corpora with the number of their languages."""
    return [
        {"name": name, "languages": _count(x), "source": x.source}
        for name, x in registry.named("corpus").items()
    ]


def _count(corpus: Corpus) -> int | None:
    """Number of languages; None where the plugin cannot say."""
    try:
        return len(corpus.languages())
    except Exception:
        return None


def methods(registry: Registry) -> list[Row]:
    """Parts of the method, by vocabulary, with the plugin that brings each."""
    return [
        {
            "what": what,
            "name": name,
            "version": x.version,
            "plugin": _plugin(registry, what, name),
            "summary": x.summary,
        }
        for what in get_args(Vocabulary)
        for name, x in registry.named(what).items()
    ]


def _plugin(registry: Registry, kind: Kind, name: str) -> str:
    """The plugin that a name is of, as XLBENCH_PLUGINS takes it."""
    distribution, short = split(name)
    owner = next(x for x in registry.claims(kind, short) if distribution in ("", x.distribution))
    return f"{owner.distribution}/{owner.name}"


def executors(registry: Registry) -> list[Row]:
    """Executors."""
    return [{"name": name, "summary": x.summary} for name, x in registry.named("executor").items()]


def observers(registry: Registry) -> list[Row]:
    """Observers."""
    return [{"name": name, "summary": x.summary} for name, x in registry.named("observer").items()]


def installed(registry: Registry) -> list[Row]:
    """Plugins with what they provide, or their error."""
    return [
        {
            "name": x.name,
            "distribution": x.distribution,
            "version": x.version,
            "module": x.module,
            "provides": list(_counted(x)),
            "error": x.problem or x.remark,
        }
        for x in registry.plugins
    ]


def _counted(plugin: Plugin) -> list[str]:
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
    "methods": methods,
    "executors": executors,
    "observers": observers,
    "plugins": installed,
}
