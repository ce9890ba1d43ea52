"""Where results come from: what made them, from which data, at what cost."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xlbench.contracts import digest
from xlbench.output import counted
from xlbench.results.manifest import dropped_lines, near_duplicates, trained_on
from xlbench.spec.study import command, parse

if TYPE_CHECKING:
    from xlbench.contracts import Job, Json
    from xlbench.reporting.published import Publisher
    from xlbench.results import StoredStudy

_FILE = re.compile(r"\(([^()]+\.py) [0-9a-f]+\)$")
"""At the end of what is told of a plugin that is a file."""
_SHORT = 12
"""Digits of a fingerprint that are shown."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What stands at the end of a page."""

    model: str
    """Name of the base model; of a local folder, its last part."""
    command: str
    """The `xlbench run` line."""
    study: str
    """As TOML."""
    facts: tuple[tuple[str, str], ...]
    """Name and text, one line each."""
    identity: str = ""
    """Digest of what pages of one probe, task and model name may differ in: weights, precision, plugins,
    data, training data, text. It stays as it is where a study grows."""
    fingerprint: str = ""
    """Of the model."""
    study_id: str = ""
    """Empty of several studies."""
    basis: str = ""
    """Of how many seeds, task adapters and test examples the numbers are, for pictures."""


class Origin:
    """A stored study and the provenance of its files (`Store.provenances`), for the ends of its pages. What
    pages have in common is looked up once. No path of this machine is in it.
    """

    def __init__(
        self,
        study: StoredStudy,
        made_by: Sequence[Mapping[str, Any]],
        publisher: Publisher,
        other_versions: Sequence[str] = (),
    ) -> None:
        """`other_versions` says that plugins changed since (`Stored.other_versions`)."""
        self._study, self._publisher = study, publisher
        self._made_by, self._other_versions = made_by, other_versions
        self._shared: dict[str, str] = {}

    def provenance(
        self, probe: str, task: str, owners: Sequence[str] = (), sizes: Collection[int] = ()
    ) -> Provenance:
        """Of the page of a probe and task (empty: all tasks); `owners` are the distributions of both, `sizes`
        the numbers of test examples of its targets.
        """
        import tomli_w

        study = self._study
        jobs = [job for job in study.jobs if any(task in ("", cell.task) for cell in job.cells)]
        if task not in self._shared:
            self._shared[task] = _listed(_shared(jobs))
        facts = (
            ("Published scores", _published(study.described)),
            *_model(study.described),
            *_data(study.described, jobs, task or None),
            ("Settings shared by all jobs", self._shared[task]),
            *self._makers,
            ("Plugins that changed since", "; ".join(self._other_versions)),
            *self._cost,
        )
        return Provenance(
            model_name(study.described),
            _command(study, self._publisher, self._made_by),
            tomli_w.dumps(self._publisher.study),
            tuple((name, self._publisher.text(text)) for name, text in facts if text),
            _identity(study, probe, task, owners),
            str(study.described["model"].get("fingerprint", "")),
            study.id,
            _basis(study.study, [x for x in jobs if x.probe == probe], sizes),
        )

    @cached_property
    def _makers(self) -> tuple[tuple[str, str], ...]:
        return tuple(_makers(self._made_by))

    @cached_property
    def _cost(self) -> tuple[tuple[str, str], ...]:
        return tuple(_cost(self._study, self._made_by))


def _command(study: StoredStudy, publisher: Publisher, made_by: Sequence[Mapping[str, Any]]) -> str:
    """The line that makes the study again; plugins that are files, without the folders that they were in."""
    if imported := study.described.get("imported"):
        return str(imported["command"])
    found = (_FILE.search(plugin) for _, plugin in _plugins(made_by))
    return command(parse(publisher.study), sorted({x[1] for x in found if x}))


def _published(described: Mapping[str, Any]) -> str:
    """Of a study that was imported: where its scores are from; "" of any other."""
    if not (imported := described.get("imported")):
        return ""
    source = f" ({imported['source']})" if imported.get("source") else ""
    return f"{imported['file']}{source}, SHA-256 {imported['sha256']}; {imported['layout']}"


