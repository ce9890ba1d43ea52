"""What reports need to know of a study's languages and data, once plugins and data may be gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Distance, Language

if TYPE_CHECKING:
    from xlbench.contracts import Json, Resolved


def describe(resolved: Resolved) -> dict[str, Json]:
    """Plain data for `Store.save_study`: model, tasks, text, languages, which are seen, distances."""
    study, model = resolved.study, resolved.model
    place = Path(model.checkpoint)
    having = set(resolved.corpus.languages())
    own = (x for targets in resolved.targets.values() for x in targets)
    codes = sorted(
        {*study.transfer, *study.targets, *study.train_languages, *own, study.reference or ""} - {""}
    )
    return {
        "model": {
            "name": model.name,
            # A path that only one machine has says nothing to others; the fingerprint does.
            "checkpoint": place.name if place.is_absolute() else model.checkpoint,
            "revision": study.revision or model.revision,
            "fingerprint": resolved.model_fingerprint,
            "languages_source": model.languages_source,
        },
        "tasks": {
            name: {"metric": task.metric.name, "source": resolved.data[name].source}
            for name, task in sorted(resolved.tasks.items())
        },
        "text": {
            "source": resolved.corpus.source,
            "lines": {x: resolved.text_lines(x, resolved.mlm.lines) for x in study.transfer if x in having},
        },
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
    }


def languages(described: Mapping[str, Any]) -> dict[str, Language]:
    """The languages that `describe` wrote."""
    return {code: Language(**facts) for code, facts in described.get("languages", {}).items()}


def distances(described: Mapping[str, Any]) -> tuple[Distance, ...]:
    """The distances that `describe` wrote, between languages of the study only."""
    return tuple(
        Distance(x["name"], x["summary"], {(a, b): d for a, b, d in x["table"]})
        for x in described.get("distances", ())
    )
