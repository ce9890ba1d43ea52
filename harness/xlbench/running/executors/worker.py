"""A worker process: reads batches of jobs from its standard input, writes what happens to its output.

Messages (`channel`) are tuples of plain values. To the worker: the work first, then batches of jobs. From the
worker: ("event", number, phase, fraction), ("outcome", number, seconds, error), ("idle",), and, as the last,
("fatal", class, text) of an error that ends the run, or ("crashed", traceback).
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
import traceback
from typing import IO, TYPE_CHECKING, Any

from xlbench.errors import XlbenchError
from xlbench.running.executors import channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xlbench.contracts import Event, Job, Work

EVERY = 0.1
"""Seconds between two events of one phase."""


def main() -> None:
    """Serve until the input ends: when there is no more work, or when the parent has died."""
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # What plugins print must not get between the messages, and what they read must not be messages.
    out, source = (os.fdopen(os.dup(x), mode) for x, mode in ((1, "wb"), (0, "rb")))
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, inbox), daemon=True).start()

    def send(*message: Any) -> None:
        channel.send(out, message)

    def take() -> Any:
        if isinstance(found := inbox.get(), BaseException):
            raise found
        return found

    try:
        work = take()
        work.prepare()
        while True:
            _do(take(), work, send)
            send("idle")
    except XlbenchError as error:
        send("fatal", *channel.told(error))
    except BaseException:
        send("crashed", traceback.format_exc())


def _listen(source: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            inbox.put(channel.receive(source))
    except EOFError:
        # The parent has closed our input or died. No job is worth finishing: results are whole or absent.
        os._exit(0)
    except BaseException as error:
        inbox.put(error)  # what cannot be unpickled here


def _do(jobs: Sequence[Job], work: Work, send: Callable[..., None]) -> None:
    number = {job.condition_key: n for n, job in enumerate(jobs)}
    for outcome in work(jobs, _throttled(number, send)):
        error = None if outcome.error is None else str(outcome.error)
        send("outcome", number[outcome.job.condition_key], float(outcome.seconds), error)


def _throttled(number: Mapping[str, int], send: Callable[..., None]) -> Callable[[Event], None]:
    last, before = 0.0, ("", "")

    def notify(event: Event) -> None:
        nonlocal last, before
        now, what = time.monotonic(), (event.job.condition_key, event.phase)
        if what != before or now - last >= EVERY or event.fraction >= 1:
            last, before = now, what
            send("event", number[event.job.condition_key], str(event.phase), float(event.fraction))

    return notify


if __name__ == "__main__":
    main()
