"""What is measured on, and processes whose time and memory are measured."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EVERY = 0.02
"""Seconds between two looks at a process."""
NOTHING: Mapping[str, str] = {}
REPOSITORY = Path(__file__).resolve().parent.parent


def describe(threads: int) -> dict[str, object]:
    """Processor, cores, memory, libraries, threads, and what else the machine is doing, as plain data."""
    import torch

    from xlbench.lab.hardware import hardware

    known = hardware(torch.device("cpu"))
    return {
        "processor": known["processor"],
        "system": known["system"],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "python": sys.version.split()[0],
        **{x: importlib.metadata.version(x) for x in ("torch", "transformers", "adapters", "numpy")},
        "threads": threads,
        "load_at_start": round(os.getloadavg()[0], 1),
    }


class Usage(NamedTuple):
    """What processes took, their children included."""

    cpu: float
    """Seconds."""
    wall: float
    """Seconds; of a process that was held, those in which it was let run."""
    peak: float
    """MiB resident, of the largest; looked for every so often, so what it takes as it ends may be missed."""

    def __add__(self, other: object) -> Usage:
        assert isinstance(other, Usage)
        return Usage(self.cpu + other.cpu, self.wall + other.wall, max(self.peak, other.peak))


class Held:
    """A process that can be held and let go on, so that two sides of a comparison share the same minutes."""

    def __init__(self, command: Sequence[str], threads: int, also: Mapping[str, str] = NOTHING) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**environment(threads), **also},
            stdout=self._said,
            stderr=self._said,
        )
        self._command, self._since = command, time.perf_counter()
        self._wall, self._peak = 0.0, 0.0
        self.usage: Usage | None = None
        """None until it has ended."""

    def hold(self) -> None:
        """Stop it where it is."""
        os.kill(self._process.pid, signal.SIGSTOP)
        self._wall += time.perf_counter() - self._since

    def go_on(self, seconds: float) -> None:
        """Let it run for so long, or until it ends. Raises RuntimeError where it fails."""
        os.kill(self._process.pid, signal.SIGCONT)
        self._since = time.perf_counter()
        if not self._run(seconds):
            self.hold()

    def wait(self) -> Usage:
        """Let it run until it ends. Raises RuntimeError where it fails."""
        self._run(float("inf"))
        assert self.usage is not None
        return self.usage

    def _run(self, seconds: float) -> bool:
        """Whether it has ended after so long."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._look()
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._ended(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
                return True
            time.sleep(EVERY)
        return False

    def _look(self) -> None:
        # What wait4 says of memory begins with that of the process that started this one.
        text = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        found = [x.split()[1] for x in text.splitlines() if x.startswith("VmHWM")]
        self._peak = max([self._peak, *(int(x) / 1024 for x in found)])

    def _ended(self, code: int, cpu: float) -> None:
        self._wall += time.perf_counter() - self._since
        self._process.returncode = code
        if code:
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(self._command)} ended with {code}:\n{said}")
        self.usage = Usage(cpu, self._wall, self._peak)


def environment(threads: int) -> Mapping[str, str]:
    """That of a process with so many threads, which asks nothing of a network."""
    count = str(threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
        "RAYON_NUM_THREADS": count,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
    }


def run(command: Sequence[str], threads: int = 1, also: Mapping[str, str] = NOTHING) -> Usage:
    """Run a process to its end, `also` in its environment. Raises RuntimeError where it fails."""
    return Held(command, threads, also).wait()


def python(*words: str) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *words]
