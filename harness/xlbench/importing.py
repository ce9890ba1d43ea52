"""`xlbench import`: a matrix that others have published becomes a study that is shown, recommended from and
compared; never one that is run, or mixed with what was.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.contracts import Imports, Study, digest
from xlbench.contracts.published import metric_of
from xlbench.data import matrices
from xlbench.errors import StudyError, UnknownNameError
from xlbench.plugins import give, load
from xlbench.results import Store
from xlbench.spec.study import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xlbench.contracts import Json, Published
    from xlbench.data.matrices import Rows
    from xlbench.plugins import Registry


@dataclass(frozen=True, slots=True)
class Taken:
    """What was imported."""

    study_id: str
    matrix: Published
    model: str
    task: str


def import_matrix(
    path: str | Path,
    task: str,
    *,
    model: str | None = None,
    results: str | Path = "results",
    rows: Rows | None = None,
    score: str | None = None,
    only: Mapping[str, str] | None = None,
    unit: str = "points",
    source: str = "",
    skip_unknown: bool = False,
    plugins: Iterable[object] = (),
) -> Taken:
    """Store the scores of a published matrix as a study in `results`.

    `model` is what the study's model is called (default: what the file says, else the file's name); `source`
    where the file is from, for people; the others as `data.matrices.read` has them. The same file, read in
    the same way, is the same study. Raises XlbenchError.
    """
    path, registry = Path(path), load(given=give(plugins))
    task = task.rpartition("/")[2]
    if not registry.claims("task", task):
        raise UnknownNameError(registry.unknown("task", task))
    matrix = matrices.read(
        path, rows=rows, column=score, only=only, known=registry.languages, skip_unknown=skip_unknown
    )
    probe = next((x for x in registry.probes.values() if isinstance(x, Imports)), None)
    if probe is None:
        raise StudyError("no installed probe takes published scores; install the one of xlbench")
    name = model or matrix.facts.get("model_id") or matrix.facts.get("tokenizer") or path.stem
    finished = list(probe.imported(matrix, task, unit))
    study = Study(
        model=name,
        probes=(finished[0][0].probe,),
        tasks=(task,),
        transfer=matrix.sources,
        targets=matrix.targets,
    )
    said = {
        "--task": task, "--model": name, "--rows": rows, "--score": score, "--source": source or None,
        "--unit": None if unit == "points" else unit,
    }  # fmt: skip
    command = ["xlbench", "import", matrix.name, *(x for k, v in said.items() if v for x in (k, v))]
    command += [x for k, v in (only or {}).items() for x in ("--only", f"{k}={v}")]
    command += ["--skip-unknown"] if skip_unknown else []
    imported: dict[str, Json] = {
        "file": matrix.name, "source": source, "sha256": matrix.sha256, "layout": matrix.layout,
        "facts": dict(matrix.facts), "skipped": list(matrix.skipped), "command": shlex.join(command),
    }  # fmt: skip
    store = Store(Path(results))
    _refuse_mixing(store, name, task)
    store.prepare()
    for job, evaluations in finished:
        metric = metric_of(job.condition)
        assert metric is not None  # noqa: S101 - `Published.condition` has one
        store.write(job, evaluations, {"imported": imported}, {task: metric})
    described = _described(matrix, name, task, registry) | {"imported": imported}
    study_id = store.save_study(as_json(study), [job for job, _ in finished], described)
    return Taken(study_id, matrix, name, task)


def _refuse_mixing(store: Store, model: str, task: str) -> None:
    """Raises StudyError where the folder has measured results of that model and task: whoever asks for them
    by name would be given one or the other.
    """
    for study in store.readable_studies():
        tasks = {cell.task for job in study.jobs for cell in job.cells}
        named = model in (study.study.get("model"), study.described["model"]["name"])
        if named and task in tasks and not study.described.get("imported"):
            raise StudyError(
                f"{store.path} has measured results of {task} with the model {model}; call the published one "
                f"otherwise (--model {model}-published), or use another --results"
            )


def _described(matrix: Published, model: str, task: str, registry: Registry) -> dict[str, Json]:
    """As `results.manifest.describe`, of what is known of a study that was not run."""
    codes = sorted({*matrix.sources, *matrix.targets})
    registered = registry.models.get(model)
    listed = None if registered is None else registered.pretraining_languages
    distances: list[Json] = []
    for distance in registry.distances:
        table = distance.table
        known: list[Json] = [[a, b, table[a, b]] for a in codes for b in codes if (a, b) in table]
        if known:
            distances.append({"name": distance.name, "summary": distance.summary, "table": known})
    return {
        "model": {
            "name": model, "checkpoint": "not run here", "revision": None,
            "fingerprint": digest({"published": matrix.sha256}), "family": "encoder",
            "languages_source": None if registered is None else registered.languages_source, "sizes": None,
        },
        "tasks": {task: {"kind": "published", "metric": "published score", "source": matrix.name}},
        "text": {},
        "skipped": [],
        "languages": {x: asdict(registry.languages[x]) for x in codes if x in registry.languages},
        "seen": {x: None if listed is None else x in listed for x in codes},
        "distances": distances,
    }  # fmt: skip
