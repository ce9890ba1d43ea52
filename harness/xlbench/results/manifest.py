"""The manifest of a study: what reports need of its languages and data once plugins and data may be gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from xlbench.contracts import (
    FIRST_ADAPTERS,
    Distance,
    Identified,
    Language,
    PretrainingSizes,
    TextFacts,
    commit_of,
    is_parallel,
    mixture,
)
from xlbench.data import amounts, domains

if TYPE_CHECKING:
    from xlbench.contracts import Json, Level, Resolved

EARLIER: dict[str, Level] = {
    "tagging": "token", "parsing": "token", "span": "token", "classification": "sentence",
}  # fmt: skip
"""By kind of task, of studies that were stored when kinds were a closed set and no level was stored."""


def describe(resolved: Resolved) -> dict[str, Json]:
    """Plain data for `Store.save_study`: model, tasks, text, languages, which are seen, distances."""
    study, model = resolved.study, resolved.model
    having = set(resolved.corpus.languages())
    texts = {x: amounts.facts(resolved, x) for x in mixture.each(study.transfer) if x in having}
    own = (x for targets in resolved.targets.values() for x in targets)
    codes = sorted(
        {
            *study.transfer,
            *mixture.each(study.transfer),
            *study.targets,
            *study.train_languages,
            *own,
            study.reference or "",
        }
        - {""}
    )
    return {
        "model": {
            "name": model.name,
            # A path that only one machine has says nothing to others; the fingerprint does.
            "checkpoint": model.source,
            "revision": model.revision,
            "fingerprint": resolved.model_fingerprint,
            "family": resolved.family,
            "languages_source": model.languages_source,
            "sizes": None
            if model.sizes is None
            else asdict(model.sizes) | {"table": dict(model.sizes.table)},
        },
        "tasks": {name: _task(resolved, name) for name in sorted(resolved.tasks)},
        "text": {
            "source": resolved.corpus.source,
            "revision": resolved.corpus.commit,
            "lines": {x: one.lines for x, one in texts.items()},
            "amounts": {x: {"words": one.words, "bytes": one.bytes} for x, one in texts.items()},
            "domains": {x: one.domain for x, one in texts.items() if one.domain is not None},
            "dropped": {
                language: {"repeated": len(lines.repeated), "tested": len(lines.tested)}
                for language, lines in resolved.dropped().items()
            },
            "near_duplicates": dict(resolved.near_duplicates()),
        },
        "skipped": [{"task": x.task, "line": str(x)} for x in resolved.unavailable],
        "languages": {x: asdict(resolved.languages[x]) for x in codes if x in resolved.languages},
        "seen": {x: resolved.seen(x) for x in codes},
        "distances": [
            {
                "name": distance.name,
                "summary": distance.summary,
                "table": [
                    [a, b, distance.table[a, b]] for a in codes for b in codes if (a, b) in distance.table
                ],
            }
            for distance in resolved.distances
        ],
        "adapters": {
            name: {**kind.language}
            for name, kind in sorted(resolved.method.adapters.items())
            if kind.language is not None
        },
        "compositions": {name: x.summary for name, x in sorted(resolved.method.compositions.items())},
    }


def _task(resolved: Resolved, name: str) -> dict[str, Json]:
    made: dict[str, Json] = {
        "kind": resolved.tasks[name].kind,
        "metric": resolved.tasks[name].metric.name,
        "source": resolved.data[name].source,
        "revision": commit_of(resolved.data[name]),
        "train": {x: resolved.size(name, x, "train") for x in resolved.train_languages(name)},
    }
    if (level := resolved.kind(resolved.tasks[name]).level) is not None:
        made["level"] = level
    if _has_parallel_rows(resolved, name):
        made["parallel"] = True
    if of_test := resolved.domains.get(name):
        made["domains"] = {x: of_test[x] for x in resolved.targets[name] if x in of_test}
    how = resolved.training.get(name)
    if how is not None and how.examples is not None:
        made["temperature"] = how.temperature
    if name in resolved.borrowed:
        task, data = resolved.borrowed[name]
        made |= {"adapter": task.name, "train_source": data.source}
    return made


def _has_parallel_rows(resolved: Resolved, name: str) -> bool:
    """Whether the study or data say so, or data name the same rows in the same order for all targets."""
    data, targets = resolved.data[name], resolved.targets[name]
    if name in resolved.study.parallel or is_parallel(data) or not isinstance(data, Identified):
        return name in resolved.study.parallel or is_parallel(data)
    named = [data.ids(x, "test") for x in targets]
    return len(targets) > 1 and named[0] is not None and all(x == named[0] for x in named)


def trained_on(task: Mapping[str, Any]) -> str:
    """What the adapter of a task was trained on, from what `describe` wrote of it; "" for nothing."""
    train = task.get("train", {})
    text = ", ".join(f"{language} {size:,}" for language, size in train.items())
    if "temperature" in task and len(train) > 1:
        text += f", shared out at temperature {task['temperature']:g}"
    return f"{text} (the adapter of {task['adapter']})" if "adapter" in task else text


def dropped_lines(described: Mapping[str, Any]) -> str:
    """Lines of text that were left out, by language; "" where none was."""
    counts = described.get("text", {}).get("dropped", {})
    return ", ".join(
        f"{language} {x['repeated']:,} repeated and {x['tested']:,} of test sets"
        for language, x in counts.items()
    )


def near_duplicates(described: Mapping[str, Any]) -> str:
    """Lines of text that are used though a test sentence but for one word, by language; "" where none is."""
    counts = described.get("text", {}).get("near_duplicates", {})
    return ", ".join(f"{language} {count:,}" for language, count in counts.items())


def adapters(described: Mapping[str, Any]) -> Mapping[str, Mapping[str, int]]:
    """By kind of language adapter: its settings of shape, with their defaults."""
    found: Mapping[str, Mapping[str, int]] = described.get("adapters") or FIRST_ADAPTERS
    return found


def texts(described: Mapping[str, Any]) -> dict[str, TextFacts]:
    """By transfer language: its text; of studies of earlier versions the lines alone."""
    text = described.get("text", {})
    counts, domains = text.get("amounts", {}), text.get("domains", {})
    return {
        x: TextFacts(lines, domain=domains.get(x), **counts.get(x, {}))
        for x, lines in text.get("lines", {}).items()
    }


def domains_of_tests(described: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By task and target: where its test data come from, as far as was known."""
    return {name: dict(x.get("domains", {})) for name, x in described.get("tasks", {}).items()}


