"""What the fields of a study may be, in each of its spellings: one form per type of a field.

A field says the rest in its metadata (`asked`): its option, help, and what of its type is allowed. So a new
setting is one field: files, JSON, command lines and `--help` know it.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from xlbench.contracts.asked import Asked, Form
from xlbench.contracts.forms_of_tables import ByProbe, Data, Settings, Texts
from xlbench.contracts.forms_of_values import Flag, Names, Number, Numbers, Word

_META = "xlbench.asked"


def asked(default: Any, option: str, text: str, metavar: str = "", **more: Any) -> Any:
    """A study's field with this default and what `Asked` has."""
    said = {_META: Asked(option, text, metavar, **more)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=said)
    return dataclasses.field(default=default, metadata=said)


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field of a study."""

    name: str
    asked: Asked
    form: Form


@functools.cache
def fields(study: type[Any]) -> Mapping[str, Field]:
    """The fields of the class of studies, by name."""
    hints = typing.get_type_hints(study)
    found = {}
    for x in dataclasses.fields(study):
        said: Asked = x.metadata[_META]
        found[x.name] = Field(x.name, said, _form(x.name, hints[x.name], said))
    return found


def _form(name: str, hint: Any, said: Asked) -> Form:
    options = [x for x in _alternatives(hint) if x is not type(None)]
    optional, (kind,) = len(options) < len(_alternatives(hint)), options
    if kind is bool:
        return Flag(name)
    if kind is int:
        return Number(name, said)
    if get_origin(kind) is tuple:
        of = get_args(kind)[0]
        if of is int:
            return Numbers(name, said)
        return Names(name, said, get_args(of) if get_origin(of) is Literal else (), optional)
    if get_origin(kind) is Literal:
        return Word(name, said, get_args(kind))
    if kind is str:
        return Word(name, said, ())
    of = get_args(kind)[1]
    if get_origin(of) is tuple:
        return Data(name)
    if get_origin(of) is Mapping:
        return ByProbe(name)
    return Texts(name, said) if of is str else Settings(name, said)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
