"""Command lines, each in a process of its own that need not import torch first.

Importing torch and transformers takes longer than most command lines do. One process imports them, and
nothing of xlbench; each command line runs in a fork of it, with the words, folder, environment and files that
it is given. What must hold before the first import (the address and cache of a hub, an encoding,
`sitecustomize`, another seed of hashes) needs `subprocess`.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import os
import pickle
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

LIBRARIES = (
    "adapters", "langcodes", "pandas", "pluggy", "pyarrow.parquet", "pydantic", "rich.progress",
    "scipy.optimize", "scipy.stats", "statsmodels.regression.mixed_linear_model", "tabulate",
    "transformers.generation", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "transformers.models.bert.modeling_bert", "typer",
)  # fmt: skip
"""What a study imports, but for xlbench itself."""
_more: list[str] = []


def prime(module: str) -> None:
    """Import a module, too, before the first command line is forked."""
    _more.append(module)


class Command:
    """`python -m xlbench.cli` with these words. Raises nothing of what goes wrong in it."""

    def __init__(self, words: Iterable[str], cwd: Path | None = None, **environment: str) -> None:
        self.words = tuple(words)
        self.returncode: int | None = None
        self._out, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self._status, status = os.pipe()
        with tempfile.TemporaryFile() as asked:
            pickle.dump((self.words, str(cwd or Path.cwd()), {**os.environ, **environment}), asked)
            asked.flush()
            files = [asked.fileno(), self._out.fileno(), self._errors.fileno(), status]
            socket.send_fds(_warm(), [b"."], files)
        os.close(status)
        self.pid = int(self._line())

    def wait(self, timeout: float | None = None) -> int | None:
        """Its exit code, as of `subprocess`; None where it still runs after so many seconds."""
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(self._line())
            os.close(self._status)
        return self.returncode

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return _read(self._out.fileno())

    @property
    def stderr(self) -> str:
        """What it has complained of so far."""
        return _read(self._errors.fileno())

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self._status, 1) or b"255\n"  # the other end is gone
        return line


def run(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line that has ended."""
    command = Command(words, cwd, **environment)
    code = command.wait()
    assert code is not None
    return subprocess.CompletedProcess(words, code, command.stdout, command.stderr)


def _read(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode().replace("\r\n", "\n")


@functools.cache
def _warm() -> socket.socket:
    """A way to the process that is warm; it ends when this one does."""
    ours, its = socket.socketpair()
    bytecode = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, bytecode, ignore_errors=True)
    with its:
        subprocess.Popen(
            [sys.executable, __file__, bytecode, *_more], stdin=its, stdout=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    return ours


def _serve(requests: socket.socket) -> list[int]:
    """Wait for requests. Returns in a new process, with the files of the request."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, 1, 4)
        if not message:
            os._exit(0)
        if not os.fork():
            return files
        for file in files:
            os.close(file)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(ended: list[int]) -> None:
    """Fork into one process that runs a command line, and one that tells how it ended."""
    with socket.socket(fileno=os.dup(0)) as requests:
        asked, out, errors, status = _serve(requests)
    child = os.fork()
    if child:
        os.write(status, f"{child}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(status, f"{code}\n".encode())
        os._exit(0)
    os.close(status)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with os.fdopen(asked, "rb") as file:
        file.seek(0)
        words, folder, environment = pickle.load(file)
    for file, place in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (errors, 2)):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["xlbench", *words]
    try:
        runpy.run_module("xlbench.cli", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        ended += [end.code] if isinstance(end.code, int) else []
        raise


def _leave(ended: list[int]) -> None:
    """End a command line at once: freeing the memory of all libraries takes longer than many do."""
    if ended:
        sys.stdout.flush()
        os._exit(ended[0])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the tests
    ended: list[int] = []
    atexit.register(_leave, ended)  # what is registered first is called last
    for name in LIBRARIES:
        importlib.import_module(name)
    # Where none may be written beside its source, all of xlbench would be compiled for each command line.
    sys.pycache_prefix, sys.dont_write_bytecode = sys.argv[1], False
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _become(ended)
