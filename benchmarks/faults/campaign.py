"""The study that faults happen to, its commands, and what of it must be the same afterwards."""

from __future__ import annotations

import copy
import importlib
import io
import json
import os
import pickle
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Thing = TypeVar("Thing")
Found = TypeVar("Found")

STUDY = (
    "--model", "tiny", "--task", "pos", "--probe", "zero-shot,transfer", "--transfer", "qab", "--controls",
    "none", "--targets", "qaa,qac", "--train-languages", "qaa", "--steps", "1", "--seeds", "1", "--limit",
    "20", "--readings", "put-back", "--adapter", "epochs=1,limit=60,pos.examples=40,pos.batch_size=8",
    "--retraining", "warm_start_steps=1", "--mlm", "chunk=32,batch_size=2",
)  # fmt: skip
"""2 jobs, 4 scores, 1 task adapter."""
LARGER = tuple("put-back,retrained" if x == "put-back" else x for x in STUDY)
"""With both readings: 4 jobs, 8 scores, 2 task adapters."""
QUIET = ("--device", "cpu", "--quiet")
RUN = ("run", *STUDY, "--workers", "1", *QUIET)
RUN_LARGER = ("run", *LARGER, "--workers", "1", *QUIET)
PATIENCE = 300
"""Seconds after which a command hangs."""
CANNOT = "cannot be tried here"
AS_PROMISED = "as promised"
NEXT = "the next run ends with equal numbers and nothing else in the folder"
LINE = f"equal numbers, or one line and exit code 2; {NEXT}"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: what was promised and what happened."""

    fault: str
    promised: str
    tried: int
    broken: tuple[str, ...] = ()
    """What was not as promised, of each try where that is so."""
    also: str = ""
    """What else is to be known."""

    @property
    def happened(self) -> str:
        """In a few words."""
        if not self.tried:
            return f"{CANNOT}: {self.also}"
        kept = self.tried - len(self.broken)
        what = "; ".join(self.broken) or AS_PROMISED
        if self.broken:
            what = f"{kept} of {self.tried} {AS_PROMISED}; BROKEN: {what}"
        return f"{what} ({self.also})" if self.also else what


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    """Negative: the signal that ended it."""
    out: str
    err: str

    @property
    def wrong(self) -> list[str]:
        """What no command may do, whatever happens to it."""
        found = []
        if "Traceback" in self.err or self.code == 70:
            found.append(f"TRACEBACK {self.err[-1500:]}")
        if self.code == -signal.SIGALRM:
            found.append("HANGS")
        elif self.code == 1 and "failed, such as" in self.err:
            pass  # jobs that failed, with the error of one and the command that tries them again
        elif self.code not in (0, 2) and self.code > 0:
            found.append(f"EXIT {self.code} {self.err.strip()[-300:]}")
        if self.code == 2 and not any(x.startswith("xlbench: ") for x in self.err.splitlines()):
            found.append("NO LINE")
        return found

    @property
    def line(self) -> str:
        """The last thing that it complained of, shortened."""
        lines = self.err.strip().splitlines()
        return lines[-1].removeprefix("xlbench: ")[:160] if lines else ""


def prepare() -> None:
    """Have no pictures drawn, which would take most of a command's time, and what reads nothing of a study's
    folder done once for all forks: plugins checked, text and distances drawn. Call it first.
    """
    import torch

    from xlbench.plugins import loading
    from xlbench.reporting.engine import Engine
    from xlbench_tasks.artificial.data import ArtificialText
    from xlbench_tasks.artificial.distances import distances

    def ask(self: Engine, **asked: Any) -> bytes:
        return _png() if "specification" in asked else b""

    points = list(loading._entry_points())
    Engine.ask = ask  # type: ignore[method-assign]
    ArtificialText.translated = cache(ArtificialText.translated)  # type: ignore[method-assign]
    loading._entry_points = lambda: iter(points)
    loading._load_point = cache(loading._load_point)  # type: ignore[assignment]
    torch.set_num_threads(1)
    for distance in distances():
        dict(distance.table)


def load_all_of(folder: Path, *commands: Sequence[str]) -> None:
    """Import what these commands import, once for all forks of this process."""
    for words in commands:
        modules = folder / "modules"

        def note(modules: Path = modules) -> None:
            end = os._exit

            def leave(status: int) -> NoReturn:
                modules.write_text("\n".join(sys.modules))
                end(status)

            os._exit = leave

        if (done := xlbench(folder / "first", *words, before=note)).code:
            raise SystemExit(done.err)
        for name in modules.read_text().splitlines():
            with suppress(Exception):  # some are only there once others are
                importlib.import_module(name)
    from xlbench.cli import main

    said = sys.argv
    for words in (("show",), ("export",), ("plan", *LARGER)):  # what `prepare` has kept is kept here
        sys.argv = ["xlbench", *words, "--results", str(folder / "first")]
        with redirect_stdout(io.StringIO()), suppress(SystemExit):
            main()
    sys.argv = said
    shutil.rmtree(folder / "first")


def _png() -> bytes:
    """One grey point."""
    found = b"\x89PNG\r\n\x1a\n"
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\x80")),
        (b"IEND", b""),
    )
    for name, content in parts:
        found += (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )
    return found


class Command:
    """A command in a fork of this process; `before` runs in the fork."""

    patience = PATIENCE
    cpu, peak = 0.0, 0.0
    """Once it has ended: seconds of processor, and the most memory in MiB, this process's own included."""

    def __init__(
        self, folder: Path, *words: str, before: Callable[[], object] = lambda: None, plain: bool = False
    ) -> None:
        """`plain`: the folder is among the words."""
        self._place = tempfile.TemporaryDirectory()
        os.chmod(self._place.name, 0o755)  # noqa: PTH101, S103 - other users write here
        self._files = [Path(self._place.name) / name for name in ("out", "err")]
        sys.stdout.flush()
        sys.stderr.flush()
        self._status: int | None = None
        self.pid = os.fork()
        if not self.pid:
            self._run(words if plain else (*words, "--results", str(folder)), before)

    def _run(self, words: tuple[str, ...], before: Callable[[], object]) -> None:
        code = 70
        try:
            signal.alarm(self.patience)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # not as nohup or a shell may have left them
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number, path in enumerate(self._files, 1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
            before()
            sys.argv = ["xlbench", *words]
            from xlbench.cli import main

            code = main()
            sys.stdout.flush()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def running(self) -> bool:
        """Whether it has not ended."""
        if self._status is None:
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._status, self.cpu, self.peak = (
                    status,
                    used.ru_utime + used.ru_stime,
                    used.ru_maxrss / 1024,
                )
        return self._status is None

    def runs_for(self, seconds: float) -> bool:
        """Wait at most so long; whether it still runs."""
        end = time.monotonic() + seconds
        while self.running() and time.monotonic() < end:
            time.sleep(0.01)
        return self.running()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.running():
            os.kill(self.pid, number)

    def children(self) -> list[int]:
        """Processes that it has started."""
        with suppress(OSError):
            found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            return [int(x) for x in found.split()]
        return []

    def end(self) -> Said:
        """Wait for its end."""
        while self.running():
            time.sleep(0.01)
        assert self._status is not None
        out, err = (x.read_text("utf-8", "replace") if x.exists() else "" for x in self._files)
        self._place.cleanup()
        return Said(os.waitstatus_to_exitcode(self._status), out, err)


def xlbench(folder: Path, *words: str, before: Callable[[], object] = lambda: None) -> Said:
    """A command that has ended."""
    return Command(folder, *words, before=before).end()


def rows(said: Said) -> dict[str, str]:
    """Exported rows: what tells them, and their numbers."""
    if said.code:
        return {}
    found = {}
    for row in json.loads(said.out):
        numbers = {
            k: v
            for k, v in row.items()
            if k in ("score", "n", "truncated", "task_loss") or k.startswith("extra.")
        }
        # A column is there where some row has it.
        told = {k: v for k, v in row.items() if k not in numbers and v is not None}
        numbers = {k: v for k, v in numbers.items() if v is not None}
        found[json.dumps(told, sort_keys=True)] = json.dumps(numbers, sort_keys=True)
    return found


def fresh(campaign: Campaign, name: str) -> Path:
    """A folder that is not there."""
    folder = campaign.place / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def exported(folder: Path) -> dict[str, str]:
    """The rows of a folder."""
    return rows(xlbench(folder, "export", "--format", "json"))


def shown(said: Said, folder: Path) -> str:
    """What `show` prints, wherever the folder is; all have names of one length, since lines are wrapped."""
    return said.out.replace(str(folder), "FOLDER")


def pages(folder: Path) -> dict[str, str]:
    """Leaderboard pages without the lines that say when and with what they were made."""
    return {
        x.name: "\n".join(y for y in x.read_text("utf-8").splitlines() if " | " in y)
        for x in sorted((folder / "leaderboard").glob("*.md"))
    }


def files(folder: Path) -> set[str]:
    """All files and folders under a folder, by their path in it."""
    return {str(x.relative_to(folder)) for x in folder.rglob("*")}


class Campaign:
    """The undisturbed studies."""

    def __init__(self, place: Path, at_once: int) -> None:
        """Run the larger and then the smaller study, in folders of their own. `at_once`: processes."""
        self.place, self._apart, self._at_once = place / "0", place, at_once
        self.place.mkdir(mode=0o755)
        load_all_of(self.place, RUN_LARGER, ("export", "--format", "json"), ("show",))
        place = self.place
        self.whole, self.larger = place / "whole", place / "large"
        for folder, words in ((self.whole, RUN), (self.larger, RUN_LARGER)):
            start = time.monotonic()
            done = xlbench(folder, *words)
            self.seconds = time.monotonic() - start
            if done.code:
                raise SystemExit(done.err)
        self.shown = shown(xlbench(self.whole, "show"), self.whole)
        self.rows, self.rows_larger = exported(self.whole), exported(self.larger)
        self.pages = pages(self.whole)
        assert len(self.rows) == 4
        assert len(self.rows_larger) == 8

    def each(self, things: Sequence[Thing], tried: Callable[[Campaign, Thing], Found]) -> list[Found]:
        """What `tried` gives of each thing, in order: several processes share them, each with a place of its
        own for its files.
        """
        files, ids = [], []
        for number in range(1, self._at_once + 1):
            own = copy.copy(self)
            own.place = self._apart / str(number)  # as long as that of the undisturbed: lines are wrapped
            own.place.mkdir(mode=0o755, exist_ok=True)
            files.append(self._apart / f"found-{number}")
            sys.stdout.flush()
            sys.stderr.flush()
            if not (process := os.fork()):
                code = 1
                try:
                    found = [tried(own, x) for x in things[number - 1 :: self._at_once]]
                    files[-1].write_bytes(pickle.dumps(found))
                    code = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            ids.append(process)
        ended = [os.waitpid(x, 0)[1] for x in ids]
        if any(ended):
            raise SystemExit("a process of the campaign has failed")
        parts = [pickle.loads(x.read_bytes()) for x in files]  # noqa: S301 - its own
        return [parts[i % self._at_once][i // self._at_once] for i in range(len(things))]

    def heals(
        self, folder: Path, before: Callable[[], object] = lambda: None, without: str = ""
    ) -> list[str]:
        """What is wrong after the larger study is run again in a folder: numbers, or anything that an
        undisturbed run does not leave (of the smaller study neither). What may be missing is in `without`.
        """
        done = xlbench(folder, *RUN_LARGER, before=before)
        problems = [f"next run: {x}" for x in done.wrong]
        if done.code:
            problems.append(f"next run: EXIT {done.code} ({done.line})")
        if exported(folder) != self.rows_larger:
            problems.append("next run: NUMBERS differ")
        if left := files(folder) - files(self.larger) - files(self.whole):
            problems.append(f"next run: LEFT {sorted(left)[:3]}")
        lost = files(self.larger) - files(folder)
        if lost := {x for x in lost if not without or x.split("/")[0] != without}:
            problems.append(f"next run: LACKS {sorted(lost)[:3]}")
        return problems
