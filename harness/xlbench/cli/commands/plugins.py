"""Commands for authors of plugins: `xlbench plugin ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xlbench.cli.command import Command, Group
from xlbench.plugins import HOOKS

commands = typer.Typer(cls=Group, help="Make a plugin of your own, and check it.", no_args_is_help=True)


@commands.command(name="new", cls=Command)
def plugin_new(
    name: Annotated[str, typer.Argument(help="Name of the plugin and its package.", metavar="NAME")],
    kind: Annotated[
        str, typer.Option(help=f"What it adds: {', '.join(HOOKS)}.", metavar="KIND", show_default=False)
    ],
    folder: Annotated[
        Path | None, typer.Option(help="New folder to write to (default: NAME).", metavar="DIR")
    ] = None,
) -> None:
    """Write the package of a new plugin: entry point, typed module, data, tests, README, CI file."""
    from xlbench.cli.plugins import new

    new(name, kind, folder)


@commands.command(name="check", cls=Command)
def plugin_check(
    plugin: Annotated[
        str, typer.Argument(help="Name of an installed plugin, or a file.", metavar="NAME|FILE.py")
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(help="Data to check a task with (default: the task's).", metavar="TASK=FOLDER"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what needs a model.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Check a plugin: data, labels, metrics, one step on a small model; exit code 1 where one fails."""
    from xlbench.cli.plugins import check
    from xlbench.spec.study import FIELDS

    return check(plugin, FIELDS["data"].form.given(data or ()), quick=quick, as_json=json)
