"""What a run shows while it goes on: a live line on a terminal or in a notebook, plain lines elsewhere, or
nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TextIO

from xlbench.contracts.work import total
from xlbench.output import clean, counted, message
from xlbench.running import notebook

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from xlbench.contracts import Event, Job, Outcome
    from xlbench.results.estimate import Meter

PERCENT = 5
REDRAW = 0.2
"""Seconds between two states that a notebook is shown."""
SECONDS = 60.0
"""A plain line comes each 5 percent of the jobs, and after a minute without one, inside a job too."""


def duration(seconds: float) -> str:
    """For people: "40 s", "5 min", "3.2 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """For people: "12 kB", "3.4 MB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"


@dataclass
class Progress:
    """Follows a run. The estimate is of the work left, by the rates measured so far, not of jobs."""

    todo: tuple[Job, ...]
    meter: Meter
    workers: int
    stream: TextIO
    quiet: bool = False
    ended: int = 0
    failed: int = 0
    _left: dict[str, Job] = field(default_factory=dict)
    _phases: dict[str, dict[str, float]] = field(default_factory=dict)
    _last: dict[str, tuple[str, float]] = field(default_factory=dict)
    _bar: Bar | None = None
    _task: TaskID | None = None
    _console: Console | None = None
    _said: tuple[int, float] = (0, 0.0)
    _cell: notebook.Line | None = None
    """Where a notebook shows it."""
    _drawn: float = 0.0

    def __enter__(self) -> Self:
        self._left = {job.condition_key: job for job in self.todo}
        self._said = (0, time.monotonic())
        if not self.quiet:
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._cell is not None:
            self._draw("stopped" if error is not None else "done", final=True)

    def event(self, event: Event) -> None:
        """Something goes on inside a job."""
        self._clock(event.job.condition_key, event.phase)
        share = f" {event.fraction:.0%}" if 0 < event.fraction < 1 else ""
        now = f"{event.job.label}: {event.phase}{share}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, now=clean(now))
        elif self._cell is not None:
            self._draw(now)
        elif not self.quiet and time.monotonic() - self._said[1] >= SECONDS:
            self._say(now)

    def outcome(self, outcome: Outcome) -> None:
        """A job has ended."""
        key = outcome.job.condition_key
        self._clock(key, "")
        job = self._left.pop(key)
        self.ended += 1
        if outcome.error is None:
            self.meter.add(job.cost, self._phases.pop(key, {}), outcome.seconds)
        else:
            self.failed += 1
            self._line(f"failed: {outcome.job.label}: {outcome.error}")
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self.ended, left=self._remaining())
        elif self._cell is not None:
            self._draw(outcome.job.label)
        elif not self.quiet:
            self._plain(outcome)

    def _clock(self, key: str, phase: str) -> None:
        """Charge the time since the last event of a job to the phase it was in."""
        now = time.monotonic()
        if key in self._last:
            before, since = self._last.pop(key)
            phases = self._phases.setdefault(key, {})
            phases[before] = phases.get(before, 0.0) + now - since
        if phase:
            self._last[key] = (phase, now)

    def _remaining(self) -> str:
        seconds = self.meter.estimate(total(x.cost for x in self._left.values()), len(self._left))
        if not self._left:
            return "done"
        return "estimating" if seconds is None else f"about {duration(seconds / self.workers)} left"

    def _begin(self) -> None:
        if notebook.here():
            self._cell = notebook.Line(self._state("loading the model"))
            return
        from rich.console import Console

        self._console = Console(file=self.stream, highlight=False)
        if not self._console.is_terminal:
            self._line(f"{counted(len(self.todo), 'job')}, {self._remaining()}")
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(f"{'job' if len(self.todo) == 1 else 'jobs'}, {{task.fields[left]}}"),
            TextColumn("{task.fields[now]}", markup=False, style="dim"),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(
            "", total=len(self.todo), left=self._remaining(), now="loading the model"
        )
        self._bar.start()

    def _draw(self, now: str, *, final: bool = False) -> None:
        """In a notebook, not more often than it can be read."""
        if self._cell is not None and (final or time.monotonic() - self._drawn >= REDRAW):
            self._drawn = time.monotonic()
            self._cell.write(self._state(now))

    def _state(self, now: str) -> notebook.Shown:
        failed = f", {self.failed} failed" if self.failed else ""
        done = f"{self.ended} of {counted(len(self.todo), 'job')}{failed}, {self._remaining()}"
        share = self.ended / len(self.todo) if self.todo else 1.0
        return notebook.Shown(f"{done}: {now}" if now != "done" else done, share)

    def _line(self, text: str) -> None:
        if self._console is not None:
            self._console.print(message(text), markup=False, soft_wrap=True)

    def _plain(self, outcome: Outcome) -> None:
        percent, now = 100 * self.ended // len(self.todo), time.monotonic()
        last, when = self._said
        if percent >= last + PERCENT or now - when >= SECONDS or not self._left:
            self._say(outcome.job.label)

    def _say(self, what: str) -> None:
        """A plain line."""
        percent = 100 * self.ended // len(self.todo)
        self._said = (percent, time.monotonic())
        done = f"{self.ended} of {counted(len(self.todo), 'job')} ({percent}%)"
        self._line(f"{done}, {self._remaining()}: {what}")
