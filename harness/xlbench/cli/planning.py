"""`xlbench plan`: what a study comes to, before it runs."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench import api
from xlbench.cli.running import chosen, warn
from xlbench.models import checkpoints
from xlbench.output import counted, say, say_json
from xlbench.results import describe
from xlbench.results.estimate import Meter
from xlbench.results.manifest import coincidence, dropped_lines, near_duplicates, texts, trained_on
from xlbench.running.progress import duration, size
from xlbench.spec.study import command
from xlbench.studies import plan as planning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlbench.api import Prepared, Request
    from xlbench.contracts import Cost, Study, TextFacts


@dataclass(frozen=True, slots=True)
class Estimate:
    """A planned study, with how long it takes."""

    ready: Prepared
    described: Mapping[str, Any]
    """As `results.describe` gives it."""
    workers: int
    rates: Mapping[str, float]
    """Units of work a second, by name."""
    source: str
    """How they are known: "stored timings", "a short calibration"; empty where they are not."""
    command: str
    """What runs it."""

    @property
    def by_probe(self) -> dict[str, int]:
        """Number of jobs."""
        return dict(Counter(job.probe for job in self.ready.plan.jobs))

    @property
    def scores(self) -> int:
        """Cells of all jobs."""
        return sum(len(x.cells) for x in self.ready.plan.jobs)

    @property
    def unfinished(self) -> bool:
        """Whether there is a job to run now."""
        return bool(self.ready.plan.todo)

    @property
    def growth(self) -> list[planning.Size]:
        """The same study with fewer transfer languages."""
        return planning.growth(self.ready.resolved, self.ready.registry)

    def seconds(self, cost: Cost) -> float | None:
        """Wall time of all workers together; None where nothing is known of this machine and model."""
        found = Meter.of(self.rates).estimate(cost)
        return None if found is None else found / self.workers


def plan(request: Request, *, device: str, workers: int | None, as_json: bool = False) -> None:
    """Print what a study comes to."""
    api.check_device(device)
    ready = api.prepare(request)
    warn(ready)
    count = workers or ready.workers(device)
    rates, source = _rates(ready, device, count) if ready.plan.todo else (ready.rates(device), "")
    again = command(request.study, request.plugins) + chosen(request)
    found = Estimate(ready, describe(ready.resolved), count, rates, source, again)
    if as_json:
        say_json(_as_json(found))
        return
    for name, text in _lines(found):
        say(f"{name:10} {text}")


def _lines(found: Estimate) -> Iterator[tuple[str, str]]:
    """What each line is about, and what it says."""
    plan, asked, resolved = found.ready.plan, found.ready.plan.study, found.ready.resolved
    precision = f", {asked.precision}" if asked.precision else ""
    yield "model", f"{resolved.model.name} ({resolved.model_fingerprint[:12]}{precision})"
    yield "tasks", ", ".join(f"{task} ({counted(len(x), 'target')})" for task, x in resolved.targets.items())
    for task, facts in found.described["tasks"].items():
        if on := trained_on(facts):
            yield "training", f"{task}: {on}{_seeds_of(asked)}"
    for setting in resolved.in_force:
        yield "setting", str(setting)
    for line in plan.notes:
        yield "data", line
    yield "transfer", ", ".join(asked.transfer) or "none"
    for code, text in texts(found.described).items():
        yield "text", _text(code, text, found.described)
    if line := coincidence(found.described, asked.transfer):
        yield "text", line
    if dropped := dropped_lines(found.described):
        yield "text", f"left out: {dropped}"
    if near := near_duplicates(found.described):
        yield "text", f"near-duplicates of test sentences (one word differs; kept): {near}"
    yield "jobs", f"{_jobs(found.by_probe)}, {counted(found.scores, 'score')}"
    yield "done", str(plan.done)
    skipped = " (left out)" if plan.failed and found.ready.request.rerun == "missing" else ""
    yield "failed", f"{len(plan.failed)}{skipped}"
    yield "to run", str(len(plan.todo))
    if asked.adaptive:
        yield "later", f"at most {len(plan.later)}; {counted(len(plan.dropped), 'score')} dropped so far"
    for line in plan.left_out:
        yield "left out", line
    if found.unfinished:
        most = "at most, " if plan.later else ""
        how = f"(by {found.source})" if found.source else _UNKNOWN
        yield "time", f"{most}{_time(found, plan.cost)} {how}"
        yield "disk", f"{most}about {size(plan.disk)}"
        if line := _kept(*found.ready.kept()):
            yield "disk", line
        if (memory := found.ready.memory()) is not None:
            yield "memory", f"at least {size(memory)} per worker, and what a batch takes"
    for number, one in enumerate(found.growth):
        of = f"{counted(one.languages, 'transfer language')}: {_jobs(one.jobs)}"
        yield "" if number else "growth", f"{of}, {_time(found, one.cost)}"
    yield "command", found.command


_UNKNOWN = "before the checkpoint is downloaded, which the first run does"


def _as_json(found: Estimate) -> dict[str, Any]:
    """The same as data: seconds of wall time, bytes; None for what is not known."""
    plan, asked, resolved = found.ready.plan, found.ready.plan.study, found.ready.resolved
    seen = found.described["seen"]
    unfinished = found.unfinished
    return {
        "model": {
            "name": resolved.model.name,
            "fingerprint": resolved.model_fingerprint,
            "precision": asked.precision or None,
        },
        "tasks": {
            task: {"targets": list(x), "training_examples": found.described["tasks"][task].get("train", {})}
            for task, x in resolved.targets.items()
        },
        "adapter_seeds": list(asked.adapter_seeds),
        "settings": [x._asdict() for x in resolved.in_force],
        "notes": list(plan.notes),
        "transfer": list(asked.transfer),
        "text": {
            code: {"seen": seen.get(code), "domain": x.domain or None,
                   "lines": x.lines, "words": x.words, "bytes": x.bytes}
            for code, x in texts(found.described).items()
        },
        "jobs": found.by_probe,
        "scores": found.scores,
        "done": plan.done,
        "failed": len(plan.failed),
        "to_run": len(plan.todo),
        "later_at_most": len(plan.later),
        "left_out": list(plan.left_out),
        "workers": found.workers,
        "seconds": found.seconds(plan.cost) if unfinished else 0.0,
        "seconds_known_by": found.source or None,
        "disk": plan.disk if unfinished else 0,
        "disk_for_gradients": found.ready.kept()[1] if unfinished else 0,
        "memory_per_worker": found.ready.memory() if unfinished else None,
        "growth": [
            {"transfer_languages": x.languages, "jobs": dict(x.jobs), "seconds": found.seconds(x.cost)}
            for x in found.growth
        ],
        "command": found.command,
    }  # fmt: skip


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


def _time(found: Estimate, cost: Cost) -> str:
    seconds = found.seconds(cost)
    if seconds is None:
        return "time not known"
    return f"about {duration(seconds)} with {counted(found.workers, 'worker')}"


def _rates(ready: Prepared, device: str, workers: int) -> tuple[Mapping[str, float], str]:
    """How fast this machine is with this model, and how that is known."""
    rates = ready.rates(device)
    if Meter.of(rates).knows(ready.plan.cost):
        return rates, "stored timings"
    if not checkpoints.is_here(ready.checkpoint):
        return {}, ""
    from xlbench.running.calibrate import calibrate

    def said(what: str) -> None:
        print(f"calibration: {what} ...", file=sys.stderr, flush=True)

    rates = calibrate(
        ready.resolved, ready.plan.cost, device=device, threads=api.threads_of(workers), notify=said
    )
    return rates, "a short calibration"


def _kept(count: int, most: int | None) -> str:
    """How much room gradients take; "" where there are none."""
    if not count:
        return ""
    return f"{'size not known' if most is None else f'at most {size(most)}'} for {counted(count, 'gradient')}"
