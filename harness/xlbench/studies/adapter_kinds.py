"""Kinds of adapter that a study names: registered, fit for their role, with settings that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import OF_SHAPE
from xlbench.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xlbench.contracts import AdapterKind, AdapterTraining, LanguageTraining, Study
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems


def check(
    study: Study,
    training: Mapping[str, AdapterTraining],
    language: LanguageTraining,
    registry: Registry,
    layers: int | None,
    problems: Problems,
) -> None:
    """Note what is wrong with the kinds of adapter and their settings; `layers` of the model, where known.

    `study` is as its author wrote it: what models and tasks set for one kind does nothing for another, but
    what the author sets must be something that the kind has.
    """
    for task, how in training.items():
        said = (key for key in study.adapter if key.rpartition(".")[0] in ("", task))
        _check(how, "adapter", said, registry, layers, problems)
    _check(language, "language_training", study.language_training, registry, layers, problems)


def _check(
    how: AdapterTraining | LanguageTraining,
    table: str,
    said: Iterable[str],
    registry: Registry,
    layers: int | None,
    problems: Problems,
) -> None:
    try:
        kind: AdapterKind = registry.find("adapter", how.config)
    except UnknownNameError as error:
        problems.add(f"{table}.config: {error}")
        return
    defaults = kind.task if how.role == "task" else kind.language
    if defaults is None:
        others = ", ".join(
            name
            for name, x in registry.named("adapter").items()
            if (x.task if how.role == "task" else x.language) is not None
        )
        problems.add(f"{table}.config: {kind.name} cannot be a {how.role} adapter; name one of {others}")
        return
    has = {*defaults, *(("leave_out",) if kind.leaves_out else ())}
    for key in said:
        if (own := key.rpartition(".")[2]) in OF_SHAPE - has:
            settings = f"it has {', '.join(sorted(has))}" if has else "it has no such settings"
            problems.add(f"{table}.{key}: adapters of the kind {kind.name} have no {own}; {settings}")
    if layers is None or not how.leave_out:
        return
    if (most := max(how.leave_out)) >= layers:
        problems.add(f"{table}.leave_out: no layer {most}; the model has {layers}, counted from 0")
    elif len(set(how.leave_out)) == layers:
        problems.add(f"{table}.leave_out: all {layers} layers of the model; one must have an adapter")
