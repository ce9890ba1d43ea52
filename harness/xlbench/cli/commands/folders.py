"""Commands on folders of results: `xlbench results ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xlbench.cli.command import Command, Group
from xlbench.cli.parameters import At, PluginFiles

commands = typer.Typer(cls=Group, help="Verify, merge and tidy folders of results.", no_args_is_help=True)


@commands.command(cls=Command)
def verify(results: At = Path("results"), plugin: PluginFiles = None) -> int:
    """Read every file of a folder: checksum, identity, scores against counts, manifests, adapters."""
    from xlbench.cli.upkeep import verify

    return verify(results, plugin or ())


@commands.command(cls=Command)
def merge(
    others: Annotated[list[Path], typer.Argument(help="Folders to copy from.", metavar="DIR...")],
    into: Annotated[Path, typer.Option(help="Folder to copy to.", metavar="DIR")] = Path("results"),
) -> int:
    """Copy the results of other folders into one; report what differs."""
    from xlbench.cli.upkeep import merge

    return merge(others, into)


@commands.command(cls=Command)
def gc(
    results: At = Path("results"),
    delete: Annotated[bool, typer.Option("--delete", help="Remove it; otherwise it is only listed.")] = False,
) -> None:
    """List what no study in a folder uses: jobs, adapters, damaged files set aside."""
    from xlbench.cli.upkeep import gc

    gc(results, delete=delete)


@commands.command(cls=Command)
def migrate(results: At = Path("results"), plugin: PluginFiles = None) -> int:
    """Bring results of earlier versions up to this one."""
    from xlbench.cli.upkeep import migrate

    return migrate(results, plugin or ())
