"""A tidy table as a record of Every Eval Ever, a shared format of evaluation results: one document per model,
by version 0.3.0 of its schema (https://github.com/evaleval/every_eval_ever).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from xlbench.errors import ResultsError
from xlbench.output import clean
from xlbench.reporting.folder import slug

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from xlbench.contracts import Metric
    from xlbench.results import StoredStudy

SCHEMA_VERSION = "0.3.0"
LEVEL = 0.95
_MEASURED = ("effect", "score", "low", "high", "n", "missing", "unit", "model")
"""Columns that have a place of their own in a record; the others are among its details."""
_NOT_KEYS = (
    *_MEASURED, "q", "verdict", "seeds", "minimum_detectable_effect", "majority", "adapter_seeds", "before",
    "after", "alone", "combined", "own_text", "targets", "transfers", "members",
)  # fmt: skip


def document(
    study: StoredStudy,
    metrics: Mapping[str, Metric],
    name: str,
    frame: pd.DataFrame,
    publish: Callable[[str], str],
) -> dict[str, Any]:
    """The record of a table called `name`, each number that is there with its interval; `publish` takes paths
    of this machine out of texts. Raises ResultsError for a table without `task` and `effect` or `score`.
    """
    value = next((x for x in ("effect", "score") if x in frame.columns), "")
    if not value or "task" not in frame.columns:
        raise ResultsError(
            f"the table {name!r} has no numbers of a task, which this format is for; name another with --what"
        )
    created = _epoch(study.created)
    model = _model(study, publish)
    rows = [row for row in frame.to_dict("records") if not _lacks(row[value])]
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"xlbench-{study.id}-{name}/{model['id'].replace('/', '_')}/{created}",
        "evaluation_timestamp": created,
        "retrieved_timestamp": created,
        "source_metadata": {
            "source_name": f"xlbench study {study.id}",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "xlbench", "version": version("xlbench")},
        "model_info": model,
        "evaluation_results": [_result(study, metrics, name, row, value, publish) for row in rows],
    }


def _result(
    study: StoredStudy,
    metrics: Mapping[str, Metric],
    name: str,
    row: Mapping[Any, Any],
    value: str,
    publish: Callable[[str], str],
) -> dict[str, Any]:
    task = str(row["task"])
    keys = {k: str(v) for k, v in row.items() if k not in _NOT_KEYS and not _lacks(v)}
    told = {k: str(v) for k, v in row.items() if k not in _MEASURED and not _lacks(v)}
    metric, difference = metrics.get(task), value == "effect"
    facts = study.described["tasks"].get(task, {})
    details = {"source": publish(str(facts.get("source", "not known")))}
    if "target" in keys or "language" in keys:
        details["language"] = keys.get("target") or keys["language"]
    if facts.get("revision"):
        details["revision"] = publish(str(facts["revision"]))
    result: dict[str, Any] = {
        "evaluation_result_id": "/".join((study.id, name, *keys.values())),
        "evaluation_name": "/".join((name, *keys.values())),
        "source_data": {
            "dataset_name": f"{task} ({details['language']})" if "language" in details else task,
            "source_type": "other",
            "additional_details": details,
        },
        "metric_config": _metric(name, metric, row, difference=difference),
        "score_details": {"score": float(row[value]), "details": told},
    }
    if not _lacks(row.get("low")) and not _lacks(row.get("high")):
        uncertainty = {
            "confidence_interval": {
                "lower": float(row["low"]),
                "upper": float(row["high"]),
                "confidence_level": LEVEL,
                "method": "bootstrap over test examples and the spread over seeds, paired for differences",
            },
        }
        if not _lacks(row.get("n")):
            uncertainty["num_samples"] = int(row["n"])  # type: ignore[assignment]
        result["score_details"]["uncertainty"] = uncertainty
    return result


def _metric(name: str, metric: Metric | None, row: Mapping[Any, Any], *, difference: bool) -> dict[str, Any]:
    of = metric.name if metric else "score"
    unit = str(row["unit"]) if not _lacks(row.get("unit")) else "points"
    found: dict[str, Any] = {
        "evaluation_description": f"Table {name!r} of xlbench: {'change of ' if difference else ''}{of}",
        "metric_id": f"xlbench.{name}.{slug(of)}" if difference else slug(of).lower().replace("-", "_"),
        "metric_name": f"Change of {of}" if difference else of,
        "metric_kind": slug(of).lower().replace("-", "_"),
        "metric_unit": unit,
        "lower_is_better": False,
    }
    if metric is not None:
        low, high = metric.lowest, metric.highest
        ends = (low - high, high - low) if difference else (low, high)
        found |= {"score_type": "continuous", "min_score": _end(ends[0]), "max_score": _end(ends[1])}
    return found


def _model(study: StoredStudy, publish: Callable[[str], str]) -> dict[str, Any]:
    facts: Mapping[str, Any] = study.described["model"]
    name, checkpoint = publish(str(facts["name"])), publish(str(facts.get("checkpoint") or facts["name"]))
    of_hub = facts.get("revision") is not None
    return {
        "name": clean(name),
        "id": clean(checkpoint if of_hub else name),
        "additional_details": {
            "deployment_type": "self_deployed",
            "model_availability": "open_weights" if of_hub else "unknown",
            "fingerprint": str(facts.get("fingerprint", "")),
            "revision": str(facts.get("revision") or "unknown"),
        },
    }


def _end(value: float) -> float | str:
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _epoch(iso: str) -> str:
    """Seconds since 1970, of an ISO time."""
    found = datetime.fromisoformat(iso)
    return str(int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))


def _lacks(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
