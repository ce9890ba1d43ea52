"""Limits of the system, the clock, and other users."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.faults.campaign import (
    LINE,
    RUN,
    RUN_LARGER,
    Campaign,
    Row,
    exported,
    fresh,
    shown,
    xlbench,
)  # fmt: skip

NEWNS = 0x00020000


def open_files(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """RLIMIT_NOFILE with a few files to spare."""
    spare = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)

    def attempt(own: Campaign, few: int) -> tuple[int, str]:
        def before() -> None:
            last = max(int(x) for x in os.listdir("/proc/self/fd"))  # noqa: PTH208
            while os.open(os.devnull, os.O_RDONLY) < last:
                pass  # no number is free below it
            most = last + 2 + few
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        folder = fresh(own, "few")
        done = xlbench(folder, *RUN_LARGER, before=before)
        found = done.wrong
        if done.code == 2 and "too many files" not in done.err.lower().replace("too many open", "too many"):
            found.append(f"DOES NOT SAY too many files: {done.line}")
        found += own.heals(folder)
        return done.code, f"{few} to spare: {'; '.join(found)}" if found else ""

    tried = campaign.each(spare, attempt)
    name = f"room for {spare[0]} to {spare[-1]} more open files (EMFILE)"
    yield Row(name, LINE, len(spare), *_ended(tried))


def memory(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """RLIMIT_AS with some MiB to spare."""
    spare = (1, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)

    def attempt(own: Campaign, few: int) -> tuple[int, str]:
        def before() -> None:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + few * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (most, most))

        folder = fresh(own, "memory")
        done = xlbench(folder, *RUN_LARGER, before=before)
        found = [x for x in done.wrong if not (x.startswith("EXIT 1") and "memory" in x)]
        if done.code in (1, 2) and "memory" not in done.err:
            found.append(f"DOES NOT SAY memory: {done.line}")
        if done.code == 0 and exported(folder) != own.rows_larger:
            found.append("NUMBERS differ")
        found += own.heals(folder)
        return done.code, f"{few} MiB to spare: {'; '.join(found)}" if found else ""

    tried = campaign.each(spare, attempt)
    name = f"`ulimit -v` with {spare[0]} to {spare[-1]} MiB to spare"
    yield Row(name, LINE, len(spare), *_ended(tried))


def _ended(tried: list[tuple[int, str]]) -> tuple[tuple[str, ...], str]:
    """What was broken, and how many ended well all the same."""
    ended = sum(code == 0 for code, _ in tried)
    return tuple(x for _, x in tried if x), f"{ended} ended well" if ended else ""


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
    cases = (("back by a year", -365.0), ("back by an hour", -1 / 24), ("ahead by a year", 365.0))
    broken = []
    for name, days in cases:
        folder = fresh(campaign, "clock")
        first = xlbench(folder, *RUN)
        then = xlbench(folder, *RUN_LARGER, before=_Set(days).start)
        now, larger = (shown(xlbench(x, "show"), x) for x in (folder, campaign.larger))
        found = [*first.wrong, *then.wrong]
        found += ["NUMBERS differ"] * (exported(folder) != campaign.rows_larger)
        found += ["show: ANOTHER STUDY than the last run"] * (now != larger)
        broken += [f"{name}: {'; '.join(found)}"] if found else []
    yield Row(
        f"clock set {', '.join(x for x, _ in cases)}, between two studies",
        "equal numbers; show has the last run", len(cases), tuple(broken),
    )  # fmt: skip


# Users


def users(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """A folder of one user, in which another goes on."""
    if os.geteuid():
        yield Row("two users", LINE, 0, also="needs root")
        return
    cases: tuple[tuple[str, int, int, int], ...] = (
        # mode of the folder, umask of the first and second user, promised exit of the second's run
        ("a folder that the group may write to", 0o2775, 0o002, 0),
        ("the same, the first user's umask being 022", 0o2775, 0o022, 0),
        ("a folder that only its user may write to", 0o755, 0o022, 2),
        ("a folder that only its user may read", 0o700, 0o077, 2),
    )
    broken = []
    for name, mode, umask, promised in cases:
        folder = fresh(campaign, "group")
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
        broken += [f"{name}: {'; '.join(found)}"] if found else []
    yield Row(
        f"two users: {'; '.join(x for x, *_ in cases)}",
        "the second goes on with equal numbers, or is told in one line; what may be read is shown",
        len(cases), tuple(broken),
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
