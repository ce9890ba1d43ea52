"""`xlbench run`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench import api
from xlbench.errors import ResultsError
from xlbench.output import complain, counted, say
from xlbench.plugins import culprit
from xlbench.results import describe
from xlbench.results.manifest import coincidence
from xlbench.running.progress import duration
from xlbench.spec.study import command
from xlbench.stored import without_predictions

if TYPE_CHECKING:
    from xlbench.api import Prepared, Request


def run(
    request: Request, *, device: str, workers: int | None, quiet: bool, keep_predictions: bool = False
) -> int:
    """Run, then show and write the leaderboard. Returns the exit code: 1 where jobs failed."""
    from xlbench.cli import reporting

    results, plugins = Path(request.results), request.plugins
    again = f"{command(request.study, plugins)} --results {shlex.quote(str(results))}"
    again += chosen(request)
    if keep_predictions:
        again += " --keep-predictions"
    try:
        api.check_device(device)
        ready = api.prepare(request)
        warn(ready)
        if line := coincidence(describe(ready.resolved), ready.resolved.study.transfer):
            complain(f"data: {line}")
        for line in ready.plan.left_out:
            complain(f"left out: {line}")
        for line in ready.plan.notes:
            complain(f"data: {line}")
        done = api.carry_out(
            ready, device=device, workers=workers, quiet=quiet, keep_predictions=keep_predictions
        )
    except KeyboardInterrupt as stopped:
        where = culprit(stopped)
        complain(
            f"stopped{f' in {where}' if where else ''}; what is done is kept, and the same command goes on:",
            again,
        )
        return 130
    read = reporting.read(results, done.study_id, plugins, quiet=quiet)
    try:
        reporting.leaderboard(read, results / reporting.LEADERBOARD, told=False, quiet=quiet)
        reporting.page(read, results / reporting.REPORT, told=False, quiet=quiet)
    except ResultsError as error:
        if done.run:
            raise
        complain(f"leaderboard and report are left as they are: {error}")
    if not quiet:
        kept = f", {done.kept} were done before" if done.kept else ""
        say(f"{counted(done.run, 'job')} in {duration(done.seconds)}{kept}; results in {results}")
        say()
    reporting.show(read, results, None, plugins)
    if done.without_predictions:
        complain(without_predictions(done.without_predictions))
    if done.failed:
        complain(
            f"{counted(len(done.failed), 'job')} failed, such as {_first(done.failed)}; to try again:", again
        )
    return 1 if done.failed else 0


def warn(ready: Prepared) -> None:
    """Print one line for each thing that differs from what one may expect."""
    jobs = {job.condition_key for job in ready.plan.jobs}
    again = {job.condition_key for job in ready.plan.todo}
    for error in ready.plan.damaged:
        if error.condition_key in again:
            then = "its job will run again, and the file is moved to aside/"
        elif error.condition_key in jobs:
            then = "its scores are stored elsewhere, and the file is moved to aside/ by a run"
        else:
            then = "this study does without it"
        complain(f"{error} ignored; {then}")
    if unread := ready.resolved.unread:
        one, probes = len(unread) == 1, ", ".join(ready.resolved.study.probes)
        complain(
            f"{', '.join(unread)} {'has' if one else 'have'} no effect: no probe of this study ({probes}) "
            f"uses {'it' if one else 'them'}"
        )
    for setting, longest in api.cut_chunks(ready).items():
        complain(f"{setting} exceeds the model's maximum input length; chunks of {longest} tokens are used")


def _first(failed: dict[str, str]) -> str:
    label, error = next(iter(failed.items()))
    return f"{label!r} ({error})"


def chosen(request: Request) -> str:
    """Options of a command for an executor and observers."""
    said = [] if request.executor == api.LOCAL else [("--executor", request.executor)]
    said += [("--observer", x) for x in request.observers]
    return "".join(f" {option} {shlex.quote(name)}" for option, name in said)
