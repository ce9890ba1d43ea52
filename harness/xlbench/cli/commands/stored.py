"""Commands about stored results: shown, written, asked, compared, imported, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xlbench.cli.command import Command
from xlbench.cli.completion import completer
from xlbench.cli.parameters import AsJson, Folder, PluginFiles, StudyId
from xlbench.contracts import Format

commands = typer.Typer()


def _each(given: list[str] | None) -> tuple[str, ...]:
    """Of an option that may be repeated, and whose values may be joined by commas."""
    return tuple(x.strip() for text in given or () for x in text.split(",") if x.strip())


@commands.command(cls=Command)
def show(
    results: Folder = Path("results"),
    study: StudyId = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Show the pages of these tasks (default: all).",
            metavar="TASK,...",
            autocompletion=completer("TASK,..."),
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            help="Show the pages of these probes (default: all).",
            metavar="PROBE,...",
            autocompletion=completer("PROBE,..."),
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="Show the tables with this in their title, or all (default: none; of a task or probe all).",
            metavar="NAME|all",
        ),
    ] = None,
    titles: Annotated[bool, typer.Option("--list", help="List the titles of all tables.")] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Show the failed jobs instead, each with its traceback.")
    ] = False,
    json: AsJson = False,
    plugin: PluginFiles = None,
) -> None:
    """Show what stored results come to, in ten lines, or the tables behind it."""
    from xlbench.cli import reporting

    if errors:
        reporting.failures(results, study, as_json=json)
        return
    read = reporting.read(results, study, plugin or ())
    reporting.warn(read, study)
    asked = reporting.Details(_each(task), _each(probe), tuple(table or ()))
    if titles:
        reporting.tables(read, asked, as_json=json)
    elif asked:
        reporting.details(read, asked, as_json=json)
    else:
        reporting.show(read, results, study, plugin or (), as_json=json)


@commands.command(cls=Command)
def leaderboard(
    results: Folder = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder to write to.", metavar="DIR")] = Path("leaderboards"),
    study: StudyId = None,
    json: AsJson = False,
    plugin: PluginFiles = None,
) -> None:
    """Write the leaderboard of stored results as markdown and pictures."""
    from xlbench.cli import reporting

    read = reporting.read(results, study, plugin or ())
    reporting.warn(read, study)
    reporting.leaderboard(read, out, as_json=json)


@commands.command(cls=Command)
def report(
    results: Folder = Path("results"),
    out: Annotated[
        Path | None,
        typer.Option(help="File to write (default: report.html in the folder of results).", metavar="FILE"),
    ] = None,
    study: StudyId = None,
    plugin: PluginFiles = None,
) -> None:
    """Write one HTML file of stored results: heat maps, curves, tables, a view of each language."""
    from xlbench.cli import reporting

    read = reporting.read(results, study, plugin or ())
    reporting.warn(read, study)
    reporting.page(read, out or results / "report.html")


@commands.command(cls=Command)
def view(
    results: Folder = Path("results"),
    study: StudyId = None,
    port: Annotated[
        int,
        typer.Option(help="Port (default: a free one).", metavar="N", min=0, max=65535, show_default=False),
    ] = 0,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
    plugin: PluginFiles = None,
) -> None:
    """Open the report in a browser; it is served on this machine alone, until Ctrl-C."""
    from xlbench.cli.viewing import view

    view(results, study, plugin or (), port=port, browser=browser)


@commands.command(cls=Command)
def recommend(
    task: Annotated[str, typer.Option(help="Task.", metavar="TASK", autocompletion=completer("TASK"))],
    target: Annotated[
        str, typer.Option(help="Target language.", metavar="LANG", autocompletion=completer("LANG"))
    ],
    model: Annotated[
        str, typer.Option(help="Model of the study.", metavar="MODEL", autocompletion=completer("MODEL"))
    ] = "tiny",
    results: Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")] = Path("results"),
    study: StudyId = None,
    set_: Annotated[
        int | None,
        typer.Option("--set", help="Propose sets of so many languages (default: one language).", metavar="N"),
    ] = None,
    json: AsJson = False,
    plugin: PluginFiles = None,
) -> None:
    """Recommend a transfer language, or sets of them, for a target, by measured or predicted effects."""
    from xlbench.cli.stored import recommend

    recommend(results, task, model, target, study, plugin or (), as_json=json, set_size=set_)


@commands.command(cls=Command)
def compare(
    one: Annotated[str, typer.Argument(metavar="A", help="Folder of results, or model or id of a study.")],
    other: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="C", help="More, all side by side (default: none).", show_default=False),
    ] = None,
    results: Annotated[Path, typer.Option(help="Where models and ids are looked up.", metavar="DIR")] = Path(
        "results"
    ),
    out: Annotated[
        Path | None, typer.Option(help="Folder to write pages to (default: print only).", metavar="DIR")
    ] = None,
    json: AsJson = False,
    plugin: PluginFiles = None,
) -> None:
    """Compare studies: which effects changed between two, or what several models or settings come to."""
    from xlbench.cli.stored import compare

    compare([one, other, *(more or ())], results, out, plugin or (), as_json=json)


@commands.command(name="import", cls=Command)
def import_(
    matrix: Annotated[
        Path, typer.Argument(metavar="MATRIX", help="CSV or TSV: a line per pair, or a column per language.")
    ],
    task: Annotated[str, typer.Option(help="Task that its scores are of.", metavar="TASK")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of the study's model (default: what the file says, else its name).", metavar="NAME"
        ),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")] = Path("results"),
    rows: Annotated[
        str | None,
        typer.Option(
            help="sources or targets: the rows of a file with a column per language (default: what its first "
            "cell says).",
            metavar="ROWS",
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(help="Column of scores (default: score, f1 or accuracy).", metavar="COLUMN"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Take only lines with this value (default: all).", metavar="COLUMN=VALUE"),
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit of the scores.", metavar="UNIT")] = "points",
    source: Annotated[
        str, typer.Option(help="Where the file is from, for provenance (default: its name).", metavar="TEXT")
    ] = "",
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out what is not a language.")
    ] = False,
    plugin: PluginFiles = None,
) -> None:
    """Take a published matrix of transfer scores as a study; higher scores must be better."""
    from xlbench.cli.stored import import_matrix

    import_matrix(
        matrix, task, results, only or (), plugin or (), model=model, rows=rows, score=score, unit=unit,
        source=source, skip_unknown=skip_unknown,
    )  # fmt: skip


@commands.command(cls=Command)
def export(
    format: Annotated[
        Format, typer.Option(help="csv, parquet, json, latex, markdown or every-eval-ever.", metavar="FORMAT")
    ] = "csv",
    what: Annotated[
        str,
        typer.Option(
            help="scores, predictions, or a table of the study's probes: effects, donations, interference.",
            metavar="TABLE",
        ),
    ] = "scores",
    out: Annotated[Path | None, typer.Option(help="File to write (default: print).", metavar="FILE")] = None,
    results: Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")] = Path("results"),
    study: Annotated[
        str | None,
        typer.Option(
            "--study", help="Id of a study (default: of scores all studies; else the last).", metavar="ID"
        ),
    ] = None,
    plugin: PluginFiles = None,
) -> None:
    """Export stored scores, one row per target and condition, or effects with their intervals."""
    from xlbench.cli.stored import export

    export(results, format, out, study, plugin or (), what)
