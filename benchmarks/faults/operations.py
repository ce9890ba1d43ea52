"""Operations on files below a folder, counted in a process, so that one of them may fail or be the last."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("operations.c")
KINDS = {
    name: 1 << i
    for i, name in enumerate(
        ("open", "create", "write", "fsync", "rename", "mkdir", "unlink", "list", "read")
    )
}
"""As in the C file; `create` is to open for writing."""
CHANGES = ("create", "write", "fsync", "rename", "mkdir", "unlink")
KILL = -1
"""Instead of an error's number: the process ends with SIGKILL."""
_SET = "LD_PRELOAD"


@dataclass(frozen=True, slots=True)
class Armed:
    """Operations `first` and after, `times` of them (0: all), fail with the error of that number; with 0
    none does, and they are counted.
    """

    folder: Path
    log: Path
    of: tuple[str, ...] = CHANGES
    error: int = 0
    first: int = 1
    times: int = 1

    def start(self) -> None:
        """From now on, in this process and its children."""
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        ctypes.CDLL(None).faults_arm(
            os.fsencode(self.folder), sum(KINDS[x] for x in self.of),
            ctypes.c_long(self.first), ctypes.c_long(self.times), self.error, log,
        )  # fmt: skip

    def met(self) -> list[str]:
        """The operations that were counted, by name and path."""
        return self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []


def loaded() -> bool:
    """Whether operations can be counted in this process."""
    return hasattr(ctypes.CDLL(None), "faults_arm")


def load() -> None:
    """Start this process again with what counts operations in it, where there is a C compiler."""
    made = os.environ.pop(_SET, None)  # other programs need it not
    if loaded() and made is not None:
        shutil.rmtree(Path(made).parent)
    compiler = shutil.which("cc")
    if loaded() or compiler is None:
        return
    library = Path(tempfile.mkdtemp()) / "operations.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    os.environ[_SET] = str(library)
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks.faults", *sys.argv[1:]])  # noqa: S606
