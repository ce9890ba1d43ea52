"""The languages of a study: codes, defaults where none are named, and whether there is data of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import (
    Choosable,
    Corpus,
    Study,
    TaskData,
    Unavailable,
    mixture,
)
from xlbench.data.codes import to_iso639_3
from xlbench.errors import StudyError
from xlbench.studies.lookup import (
    NoText,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from xlbench.contracts import Language
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems


REFERENCE = "eng"
"""Reference and training language where nothing else is said."""


def with_codes(study: Study, registry: Registry, problems: Problems) -> Study:
    """The study with ISO 639-3 codes only."""
    changed: dict[str, Any] = {}
    for name in ("pretraining_languages", "transfer", "targets", "train_languages"):
        codes: dict[str, str] = {}
        for text in getattr(study, name):
            with problems.kept():
                code = (_text_of if name == "transfer" else to_iso639_3)(text, registry.languages)
                if code in codes:
                    problems.add(f"{name}: {codes[code]!r} and {text!r} are both {code}; leave one out")
                codes[code] = text
        changed[name] = tuple(codes)
    given: dict[str, str] = {}
    for text, adapter in study.language_adapters.items():
        with problems.kept():
            code = to_iso639_3(text, registry.languages)
            if code in given:
                problems.add(f"language_adapters: {code} is given twice; leave one out")
            given[code] = adapter
    changed["language_adapters"] = given
    if study.reference is not None:
        with problems.kept():
            changed["reference"] = to_iso639_3(study.reference, registry.languages)
    return replace(study, **changed)


def _text_of(said: str, languages: Mapping[str, Language]) -> str:
    """The name of a text, of one language or several, with ISO 639-3 codes. Raises StudyError."""
    found: dict[str, float] = {}
    for text, part in mixture.parts(said).items():
        code = to_iso639_3(text, languages)
        if code in found:
            raise StudyError(f"transfer: {said!r} has {code} twice; leave one out")
        found[code] = part
    return mixture.spelled(found)


def opened(
    study: Study,
    said: Study,
    data: Mapping[str, TaskData],
    training_data: Mapping[str, TaskData],
    corpus: Corpus,
    folders: bool,
    problems: Problems,
) -> Study:
    """The study with languages that nobody named, well or badly, filled in."""
    changed: dict[str, Any] = {}
    if not said.train_languages and data:
        having = [set(x.languages("train")) for x in training_data.values()]
        if not having:
            changed["train_languages"] = ()
        elif all(REFERENCE in x for x in having):
            changed["train_languages"] = (REFERENCE,)
        else:
            problems.add("no training language: name one or more with --train-languages")
    if not said.targets and data:
        if folders:
            found = set[str]().union(*(x.languages("test") for x in data.values()))
            changed["targets"] = tuple(sorted(found))
        else:
            problems.add("no target language: name one or more with --targets")
    if study.reference is None:
        trained = changed.get("train_languages", study.train_languages)
        has = REFERENCE in corpus.languages() if study.transfer else True
        changed["reference"] = REFERENCE if has or not trained else trained[0]
    return replace(study, **changed)


def targets_of(study: Study, data: Mapping[str, TaskData], problems: Problems) -> dict[str, tuple[str, ...]]:
    """By task, the study's targets that have test data. Keeps a problem where a task has none."""
    having = {task: set(x.languages("test")) for task, x in data.items()}
    missing = [x for x in study.targets if data and not any(x in found for found in having.values())]
    for language in missing:
        problems.add(
            f"no test data in {language} for {_either(data)}; leave it out of --targets or give data"
        )
    targets = {task: tuple(x for x in study.targets if x in found) for task, found in having.items()}
    for task, languages in targets.items():
        if not languages and study.targets and len(missing) < len(study.targets):
            problems.add(
                f"no test data in any target for {task} ({data[task].name}); leave out the task or give data"
            )
    return targets


def check(study: Study, data: Mapping[str, TaskData], corpus: Corpus, problems: Problems) -> None:
    """Keep a problem for each language without the data or text that the study needs of it."""
    for task, one in data.items():
        having = set(one.languages("train"))
        for language in study.train_languages:
            if language not in having:
                more = "; or give each task a study of its own" if having and len(data) > 1 else ""
                problems.add(_no_training_data(language, task, one, having) + more)
    for language in study.language_adapters:
        if language not in (*study.transfer, *study.beneath):
            problems.add(
                f"language_adapters: {language} is not among the transfer languages; add it to --transfer"
            )
    if isinstance(corpus, NoText):
        if study.text is None and not set(study.transfer) <= study.language_adapters.keys():
            problems.add("no text to finetune on: name a corpus or folder with --text")
        elif study.text is None:
            for language in study.beneath:
                if language not in study.language_adapters:
                    problems.add(_no_adapter_beneath(language, "the study"))
        return
    having = set(corpus.languages())
    for language in study.beneath:
        if language not in (*having, *study.language_adapters, *study.transfer):
            problems.add(_no_adapter_beneath(language, corpus.name))
    for language in mixture.each(study.transfer):
        if language not in having and language not in study.language_adapters:
            problems.add(f"no text in {language} in {corpus.name}; it has {_some(sorted(having))}")
    if study.transfer and "reference" in (study.controls or ()) and study.reference not in having:
        problems.add(
            f"no text in {study.reference}, the reference language, in {corpus.name}; "
            "name another with --reference, or leave the control out with --controls target,shuffled"
        )


def _no_adapter_beneath(language: str, where: str) -> str:
    return (
        f"adapter_orders: mad-x needs an adapter of each training language, and {where} has no text in "
        f"{language}; give text, its adapter with --language-adapter {language}=FOLDER, or leave out mad-x"
    )


def _no_training_data(language: str, task: str, data: TaskData, having: Collection[str]) -> str:
    said = f"no training data in {language} for {task} ({data.name})"
    if isinstance(data, Choosable) and (other := data.elsewhere(language, "train")):
        return f"{said} in the set that is taken; {other} has it: --data '{task}.{language}={other}'"
    if having:
        return f"{said}; it has {_some(sorted(having))}: name one with --train-languages"
    return (
        f"{said}, which has none in any language; add a train file to it, or a folder that has one "
        f"(--data {task}=THIS,OTHER) and its language with --train-languages"
    )


def unnamed_reference(study: Study, full: Study, corpus: Corpus) -> list[Unavailable]:
    """The reference language, where nobody asked for its control and there is no text in it."""
    having, reference = corpus.languages(), full.reference
    if reference is None or not having or not full.transfer or reference in having:
        return []
    if study.controls is not None or study.reference is not None:
        return []
    why = f"none in {corpus.name}, so without the reference control; --reference names another language"
    return [Unavailable("text", reference, why)]


def _either(data: Mapping[str, TaskData]) -> str:
    return " or ".join(f"{task} ({one.name})" for task, one in data.items())


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def every(study: Study) -> list[str]:
    """All languages that a study names, each once."""
    named = (*mixture.each(study.transfer), *study.targets, *study.train_languages)
    return list(dict.fromkeys((*named, study.reference) if study.reference else named))
