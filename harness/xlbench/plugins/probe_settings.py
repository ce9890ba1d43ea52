"""What a study says under the name of a probe: fields of the study, and names of other plugins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from xlbench.contracts import Selective, Study, settings
from xlbench.contracts.forms_of_values import Names, Number, Numbers, Word
from xlbench.contracts.spelling import escaped, shown
from xlbench.errors import StudyError
from xlbench.plugins.registry import split
from xlbench.spec.study import FIELDS, as_json, parse

if TYPE_CHECKING:
    from xlbench.contracts import Json
    from xlbench.contracts.asked import Form
    from xlbench.plugins.registry import Kind, Registry


def as_fields(study: Study, registry: Registry) -> Study:
    """The study in its one form: `--option PROBE.steps=1,10`, of a probe that says that it reads `steps`, is
    `--steps 1,10`. Raises StudyError, one line, for a value that the field cannot have, or has another of.
    """
    options: dict[str, Mapping[str, Json]] = {}
    found: dict[str, Any] = {}
    for name, own in study.options.items():
        probe = registry.probes.get(name)
        reads = probe.reads if isinstance(probe, Selective) else frozenset[str]()
        rest = dict(own)
        for key in sorted(reads & own.keys()):
            form, where = FIELDS[key].form, f"options.{name}.{key}"
            if not isinstance(form, Names | Number | Numbers | Word):
                raise StudyError(f"{where}: write it as a setting of the study, {FIELDS[key].asked.option}")
            value = _read(form, rest.pop(key), where)
            before = found.get(key, getattr(study, key))
            if before not in (None, (), value):
                raise StudyError(f"{where} and {key} say two things; leave one out")
            found[key] = value
        if rest or not own:
            options[name] = rest
    return parse({**as_json(study), **found, "options": options}) if found else study


def _read(form: Form, value: Json, where: str) -> Any:
    """The value of a field, of that of an option."""
    parts = [escaped(shown(x)) for x in (value if isinstance(value, list) else [value])]
    try:
        found = form.read(form.given([",".join(parts)]))
    except StudyError as error:
        raise StudyError(f"{where}: {error}") from None
    if found == () and not (isinstance(form, Names) and form.optional):
        raise StudyError(f"{where} is empty; name one or more, or leave it out")
    return found


def naming(registry: Registry) -> dict[tuple[str, str], Kind]:
    """By probe and setting whose values are names of something registered: of what kind."""
    found: dict[tuple[str, str], Kind] = {}
    for name, probe in registry.named("probe").items():
        for x in dataclasses.fields(probe.settings) if probe.settings is not None else ():
            if (kind := x.metadata.get(settings.NAMED)) is not None:
                found[split(name)[1], x.name] = cast("Kind", kind)
    return found
