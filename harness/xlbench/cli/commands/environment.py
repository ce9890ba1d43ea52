"""Commands about what is installed: `doctor`, `list`."""

from __future__ import annotations

from typing import Annotated

import typer

from xlbench.cli.command import Command
from xlbench.cli.completion import completer
from xlbench.cli.listing import What
from xlbench.cli.parameters import AsJson, PluginFiles

commands = typer.Typer()


@commands.command(cls=Command)
def doctor(json: AsJson = False, plugin: PluginFiles = None) -> int:
    """Check the installation: libraries, network, cache, device."""
    from xlbench.cli.environment import doctor

    return doctor(as_json=json, plugins=plugin or ())


@commands.command(name="list", cls=Command)
def list_(
    what: Annotated[What, typer.Argument(help="What to list.")],
    json: AsJson = False,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Languages: only those in data of these tasks (default: all).",
            metavar="TASK,...",
            autocompletion=completer("TASK,..."),
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Languages: whether this model saw them in pretraining (default: no model).",
            metavar="MODEL",
            autocompletion=completer("MODEL"),
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Languages: the data of a task (default: the task's).", metavar="TASK=DATA"),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help="Languages: whether this corpus or folder has text (default: none).", metavar="TEXT"
        ),
    ] = None,
    seen: Annotated[
        bool | None, typer.Option("--seen/--unseen", help="Languages: only those that --model saw, or not.")
    ] = None,
    plugin: PluginFiles = None,
) -> None:
    """List what the plugins provide. Nothing is downloaded."""
    from xlbench.cli import listing
    from xlbench.spec.study import FIELDS

    tasks, sets = FIELDS["tasks"].form.given(task or ()), FIELDS["data"].form.given(data or ())
    about = listing.About(tuple(tasks), model, sets, text, seen)
    listing.show(what, as_json=json, about=about, plugins=plugin or ())
