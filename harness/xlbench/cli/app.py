"""The commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xlbench.cli.command import Command, Group
from xlbench.cli.completion import completer
from xlbench.cli.listing import What  # noqa: TC001 - typer reads it
from xlbench.cli.options import asks
from xlbench.contracts import Format, Rerun, Study
from xlbench.output import say
from xlbench.plugins import HOOKS

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


RUNNING = "Running"


def _running(*names: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=RUNNING, **more)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


def _each(given: list[str] | None) -> tuple[str, ...]:
    """Of an option that may be repeated, and whose values may be joined by commas."""
    return tuple(x.strip() for text in given or () for x in text.split(",") if x.strip())


Results = Annotated[Path, _running("--results", text="Folder of results.", metavar="DIR")]
Device = Annotated[str, _running("--device", text="auto, cpu, cuda, cuda:1.", metavar="DEVICE")]
Workers = Annotated[
    int | None,
    _running("--workers", text="Number of parallel jobs (default: automatic).", metavar="N", min=1),
]
RerunOption = Annotated[
    Rerun, _running("--rerun", text="Jobs to run: missing, failed (and missing), or all.")
]
Quiet = Annotated[bool, _running("--quiet", text="Print the summary alone.")]
Keep = Annotated[
    bool, _running("--keep-predictions", text="Store what is predicted of each test example too.")
]
Strict = Annotated[bool, _running("--strict-plugins", text="Stop where a plugin fails to load.")]
Plugins = Annotated[
    list[Path] | None,
    _running(
        "--plugin", text="Load a plugin from a file; may be repeated (default: none).", metavar="FILE.py"
    ),
]
PluginFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", help="Load a plugin from a file; may be repeated (default: none).", metavar="FILE.py"
    ),
]
ExecutorOption = Annotated[str, _running("--executor", text="Where jobs run.", metavar="NAME")]
Observers = Annotated[
    list[str] | None,
    _running(
        "--observer",
        text="What is told how the run goes: jsonl, mlflow:URI, ...; may be repeated (default: nothing).",
        metavar="NAME[:VALUE]",
    ),
]
StudyId = Annotated[
    str | None,
    typer.Option("--study", help="Id of the study (default: the one started last).", metavar="ID"),
]


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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
def doctor(json: AsJson = False, plugin: PluginFiles = None) -> int:
    """Check the installation: libraries, network, cache, device."""
    from xlbench.cli.environment import doctor

    return doctor(as_json=json, plugins=plugin or ())


@app.command(name="list", cls=Command)
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


Folder = Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")]


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(name="import", cls=Command)
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


@app.command(cls=Command)
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


folders = typer.Typer(cls=Group, help="Verify, merge and tidy folders of results.", no_args_is_help=True)
app.add_typer(folders, name="results")
At = Annotated[Path, typer.Argument(help="Folder of results.", metavar="DIR")]


@folders.command(cls=Command)
def verify(results: At = Path("results"), plugin: PluginFiles = None) -> int:
    """Read every file of a folder: checksum, identity, scores against counts, manifests, adapters."""
    from xlbench.cli.upkeep import verify

    return verify(results, plugin or ())


@folders.command(cls=Command)
def merge(
    others: Annotated[list[Path], typer.Argument(help="Folders to copy from.", metavar="DIR...")],
    into: Annotated[Path, typer.Option(help="Folder to copy to.", metavar="DIR")] = Path("results"),
) -> int:
    """Copy the results of other folders into one; report what differs."""
    from xlbench.cli.upkeep import merge

    return merge(others, into)


@folders.command(cls=Command)
def gc(
    results: At = Path("results"),
    delete: Annotated[bool, typer.Option("--delete", help="Remove it; otherwise it is only listed.")] = False,
) -> None:
    """List what no study in a folder uses: jobs, adapters, damaged files set aside."""
    from xlbench.cli.upkeep import gc

    gc(results, delete=delete)


@folders.command(cls=Command)
def migrate(results: At = Path("results"), plugin: PluginFiles = None) -> int:
    """Bring results of earlier versions up to this one."""
    from xlbench.cli.upkeep import migrate

    return migrate(results, plugin or ())


plugins = typer.Typer(cls=Group, help="Make a plugin of your own, and check it.", no_args_is_help=True)
app.add_typer(plugins, name="plugin")


@plugins.command(name="new", cls=Command)
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


@plugins.command(name="check", cls=Command)
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
