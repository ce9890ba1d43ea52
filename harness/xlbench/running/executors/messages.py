"""What a worker says of a batch, wherever it is, as tuples of plain values that any channel takes.

("event", number, phase, fraction) and ("outcome", number, seconds, error), with the number of the job in the
batch; as the last, ("fatal", class, text) of an error that ends the run, or ("crashed", traceback).
"""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from xlbench import errors
from xlbench.contracts import Event, Outcome
from xlbench.errors import MemoryUsedUpError, XlbenchError, ran_out, said_of, text_of
from xlbench.spec.problems import ManyProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xlbench.contracts import Job, Notify, Work

EVERY = 0.1
"""Seconds between two events of one phase."""


def say(jobs: Sequence[Job], work: Work, send: Callable[..., None]) -> None:
    """Do a batch, and send what happens. Raises what `work` raises."""
    number = {job.condition_key: n for n, job in enumerate(jobs)}
    for outcome in work(jobs, _throttled(number, send)):
        error = None if outcome.error is None else str(outcome.error)
        send("outcome", number[outcome.job.condition_key], float(outcome.seconds), error)


def last(error: BaseException) -> tuple[str, ...]:
    """The message of an error after which a worker does no more."""
    if not isinstance(error, XlbenchError) and ran_out(error):
        error = MemoryUsedUpError(
            f"memory ran out in a worker process ({said_of(error)}); use fewer --workers"
        )
    return ("fatal", *told(error)) if isinstance(error, XlbenchError) else ("crashed", traceback.format_exc())


def hear(jobs: Sequence[Job], message: tuple[Any, ...], notify: Notify) -> Iterator[Outcome]:
    """Pass an event on, yield an outcome. Raises the error of a last message."""
    match message:
        case ("event", number, phase, fraction):
            notify(Event(jobs[number], phase, fraction))
        case ("outcome", number, seconds, error):
            yield Outcome(jobs[number], seconds, error)
        case ("fatal", known, text):
            raise untold(known, text)
        case ("crashed", text):
            raise RuntimeError(f"in a worker process:\n{text}")


def told(error: XlbenchError) -> tuple[str, str]:
    """An error as two texts: its class, so that any error arrives, whatever its class cannot do."""
    known = next(x.__name__ for x in type(error).__mro__ if x.__module__ == errors.__name__)
    return known, text_of(error)


def untold(known: str, text: str) -> XlbenchError:
    """The error of two texts."""
    kind: type[XlbenchError] = getattr(errors, known)
    return ManyProblemsError(text.splitlines()) if "\n" in text else kind(text)


def _throttled(number: Mapping[str, int], send: Callable[..., None]) -> Callable[[Event], None]:
    then, before = 0.0, ("", "")

    def notify(event: Event) -> None:
        nonlocal then, before
        now, what = time.monotonic(), (event.job.condition_key, event.phase)
        if what != before or now - then >= EVERY or event.fraction >= 1:
            then, before = now, what
            send("event", number[event.job.condition_key], str(event.phase), float(event.fraction))

    return notify
