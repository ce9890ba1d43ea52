"""The room to the process that draws (`report.drawing`): one for all pictures, which may fail alone."""

from __future__ import annotations

import atexit
import json
import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

from xlbench.errors import XlbenchError
from xlbench.output import message

PATIENCE = 120.0
"""Seconds for one picture, on a slow machine at its first."""


class DrawingError(XlbenchError):
    """Something could not be drawn; what is said in text stands."""


class Engine:
    """A process, started when it is first asked for something; once it has failed, it is asked no more."""

    def __init__(self, command: tuple[str, ...] = (), patience: float = PATIENCE) -> None:
        self._command = command or (sys.executable, "-P", str(Path(__file__).with_name("drawing.py")))
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self.failed = ""
        """Why nothing more can be drawn; "" while it can."""

    def ask(self, **asked: Any) -> bytes:
        """What `report.drawing` answers. Raises DrawingError."""
        if self.failed:
            raise DrawingError(self.failed)
        late: list[bool] = []
        try:
            process = self._started()

            def stop() -> None:
                late.append(True)
                process.kill()

            timer = threading.Timer(self._patience, stop)
            timer.start()
            try:
                return _answer(process, json.dumps(asked).encode())
            finally:
                timer.cancel()
        except (OSError, EOFError, ValueError, RuntimeError, MemoryError) as error:
            self.failed = f"no picture within {self._patience:.0f} s" if late else self._why(error)
            self.close()
            raise DrawingError(self.failed) from error
        except KeyboardInterrupt:
            self.failed = "stopped"
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=nothing)
            atexit.register(self.close)
        return self._process

    def _why(self, error: Exception) -> str:
        if self._process is None:
            return f"the process that draws cannot be started: {error}"
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "the process that draws gave no answer that can be read"
        if code < 0:
            name = next((x.name for x in signal.Signals if x == -code), f"signal {-code}")
            return f"the process that draws ended with {name}, as it does where memory is limited (ulimit -v)"
        return f"the process that draws ended with exit code {code}"


def _answer(process: subprocess.Popen[bytes], asked: bytes) -> bytes:
    """Raises DrawingError for what it cannot draw, EOFError and others where it has ended."""
    assert process.stdin is not None  # noqa: S101 - pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(asked + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise DrawingError(message(head["error"]))
    content = process.stdout.read(head["size"])
    if len(content) < head["size"]:
        raise EOFError
    return content


@cache
def engine() -> Engine:
    """The one of this process."""
    return Engine()
