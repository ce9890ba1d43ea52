"""Commands that take a study: `run`, `plan`, `fetch`."""

from __future__ import annotations

from pathlib import Path

import typer

from xlbench.cli.command import Command
from xlbench.cli.options import asks
from xlbench.cli.parameters import (
    AsJson,
    Device,
    ExecutorOption,
    Keep,
    Observers,
    Plugins,
    Quiet,
    RerunOption,
    Results,
    Strict,
    Workers,
)
from xlbench.contracts import Study

commands = typer.Typer()


@commands.command(cls=Command)
@asks
def run(
    study: Study,
    results: Results = Path("results"),
    device: Device = "auto",
    workers: Workers = None,
    rerun: RerunOption = "failed",
    quiet: Quiet = False,
    keep_predictions: Keep = False,
    strict_plugins: Strict = False,
    executor: ExecutorOption = "local",
    observer: Observers = None,
    plugin: Plugins = None,
) -> int:
    """Run a study, or the jobs that it still lacks; write tables, a leaderboard and an HTML report."""
    from xlbench.api import Request
    from xlbench.cli.running import run

    asked = Request(
        study, results, rerun, strict_plugins, executor, tuple(plugin or ()), tuple(observer or ())
    )
    return run(asked, device=device, workers=workers, quiet=quiet, keep_predictions=keep_predictions)


@commands.command(cls=Command)
@asks
def plan(
    study: Study,
    results: Results = Path("results"),
    device: Device = "auto",
    workers: Workers = None,
    rerun: RerunOption = "failed",
    strict_plugins: Strict = False,
    executor: ExecutorOption = "local",
    observer: Observers = None,
    json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """Estimate the cost of a study (jobs, hours, disk) and check it before it runs."""
    from xlbench.api import Request
    from xlbench.cli.planning import plan

    asked = Request(
        study, results, rerun, strict_plugins, executor, tuple(plugin or ()), tuple(observer or ())
    )
    plan(asked, device=device, workers=workers, as_json=json)


@commands.command(cls=Command)
@asks
def fetch(
    study: Study,
    results: Results = Path("results"),
    quiet: Quiet = False,
    strict_plugins: Strict = False,
    plugin: Plugins = None,
) -> None:
    """Download everything that a study needs, so that it can run on a machine without a network."""
    from xlbench.cli.environment import fetch

    fetch(study, results=results, quiet=quiet, strict_plugins=strict_plugins, plugins=plugin or ())
