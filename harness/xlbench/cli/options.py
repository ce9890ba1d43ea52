"""The options that make a study, shared by `run` and `plan`: made from its fields."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xlbench.cli.completion import completer
from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.spec import study as studies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.contracts.asked import Shorthand
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

    asked = [x for one in studies.FIELDS.values() for x in (_parameter(one), *_shorthand(one))]

    @functools.wraps(command)
    def wrapped(file: Path | None = None, **given: Any) -> Any:
        return command(_study(file, {x.name: given.pop(x.name) for x in asked}), **given)

    parameters = [
        FILE,
        *asked,
        *(x.replace(annotation=hints[x.name], kind=x.KEYWORD_ONLY) for x in own),
    ]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {x.name: x.annotation for x in parameters}
    return wrapped


def _study(file: Path | None, given: dict[str, Any]) -> Study:
    """The study that options ask for, laid over the study file."""
    said = {}
    for name, one in studies.FIELDS.items():
        value, short = given[name], one.asked.shorthand
        if value is not None and value is not False:
            parts = value if isinstance(value, list) else [value]
            said[name] = one.form.given(parts)
        if short is not None and (alone := given[_name(one, short)]) is not None:
            other = said.setdefault(name, {}).setdefault(short.key, alone)
            if other != alone:
                raise StudyError(
                    f"{short.option} {alone} and {one.asked.option} {short.key}={other} say two things; "
                    "leave one out"
                )
    studies.refuse_empty(said)
    base = Study() if file is None else studies.read(file)
    return studies.merge(base, said)


def _parameter(one: Field) -> inspect.Parameter:
    said = one.asked
    option: Any = functools.partial(
        typer.Option,
        said.option,
        help=_help(one),
        rich_help_panel=said.panel,
        autocompletion=completer(said.metavar),
    )
    kind: Any
    if one.form.flag:
        kind = Annotated[bool, option()]
    else:
        taken = list[str] if one.form.repeats else str
        kind = Annotated[taken | None, option(metavar=said.metavar)]
    default = False if one.form.flag else None
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _help(one: Field) -> str:
    """What the field says of itself, with its default: that of each setting, of a table of settings."""
    said = one.asked
    if "default" in said.help or one.form.flag:
        return said.help
    if said.settings is not None:
        values = {x.name: x.default for x in dataclasses.fields(said.settings)}
        default = ", ".join(f"{name}={value}" for name, value in values.items() if value not in (None, ""))
        default = f"the model's, else {default}" if default else "as those put back"
    else:
        default = str(getattr(Study(), one.name))
    return f"{said.help.removesuffix('.')} (default: {default})."


def _shorthand(one: Field) -> Iterator[inspect.Parameter]:
    """The option of its own that a field has for one setting of a table, if any."""
    if (short := one.asked.shorthand) is not None:
        option = typer.Option(
            short.option, help=short.help, metavar=short.metavar, rich_help_panel=one.asked.panel
        )
        yield inspect.Parameter(
            _name(one, short),
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, option],
        )


def _name(one: Field, short: Shorthand) -> str:
    return f"{one.name}_{short.key}"
