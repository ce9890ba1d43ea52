"""All checks of a plugin: one table from kinds of value to what is checked of them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from xlbench.hookspecs import CONTRACT, GROUP
from xlbench.plugins import HOOKS, OWN, agreed, give
from xlbench.testing import at_work, importing, probes
from xlbench.testing import data as data_checks
from xlbench.testing.findings import Finding, raised_in
from xlbench.testing.subject import Given, Subject, subject

if TYPE_CHECKING:
    from xlbench.plugins import Kind

Function = Callable[[Subject, str, Any], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one value, or of the plugin as a whole."""

    name: str
    """"task 'question': metric, trained and scored"."""
    run: Callable[[], list[Finding]] = field(repr=False)
    """What is wrong; empty where nothing is."""

    def __str__(self) -> str:
        return self.name


QUICK: dict[Kind, list[tuple[str, Function]]] = {
    "task": [("data and reader of folders", data_checks.of_task)],
    "data": [("splits, labels, fingerprints", data_checks.of_data)],
    "corpus": [("lines, fingerprints", data_checks.of_corpus)],
    "language": [("code", data_checks.of_language)],
    "distance": [("symmetric", data_checks.of_distance)],
}
"""What needs no model."""
AT_WORK: dict[Kind, list[tuple[str, Function]]] = {
    "task": [("trained, scored, metric", at_work.of_task)],
    "kind": [("loaded", at_work.of_kind)],
    "objective": [("one step", at_work.of_objective)],
    "adapter": [("trained, saved, evaluated", at_work.of_adapter)],
    "composition": [("evaluated", at_work.of_composition)],
    "treatment": [("one step", at_work.of_treatment)],
    "model": [("fine-tuned, adapted, fused, restored", at_work.of_model)],
    "probe": [("planned, run, shown", probes.of_probe)],
    "executor": [("the same results", at_work.of_executor)],
    "observer": [("told of a run", at_work.of_observer)],
}
"""What puts a model to work, for seconds."""


def checks(said: object, *, quick: bool = False, data: Mapping[str, Given] | None = None) -> list[Check]:
    """The checks of a plugin, `quick` those that need no model; `data` by task are what to check tasks with.
    Raises PluginError where the plugin is not there, or a task of `data`.
    """
    found = subject(said, data)
    made = [
        Check("import", lambda: list(importing.check(found))),
        Check("values", lambda: list(_loaded(found))),
    ]
    for table in (QUICK,) if quick else (QUICK, AT_WORK):
        for kind, name, value in found.values:
            for what, function in table.get(kind, ()):
                run = partial(_all, function, found, name, value)
                made.append(Check(f"{kind} {name!r}: {what}", run))
    return made


def _all(function: Function, found: Subject, name: str, value: Any) -> list[Finding]:
    return list(function(found, name, value))


def _loaded(found: Subject) -> Iterable[Finding]:
    """What was wrong when the plugin was loaded."""
    if found.plugin.error is not None:
        yield Finding(_blamed(found), "", "", "import", f"failed to load: {found.plugin.error}")
        return
    if found.plugin.contract is None and found.plugin.distribution != OWN:
        what = f"is not stated; write {agreed.NAME} = {CONTRACT} beside the hooks, so that an xlbench that "
        what += "cannot use the plugin says so"
        yield Finding(_first_hook(found), "", "", agreed.NAME, what, note=True)
    for one in found.plugin.refused:
        hook, place = found.hook(one.kind)
        yield Finding(place, hook, "", "", one.why)


def _first_hook(found: Subject) -> str:
    """Where the plugin defines the first of its hooks."""
    return next(filter(None, (found.hook(kind)[1] for kind in HOOKS)), "")


def _blamed(found: Subject) -> str:
    """Where a plugin that does not load raises."""
    try:
        if found.things:
            module = give(found.things)[0].load()
        else:
            points = importlib.metadata.entry_points(group=GROUP, name=found.plugin.name)
            module = next(x for x in points if x.value.startswith(found.plugin.module)).load()
        for hook, _ in HOOKS.values():
            list(getattr(module, hook, tuple)() or ())
    except (Exception, SystemExit) as error:
        paths = found.paths
        if found.things and isinstance(found.said, str):
            paths = (found.said, *paths)
        return raised_in(error, paths)
    return ""