def coincidence(described: Mapping[str, Any], transfer: Iterable[str]) -> str:
    """What `domains.coincide` says of a study's transfer languages."""
    return domains.coincide(described.get("seen", {}), described.get("text", {}).get("domains", {}), transfer)


def skipped(described: Mapping[str, Any], task: str) -> tuple[str, ...]:
    """A line for everything that the study did without, as far as it matters to the task (empty: to any)."""
    lines = (x for x in described.get("skipped", ()) if not task or x["task"] in ("", task))
    return tuple(f"left out: {x['line']}" for x in lines)


def languages(described: Mapping[str, Any]) -> dict[str, Language]:
    """The languages that `describe` wrote."""
    return {code: Language(**facts) for code, facts in described.get("languages", {}).items()}


def sizes(described: Mapping[str, Any]) -> PretrainingSizes | None:
    """The sizes of the model's pretraining text that `describe` wrote, if any."""
    found = described.get("model", {}).get("sizes")
    return None if found is None else PretrainingSizes(**found)


def levels(described: Mapping[str, Any]) -> dict[str, Level]:
    """By task that has one: the level that `describe` wrote, or that its kind had in earlier versions."""
    tasks = described.get("tasks", {}).items()
    found = {name: x.get("level") or EARLIER.get(x.get("kind", "")) for name, x in tasks}
    return {name: level for name, level in found.items() if level is not None}


def distances(described: Mapping[str, Any]) -> tuple[Distance, ...]:
    """The distances that `describe` wrote, between languages of the study only."""
    return tuple(
        Distance(x["name"], x["summary"], {(a, b): d for a, b, d in x["table"]})
        for x in described.get("distances", ())
    )
