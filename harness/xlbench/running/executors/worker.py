"""A worker process: reads batches of jobs from its standard input, writes what happens to its output.

To the worker (`channel`): the work first, then batches of jobs. From the worker: the messages of a batch
(`messages`), then ("idle",).
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import IO, Any

from xlbench.running.executors import channel, messages


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
            messages.say(take(), work, send)
            send("idle")
    except BaseException as error:
        send(*messages.last(error))


def _listen(source: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            inbox.put(channel.receive(source))
    except EOFError:
        # The parent has closed our input or died. No job is worth finishing: results are whole or absent.
        os._exit(0)
    except BaseException as error:
        inbox.put(error)  # what cannot be unpickled here


if __name__ == "__main__":
    main()
