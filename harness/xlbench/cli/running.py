"""`xlbench run` and `xlbench plan`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from xlbench import api
from xlbench.errors import ResultsError
from xlbench.models import checkpoints
from xlbench.output import complain, counted, say
from xlbench.results import describe
from xlbench.results.estimate import Meter
from xlbench.results.manifest import coincidence, dropped_lines, near_duplicates, texts, trained_on
from xlbench.running.progress import duration, size
from xlbench.spec.study import command
from xlbench.stored import without_predictions
from xlbench.studies import plan as planning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xlbench.api import Prepared
    from xlbench.contracts import Cost, Rerun, Study, TextFacts


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
    observers: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    keep_predictions: bool = False,
) -> int:
    """Run, then show and write the leaderboard. Returns the exit code: 1 where jobs failed."""
    from xlbench.cli import reporting

    again = f"{command(study, plugins)} --results {shlex.quote(str(results))}"
    again += _chosen(executor, observers)
    if keep_predictions:
        again += " --keep-predictions"
    try:
        api.check_device(device)
        ready = api.prepare(
            study,
            results=results,
            rerun=rerun,
            strict_plugins=strict_plugins,
            executor=executor,
            observers=observers,
            plugins=plugins,
        )
        _warn(ready)
        if line := coincidence(describe(ready.resolved), ready.resolved.study.transfer):
            complain(f"data: {line}")
        for line in ready.plan.left_out:
            complain(f"left out: {line}")
        for line in ready.plan.notes:
            complain(f"data: {line}")
        done = api.carry_out(
            ready, device=device, workers=workers, quiet=quiet, keep_predictions=keep_predictions
        )
    except KeyboardInterrupt:
        complain("stopped; what is done is kept, and the same command goes on:", again)
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


def _warn(ready: Prepared) -> None:
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


def plan(
    study: Study,
    *,
    results: Path,
    device: str,
    workers: int | None,
    rerun: Rerun,
    strict_plugins: bool,
    executor: str,
    observers: Sequence[str] = (),
    plugins: Sequence[Path] = (),
) -> None:
    """Print what a study comes to."""
    api.check_device(device)
    ready = api.prepare(
        study,
        results=results,
        rerun=rerun,
        strict_plugins=strict_plugins,
        executor=executor,
        observers=observers,
        plugins=plugins,
    )
    plan, asked = ready.plan, ready.plan.study
    _warn(ready)
    by_probe = Counter(job.probe for job in plan.jobs)
    cells = sum(len(x.cells) for x in plan.jobs)
    precision = f", {asked.precision}" if asked.precision else ""
    say(f"model      {ready.resolved.model.name} ({ready.resolved.model_fingerprint[:12]}{precision})")
    tasks = [f"{task} ({counted(len(x), 'target')})" for task, x in ready.resolved.targets.items()]
    say(f"tasks      {', '.join(tasks)}")
    described: Mapping[str, Any] = describe(ready.resolved)
    for task, facts in described["tasks"].items():
        if on := trained_on(facts):
            say(f"training   {task}: {on}{_seeds_of(asked)}")
    for setting in ready.resolved.in_force:
        say(f"setting    {setting}")
    for line in plan.notes:
        say(f"data       {line}")
    say(f"transfer   {', '.join(asked.transfer) or 'none'}")
    for code, text in texts(described).items():
        say(f"text       {_text(code, text, described)}")
    if line := coincidence(described, asked.transfer):
        say(f"text       {line}")
    if dropped := dropped_lines(described):
        say(f"text       left out: {dropped}")
    if near := near_duplicates(described):
        say(f"text       near-duplicates of test sentences (one word differs; kept): {near}")
    say(f"jobs       {_jobs(by_probe)}, {counted(cells, 'score')}")
    say(f"done       {plan.done}")
    skipped = " (left out)" if plan.failed and rerun == "missing" else ""
    say(f"failed     {len(plan.failed)}{skipped}")
    say(f"to run     {len(plan.todo)}")
    if asked.adaptive:
        say(f"later      at most {len(plan.later)}; {counted(len(plan.dropped), 'score')} dropped so far")
    for line in plan.left_out:
        say(f"left out   {line}")
    count = workers or ready.workers(device)
    rates, source = _rates(ready, device, count) if plan.todo else (ready.rates(device), "")
    if plan.todo:
        most = "at most, " if plan.later else ""
        say(f"time       {most}{_time(plan.cost, rates, count)} {source}".rstrip())
        say(f"disk       {most}about {size(plan.disk)}")
        if (memory := ready.memory()) is not None:
            say(f"memory     at least {size(memory)} per worker, and what a batch takes")
    sizes = planning.growth(ready.resolved, ready.registry)
    for line, one in zip(("growth", *[""] * len(sizes)), sizes, strict=False):
        of = f"{counted(one.languages, 'transfer language')}: {_jobs(one.jobs)}"
        say(f"{line:10} {of}, {_time(one.cost, rates, count)}")
    say(f"command    {command(study, plugins)}{_chosen(executor, observers)}")


def _chosen(executor: str, observers: Sequence[str]) -> str:
    """Options of a command for an executor and observers."""
    said = [] if executor == api.LOCAL else [("--executor", executor)]
    said += [("--observer", x) for x in observers]
    return "".join(f" {option} {shlex.quote(name)}" for option, name in said)


def _text(code: str, text: TextFacts, described: Mapping[str, Any]) -> str:
    """How much there is, and where it comes from."""
    seen = {True: "seen", False: "unseen", None: "seen or not is not known"}[described["seen"].get(code)]
    parts = [seen, f"domain {text.domain}" if text.domain else "domain not known"]
    parts.append(f"{text.lines:,} lines")
    if text.words is not None and text.lines:
        parts += [f"{text.words:,} words", f"{text.words / text.lines:.1f} words per line"]
    if text.bytes is not None:
        parts.append(f"{text.bytes:,} bytes")
    return f"{code}: {', '.join(parts)}"


def _seeds_of(study: Study) -> str:
    """Of several task adapters."""
    return f"; adapter seeds {', '.join(map(str, study.adapter_seeds))}" if study.adapter_seeds else ""


def _jobs(by_probe: Mapping[str, int]) -> str:
    kinds = ", ".join(f"{n} {x}" for x, n in by_probe.items())
    return f"{sum(by_probe.values())} ({kinds})"


def _time(cost: Cost, rates: Mapping[str, float], workers: int) -> str:
    seconds = Meter.of(rates).estimate(cost)
    if seconds is None:
        return "time not known"
    return f"about {duration(seconds / workers)} with {counted(workers, 'worker')}"


def _rates(ready: Prepared, device: str, workers: int) -> tuple[Mapping[str, float], str]:
    """How fast this machine is with this model, and how that is known."""
    rates = ready.rates(device)
    if Meter.of(rates).knows(ready.plan.cost):
        return rates, "(by stored timings)"
    if not checkpoints.is_here(ready.checkpoint):
        return {}, "before the checkpoint is downloaded, which the first run does"
    from xlbench.running.calibrate import calibrate

    def said(what: str) -> None:
        print(f"calibration: {what} ...", file=sys.stderr, flush=True)

    rates = calibrate(
        ready.resolved, ready.plan.cost, device=device, threads=api.threads_of(workers), notify=said
    )
    return rates, "(by a short calibration)"
