"""Messages between a process and its workers, over pipes that others may write to as well.

Each message is a mark, its length and a pickle of plain values. What stands between two messages, such as
what a library printed before the worker could redirect it, is passed over.
"""

from __future__ import annotations

import pickle
from typing import IO, Any

MARK = b"\x00xlbench\xff\x00"


def send(out: IO[bytes], message: object) -> None:
    """Write a message. Raises OSError, and whatever pickling raises; then nothing is written."""
    content = pickle.dumps(message)
    out.write(MARK + len(content).to_bytes(8, "little") + content)
    out.flush()


def receive(source: IO[bytes]) -> Any:
    """The next message. Raises EOFError where there is none any more."""
    seen = b""
    while seen != MARK:
        if not (byte := source.read(1)):
            raise EOFError
        seen = (seen + byte)[-len(MARK) :]
    size = int.from_bytes(_exactly(source, 8), "little")
    return pickle.loads(_exactly(source, size))  # noqa: S301 - from our own process


def _exactly(source: IO[bytes], size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found
