"""All commands, put together; without one, what to do first."""

from __future__ import annotations

from typing import Annotated

import typer

from xlbench.cli.command import Group
from xlbench.cli.commands import environment, folders, plugins, stored, studies
from xlbench.output import say

app = typer.Typer(
    help=(
        "Which language should I adapt on to help this one, on this task, with this model, "
        "and what gets hurt?"
    ),
    epilog="`xlbench run` without options needs nothing but this package and about two minutes.",
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for part in (studies, environment, stored):  # in the order of the help
    app.add_typer(part.commands)
app.add_typer(folders.commands, name="results")
app.add_typer(plugins.commands, name="plugin")


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        say(f"xlbench {version('xlbench')}")
        raise typer.Exit


FIRST = (
    "Try it, two minutes without a network:    xlbench run",
    "Read the results:                         xlbench show, xlbench view",
    "Choose a model, a task and languages:     xlbench list models|tasks|languages",
    "See what a study costs before it runs:    xlbench plan --model M --task T",
    "See all commands:                         xlbench --help",
)
"""What to do first."""


@app.callback()
def _top(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        for line in FIRST:
            say(line)
