"""Everything that a study needs from elsewhere, brought here, so that it can run without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xlbench.errors import DataError, XlbenchError
from xlbench.models import checkpoints
from xlbench.output import counted
from xlbench.plugins import give, load, settle
from xlbench.results import Store
from xlbench.running.progress import size
from xlbench.spec.problems import ManyProblemsError
from xlbench.spec.study import as_json, parse
from xlbench.studies import plan as planning
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve

if TYPE_CHECKING:
    from xlbench.contracts import Corpus, Job, Resolved, Split, Study

What: TypeAlias = Literal["model", "adapter", "data", "text"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One thing that is here now, or one that cannot be obtained."""

    what: What
    name: str
    amount: str


def fetch(
    study: Study,
    *,
    results: str | Path = "results",
    strict_plugins: bool = False,
    plugins: Iterable[object] = (),
) -> Iterator[Fetched]:
    """Bring here the model, given adapters, training and test data, and text; yields each as it comes.

    What is here already is only read. `results` is where jobs may be stored already, as in a run. Raises
    XlbenchError, for data and text once all that can be obtained is here.
    """
    registry = load(strict=strict_plugins, given=give(plugins))
    mine = {k: v for k, v in study.options.items() if k in registry.probes or k not in registry.executors}
    study, registry = settle(parse(as_json(replace(study, options=mine))), registry)
    resolved = resolve(study, registry)
    checkpoint = checkpoints.locate(resolved.model)
    checkpoints.download(checkpoint)
    yield Fetched("model", resolved.model.name, size(checkpoint.size))
    for language, given in resolved.given.items():
        yield Fetched("adapter", language, given.source)
    for task, language, split in _splits(resolved):
        try:
            examples = counted(resolved.size(task, language, split), "example")
        except XlbenchError:
            continue  # `check_data` tells of all such at once, or leaves them out where asked to
        yield Fetched("data", f"{task} {language} {split}", examples)
    resolved = check_data(resolved)
    problems: list[str] = []
    jobs = planning.make(resolved, registry, Store(Path(results))).jobs
    lines = max(resolved.mlm.lines, resolved.language_training.lines)
    for language in _with_text(resolved, jobs):
        try:
            found = counted(len(resolved.corpus.lines(language, lines)), "line")
        except XlbenchError as error:
            problems += str(error).splitlines()
        else:
            yield Fetched("text", language, found)
    if problems:
        raise ManyProblemsError(problems)


def _splits(resolved: Resolved) -> Iterator[tuple[str, str, Split]]:
    for task, targets in resolved.targets.items():
        for language in resolved.train_languages(task):
            yield task, language, "train"
        for language in targets:
            yield task, language, "test"


def _with_text(resolved: Resolved, jobs: Iterable[Job]) -> Iterator[str]:
    """The languages whose text some job reads: its fingerprint is part of what the job is."""
    used = {leaf for job in jobs for leaf in _leaves(job.condition) if leaf is not None}
    having = set(resolved.corpus.languages())
    for language in resolved.languages:
        if language in having and _fingerprint(resolved.corpus, language) in used:
            yield language


def _fingerprint(corpus: Corpus, language: str) -> str | None:
    """None where it has none: then no job reads its text, or planning would have failed."""
    try:
        return corpus.fingerprint(language)
    except DataError:
        return None


def _leaves(value: Any) -> Iterator[Any]:
    """Everything in nested plain data that is neither a table nor a list."""
    if isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(inner)
    else:
        yield value