def model_name(described: Mapping[str, Any]) -> str:
    """Of a study's model; of a local folder its last part."""
    name = str(described["model"]["name"])
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if name.startswith((".", "/", "~")) else name


def _basis(study: Mapping[str, Any], jobs: Sequence[Job], sizes: Collection[int]) -> str:
    """As in "3 seeds x 3 task adapters, n = 150 test examples per target", of these jobs; tasks without
    an adapter are named where others have one.
    """
    runs = counted(len(study.get("seeds") or (0,)), "seed")
    adapters: set[int] = set()
    without: dict[str, None] = {}
    for job in jobs:
        adapter = job.typed.adapter
        if adapter is not None and adapter.is_adapter:
            adapters.add(adapter.seed)
        else:
            without |= {cell.task: None for cell in job.cells}
    if adapters:
        runs += f" x {counted(len(adapters), 'task adapter')}"
        runs += f" (no adapter: {', '.join(without)})" if without else ""
    ends = sorted({min(sizes), max(sizes)}) if sizes else []
    n = f", n = {' to '.join(map(str, ends))} test examples per target" if ends else ""
    return f"{runs}{n}"


def provenance_of_several(
    studies: Sequence[StoredStudy],
    made_by: Sequence[Sequence[Mapping[str, Any]]],
    titles: Sequence[str],
    publishers: Sequence[Publisher],
) -> Provenance:
    """Of a page that puts studies side by side: the command of each, and the one that compares them;
    `made_by` are the provenances of their files.
    """
    models = dict.fromkeys(model_name(x.described) for x in studies)
    name = next(iter(models)) if len(models) == 1 else "several models"
    facts = [
        (f"Study {study.id}", f"{publisher.text(title)}: {_command(study, publisher, made)}")
        for study, made, title, publisher in zip(studies, made_by, titles, publishers, strict=True)
    ]
    seen = {
        publishers[0].text(text): None
        for x in studies
        for what, text in _model(x.described)
        if what == "Model"
    }
    facts += [("Model", text) for text in seen]
    ids: list[Json] = [*sorted(x.id for x in studies)]
    identity = digest({"studies": ids})[:12]
    line = f"xlbench compare {' '.join(x.id for x in studies)}"
    return Provenance(re.split(r"[/\\]", name.rstrip("/\\"))[-1], line, "", tuple(facts), identity)


def _identity(study: StoredStudy, probe: str, task: str, owners: Sequence[str]) -> str:
    of_probe = [job for job in study.jobs if job.probe == probe]
    jobs = [job for job in of_probe if any(task in ("", cell.task) for cell in job.cells)]
    described = study.described
    tasks = described.get("tasks", {})
    adapters = [job.typed.adapter for job in jobs]
    train = {json.dumps(x.identity.get("train"), sort_keys=True) for x in adapters if x is not None}
    with_text = any(job.typed.texts for job in jobs)
    about: list[Json] = [
        described["model"].get("fingerprint"),
        study.study.get("precision"),
        *owners,
        *(tasks.get(name, {}).get("source") for name in ([task] if task else sorted(tasks))),
        *sorted(train),
        described.get("text", {}).get("source") if with_text else None,
    ]
    return digest({"about": about})[:12]


