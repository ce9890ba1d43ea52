"""The options that make a study, shared by `run` and `plan`: made from its fields."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xlbench.contracts import Study
from xlbench.spec import study as studies

if TYPE_CHECKING:
    from xlbench.contracts.forms import Field

FILE = inspect.Parameter(
    "file",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None, typer.Argument(metavar="STUDY.TOML", help="A study file; options overrule it.")
    ],
)


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command, whose first parameter is a study, an option for each field of one instead."""
    own = list(inspect.signature(command).parameters.values())[1:]
    hints = typing.get_type_hints(command, include_extras=True)

    @functools.wraps(command)
    def wrapped(file: Path | None = None, **given: Any) -> Any:
        return command(_study(file, {name: given.pop(name) for name in studies.FIELDS}), **given)

    parameters = [
        FILE,
        *map(_parameter, studies.FIELDS.values()),
        *(x.replace(annotation=hints[x.name], kind=x.KEYWORD_ONLY) for x in own),
    ]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {x.name: x.annotation for x in parameters}
    return wrapped


def _study(file: Path | None, given: dict[str, Any]) -> Study:
    """The study that options ask for, laid over the study file."""
    said = {}
    for name, value in given.items():
        if value is not None and value is not False:
            parts = value if isinstance(value, list) else [value]
            said[name] = studies.FIELDS[name].form.given(parts)
    studies.refuse_empty(said)
    base = Study() if file is None else studies.read(file)
    return studies.merge(base, said)


def _parameter(one: Field) -> inspect.Parameter:
    said = one.asked
    option: Any = functools.partial(typer.Option, said.option, help=said.help, rich_help_panel=said.panel)
    kind: Any
    if one.form.flag:
        kind = Annotated[bool, option()]
    else:
        taken = list[str] if one.form.repeats else str
        kind = Annotated[taken | None, option(metavar=said.metavar)]
    default = False if one.form.flag else None
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
