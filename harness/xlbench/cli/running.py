"""`xlbench run` and `xlbench plan`."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from xlbench import api, checkpoints
from xlbench.estimate import Meter
from xlbench.progress import counted, duration, size
from xlbench.study import command

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.api import Prepared
    from xlbench.contracts import Rerun, Study


def run(
    study: Study,
    *,
    results: Path,
    device: str,
    workers: int | None,
    rerun: Rerun,
    quiet: bool,
    strict_plugins: bool,
    executor: str,
) -> int:
    """Run, then show and write the leaderboard. Returns the exit code: 1 where jobs failed."""
    from xlbench.cli import reporting

    again = f"{command(study)} --results {shlex.quote(str(results))}"
    try:
        api.check_device(device)
        ready = api.prepare(
            study, results=results, rerun=rerun, strict_plugins=strict_plugins, executor=executor
        )
        _warn(ready)
        done = api.carry_out(ready, device=device, workers=workers, quiet=quiet)
    except KeyboardInterrupt:
        print(
            f"xlbench: stopped; what is done is kept, and the same command goes on: {again}", file=sys.stderr
        )
        return 130
    print()
    reporting.show(results, done.study_id, brief=True)
    print()
    reporting.leaderboard(results, results / "leaderboard", done.study_id)
    kept = f", {done.kept} were done before" if done.kept else ""
    print(f"{counted(done.run, 'job')} in {duration(done.seconds)}{kept}; results in {results}")
    if done.failed:
        print(
            f"xlbench: {counted(len(done.failed), 'job')} failed, such as {_first(done.failed)}; "
            f"to try again: {again}",
            file=sys.stderr,
        )
    return 1 if done.failed else 0


def _warn(ready: Prepared) -> None:
    """Say what differs from what one may expect, a line each."""
    again = {job.condition_key for job in ready.plan.todo}
    for path in ready.plan.damaged:
        runs = path.name.partition("-")[0] in again
        then = "its job is run again" if runs else "this study does without it; delete it"
        print(f"xlbench: {path} is damaged and taken as not there; {then}", file=sys.stderr)
    if (longest := api.cut_chunk(ready)) is not None:
        chunk = ready.resolved.mlm.chunk
        print(
            f"xlbench: mlm.chunk {chunk} is more than the model takes; chunks are of {longest}",
            file=sys.stderr,
        )


def _first(failed: dict[str, str]) -> str:
    label, error = next(iter(failed.items()))
    return f"{label!r} ({error})"


def plan(
    study: Study,
    *,
    results: Path,
    device: str,
    workers: int | None,
    rerun: Rerun,
    strict_plugins: bool,
) -> None:
    """Print what a study comes to."""
    api.check_device(device)
    ready = api.prepare(study, results=results, rerun=rerun, strict_plugins=strict_plugins)
    plan, asked = ready.plan, ready.plan.study
    _warn(ready)
    by_probe: dict[str, int] = {}
    for job in plan.jobs:
        by_probe[job.probe] = by_probe.get(job.probe, 0) + 1
    cells = sum(len(x.cells) for x in plan.jobs)
    print(f"model      {ready.resolved.model.name} ({ready.resolved.model_fingerprint[:12]})")
    tasks = [f"{task} ({counted(len(x), 'target')})" for task, x in ready.resolved.targets.items()]
    print(f"tasks      {', '.join(tasks)}")
    print(f"transfer   {', '.join(asked.transfer) or 'none'}")
    kinds = ", ".join(f"{n} {x}" for x, n in by_probe.items())
    print(f"jobs       {len(plan.jobs)} ({kinds}), {counted(cells, 'score')}")
    print(f"done       {plan.done}")
    skipped = " (left out)" if plan.failed and rerun == "missing" else ""
    print(f"failed     {len(plan.failed)}{skipped}")
    print(f"to run     {len(plan.todo)}")
    for line in plan.left_out:
        print(f"left out   {line}")
    if plan.todo:
        print(f"time       {_time(ready, device, workers)}")
        print(f"disk       about {size(plan.disk)}")
    print(f"command    {command(study)}")


def _time(ready: Prepared, device: str, workers: int | None) -> str:
    count = workers or api.default_workers(ready.checkpoint, device)
    source, rates = "by stored timings", ready.rates(device)
    if not Meter.of(rates).knows(ready.plan.cost):
        if not checkpoints.is_here(ready.checkpoint):
            return "not known before the checkpoint is downloaded, which the first run does"
        from xlbench.calibrate import calibrate

        source = "by a short calibration"
        rates = calibrate(ready.resolved, device=device, threads=api.threads_of(count))
    seconds = ready.plan.seconds(rates, count)
    shown = "not known" if seconds is None else f"about {duration(seconds)}"
    return f"{shown} with {counted(count, 'worker')} ({source})"
