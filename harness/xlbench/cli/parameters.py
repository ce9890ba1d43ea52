"""What several commands take: options and arguments, as typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xlbench.contracts import Rerun

RUNNING = "Running"


def _running(*names: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=RUNNING, **more)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


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
Folder = Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")]
At = Annotated[Path, typer.Argument(help="Folder of results.", metavar="DIR")]
