"""A worker process: reads batches of jobs from its standard input, writes what happens to its output.

Messages are pickled tuples. To the worker: the work first, then lists of jobs. From the worker:
("event", number, phase, fraction), ("outcome", number, seconds, error), ("idle",), and, as the last,
("fatal", exception).
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from typing import IO, TYPE_CHECKING, Any

from xlbench.errors import XlbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbench.contracts import Event, Job, Work

EVERY = 0.1
"""Seconds between two events of one phase."""


def main() -> None:
    """Serve until the input ends: when there is no more work, or when the parent has died."""
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What libraries print must not get between the messages.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, inbox), daemon=True).start()

    def send(*message: Any) -> None:
        pickle.dump(message, out)
        out.flush()

    try:
        work = inbox.get()
        work.prepare()
        while True:
            _do(inbox.get(), work, send)
            send("idle")
    except XlbenchError as error:
        send("fatal", error)
    except BaseException:
        send("fatal", RuntimeError(f"in a worker process:\n{traceback.format_exc()}"))


def _listen(source: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            inbox.put(pickle.load(source))  # noqa: S301 - from the parent process
    finally:
        # The parent has closed our input or died. No job is worth finishing: results are whole or absent.
        os._exit(0)


def _do(jobs: list[Job], work: Work, send: Callable[..., None]) -> None:
    failed: dict[str, str] = {}
    for number, job in enumerate(jobs):
        if (need := next((x for x in job.needs if x in failed), None)) is not None:
            send("outcome", number, 0.0, f"not run, since {failed[need]!r} failed")
            failed[job.condition_key] = job.label
            continue
        outcome = work(job, _throttled(number, send))
        if outcome.error is not None:
            failed[job.condition_key] = job.label
        send("outcome", number, outcome.seconds, outcome.error)


def _throttled(number: int, send: Callable[..., None]) -> Callable[[Event], None]:
    last, phase = 0.0, ""

    def notify(event: Event) -> None:
        nonlocal last, phase
        now = time.monotonic()
        if event.phase != phase or now - last >= EVERY or event.fraction >= 1:
            last, phase = now, event.phase
            send("event", number, event.phase, event.fraction)

    return notify


if __name__ == "__main__":
    main()