def _model(described: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    model = described.get("model", {})
    parts = {name: model.get(name) for name in ("checkpoint", "revision", "fingerprint")}
    yield "Model", f"{model.get('name', '')} ({_listed(parts)})"
    yield "Languages of its pretraining", model.get("languages_source") or ""


def _data(described: Mapping[str, Any], jobs: Sequence[Job], task: str | None) -> Iterator[tuple[str, str]]:
    for name, facts in described.get("tasks", {}).items():
        if task in (None, name):
            yield f"Data of {name}", _source(facts)
            yield f"Training data of {name}", str(facts.get("train_source", ""))
            yield f"Training examples of {name}", trained_on(facts)
    yield "Text", _source(described.get("text", {}))
    yield "Lines of text left out", dropped_lines(described)
    yield "Lines kept that differ from a test sentence by one word", near_duplicates(described)
    cells = {(cell.task, cell.target): cell.data for job in jobs for cell in job.cells}
    test = {
        (target if task else f"{name} {target}"): data[:_SHORT]
        for (name, target), data in sorted(cells.items())
        if task in (None, name)
    }
    yield "Revisions of test data", _listed(test)
    train: dict[str, str] = {}
    text: dict[str, str] = {}
    for job in jobs:
        if (used := job.typed.adapter) is not None:
            train |= {code: str(data)[:_SHORT] for code, data in used.train.items()}
        text |= {code: told[:_SHORT] for code, told in job.typed.texts.items()}
    yield "Revisions of training data", _listed(dict(sorted(train.items())))
    yield "Revisions of text", _listed(dict(sorted(text.items())))


def _source(facts: Mapping[str, Any]) -> str:
    revision = facts.get("revision")
    return f"{facts.get('source', '')}{f', revision {revision}' if revision else ''}"


def _shared(jobs: Sequence[Job]) -> dict[str, Any]:
    """Numbers and words of the conditions that are the same wherever they are."""
    found: dict[str, set[Any]] = {}
    for job in jobs:
        for name, value in _leaves("", job.condition):
            found.setdefault(name, set()).add(value)
    return {
        name: next(iter(values))
        for name, values in sorted(found.items())
        if len(values) == 1 and not name.startswith(("model", "adapter.model", "adapter.train."))
    }


def _makers(made_by: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Versions and machines, where they differ all of them with their numbers of files; plugins."""
    for name in ("Versions", "Hardware"):
        seen = Counter(_listed(dict(_leaves("", x.get(name.lower(), {})))) for x in made_by)
        sizes = len(seen) > 1
        yield (
            name,
            "; ".join(
                f"{text} ({counted(n, 'file')})" if sizes else text for text, n in sorted(seen.items())
            ),
        )
    yield "Plugins", "; ".join(f"{name}: {plugin}" for name, plugin in _plugins(made_by))
    yield "Device", ", ".join(sorted({str(x["device"]) for x in made_by if "device" in x}))


def _plugins(made_by: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What was used, as in "task pos", and what is told of its plugin."""
    used = {
        (name.removeprefix("plugins.").removesuffix(".plugin").replace(".", " "), str(value))
        for x in made_by
        for name, value in _leaves("", x)
        if value is not None and (name.startswith("plugins.") or name.endswith(".plugin"))
    }
    return sorted(used)


def _cost(study: StoredStudy, made_by: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    seconds: Counter[str] = Counter()
    cpu, measured = 0.0, True
    for x in made_by:
        phases = {name: float(value) for name, value in x.get("seconds", {}).items()}
        seconds.update(phases)
        if "cpu_seconds" in x:
            cpu += float(x["cpu_seconds"])
        elif x.get("device") == "cpu":  # earlier versions did not measure it
            measured = False
            cpu += sum(phases.values()) * dict(_leaves("", x.get("hardware", {}))).get("threads", 1)
    hours = {name: f"{value / 3600:.2f}" for name, value in sorted(seconds.items())}
    yield (
        "Cost",
        f"{counted(len(study.jobs), 'job')} in {counted(len(made_by), 'file')}; "
        f"{sum(seconds.values()) / 3600:.2f} hours "
        f"({_listed(hours)}); {'' if measured else 'at most '}{cpu / 3600:.2f} CPU hours",
    )
    ended = sorted(str(x["ended"]) for x in made_by if "ended" in x)
    if ended:
        yield "Made", f"{ended[0][:16]} to {ended[-1][:16]} UTC, study {study.id}"


def _leaves(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Name and value of everything but lists in nested tables, names joined by dots."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif not isinstance(value, list):
        yield name, value


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
