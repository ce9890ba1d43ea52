"""Limits of the system, the clock, and other users."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.faults.campaign import (
    AS_PROMISED,
    CANNOT,
    RUN,
    RUN_LARGER,
    Campaign,
    Row,
    exported,
    shown,
    xlbench,
)  # fmt: skip

LINE = "equal numbers, or one line; the next run ends with equal numbers"
NEWNS = 0x00020000


def open_files(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """RLIMIT_NOFILE with a few files to spare."""
    folder, wrong, ended = campaign.place / "few", [], 0
    spare = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    for few in spare:
        shutil.rmtree(folder, ignore_errors=True)

        def before(few: int = few) -> None:
            last = max(int(x) for x in os.listdir("/proc/self/fd"))  # noqa: PTH208
            while os.open(os.devnull, os.O_RDONLY) < last:
                pass  # no number is free below it
            most = last + 2 + few
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        done = xlbench(folder, *RUN_LARGER, before=before)
        ended += done.code == 0
        found = done.wrong
        if done.code == 2 and "too many files" not in done.err.lower().replace("too many open", "too many"):
            found.append(f"DOES NOT SAY too many files: {done.line}")
        if found := [*found, *campaign.heals(folder)]:
            wrong.append(f"{few} to spare: {'; '.join(found)}")
    happened = "; ".join(wrong) or f"{AS_PROMISED}: {len(spare)} of {len(spare)} ({ended} ended well)"
    yield Row(f"EMFILE: room for {spare[0]} to {spare[-1]} more open files", LINE, happened)


def memory(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """RLIMIT_AS with some MiB to spare."""
    folder, wrong, ended, halved = campaign.place / "memory", [], 0, 0
    spare = (1, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
    for few in spare:
        shutil.rmtree(folder, ignore_errors=True)

        def before(few: int = few) -> None:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + few * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (most, most))

        done = xlbench(folder, *RUN_LARGER, before=before)
        ended += done.code == 0
        halved += "halved" in done.err
        found = [x for x in done.wrong if not (x.startswith("EXIT 1") and "memory" in x)]
        if done.code in (1, 2) and "memory" not in done.err:
            found.append(f"DOES NOT SAY memory: {done.line}")
        if done.code == 0 and exported(folder) != campaign.rows_larger:
            found.append("NUMBERS differ")
        if found := [*found, *campaign.heals(folder)]:
            wrong.append(f"{few} MiB to spare: {'; '.join(found)}")
    happened = "; ".join(wrong) or f"{AS_PROMISED}: {len(spare)} of {len(spare)} ({ended} ended well)"
    yield Row(f"ulimit -v: {spare[0]} to {spare[-1]} MiB to spare", LINE, happened)


class _Set:
    """`time.time` and `datetime.now` of another day."""

    def __init__(self, days: float) -> None:
        self._off = days * 86400

    def start(self) -> None:
        real, off = time.time, self._off
        time.time = lambda: real() + off
        from xlbench.results import store, studies

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + timedelta(seconds=off)

        for module in (store, studies):
            module.datetime = Moved  # type: ignore[attr-defined]


def clock(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """A study begun, and then the clock is another."""
    for name, days in (
        ("set back by a year", -365.0),
        ("set back by an hour", -1 / 24),
        ("a year ahead", 365.0),
    ):
        folder = campaign.place / "clock"
        shutil.rmtree(folder, ignore_errors=True)
        first = xlbench(folder, *RUN)
        then = xlbench(folder, *RUN_LARGER, before=_Set(days).start)
        now, larger = (shown(xlbench(x, "show"), x) for x in (folder, campaign.larger))
        found = [*first.wrong, *then.wrong]
        found += ["NUMBERS differ"] * (exported(folder) != campaign.rows_larger)
        found += ["show: ANOTHER STUDY than the last run"] * (now != larger)
        yield Row(
            f"clock {name} between two studies", "equal numbers; show has the last run",
            "; ".join(found) or AS_PROMISED,
        )  # fmt: skip


# Users


def users(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """A folder of one user, in which another goes on."""
    if os.geteuid():
        yield Row("two users", "", f"{CANNOT}: needs root")
        return
    cases: tuple[tuple[str, int, int, int], ...] = (
        # mode of the folder, umask of the first and second user, promised exit of the second's run
        ("a folder that the group may write to", 0o2775, 0o002, 0),
        ("the same, the first user's umask being 022", 0o2775, 0o022, 0),
        ("a folder that only its user may write to", 0o755, 0o022, 2),
        ("a folder that only its user may read", 0o700, 0o077, 2),
    )
    for name, mode, umask, promised in cases:
        folder = campaign.place / "group"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        os.chown(folder, 4001, 5000)
        folder.chmod(mode)
        one, other = (_User(x, campaign.place, umask) for x in (4001, 4002))
        first = xlbench(folder, *RUN, before=one.become)
        seen = xlbench(folder, "show", before=other.become)
        then = xlbench(folder, *RUN_LARGER, before=other.become)
        again = xlbench(folder, *RUN_LARGER, before=one.become)
        found = [*first.wrong, *seen.wrong, *then.wrong, *again.wrong]
        found += [f"first run: EXIT {first.code} ({first.line})"] * (first.code != 0)
        if mode & 0o055:
            found += [f"show: EXIT {seen.code} ({seen.line})"] * (seen.code != 0)
            found += ["show: OTHER PAGES"] * (seen.code == 0 and shown(seen, folder) != campaign.shown)
        found += [f"second user's run: EXIT {then.code} ({then.line})"] * (then.code != promised)
        if promised and "permissions" not in then.err and "not readable" not in then.err:
            found.append(f"DOES NOT SAY permissions: {then.line}")
        found += [f"first user again: EXIT {again.code} ({again.line})"] * (again.code != 0)
        found += list(campaign.heals(folder))
        said = f" (exit {then.code}: {then.line})" if promised else ""
        yield Row(
            f"two users, {name}",
            "one line; what may be read is shown" if promised else "goes on with equal numbers",
            "; ".join(found) or f"{AS_PROMISED}{said}",
        )  # fmt: skip


class _User:
    """Someone without rights, in the group 5000, who can read Python's installation wherever it is."""

    def __init__(self, number: int, place: Path, umask: int) -> None:
        self._number, self._umask, self._place = number, umask, place
        self._home = place / f"home-{number}"
        self._home.mkdir(exist_ok=True)
        os.chown(self._home, number, 5000)

    def become(self) -> None:
        """Be this user from now on."""
        closed = [x for x in Path(sys.base_prefix).parents if x != Path("/") and not x.stat().st_mode & 1]
        if closed:
            self._open(closed[-1], Path(sys.base_prefix))
        os.environ["HOME"] = str(self._home)
        os.environ["HF_HOME"] = str(self._home)
        os.umask(self._umask)
        os.chdir(self._home)
        os.setgroups([5000])
        os.setresgid(5000, 5000, 5000)
        os.setresuid(self._number, self._number, self._number)

    def _open(self, closed: Path, needed: Path) -> None:
        """In this process alone, have what is needed below a closed folder readable."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        held = self._place / "held"
        held.mkdir(exist_ok=True)
        for words in (
            ("--make-rprivate", "/"), ("--bind", str(needed), str(held)),
            ("-t", "tmpfs", "-o", "mode=755", "none", str(closed)),
        ):  # fmt: skip
            subprocess.run(["mount", *words], check=True, capture_output=True)
        needed.mkdir(parents=True)
        subprocess.run(["mount", "--bind", str(held), str(needed)], check=True, capture_output=True)
