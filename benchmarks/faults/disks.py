"""Disks that are full, report errors, may not be written to, or are gone."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.faults.campaign import (
    AS_PROMISED,
    CANNOT,
    RUN,
    RUN_LARGER,
    Campaign,
    Command,
    Row,
    Said,
    exported,
    files,
    rows,
    shown,
    xlbench,
)  # fmt: skip
from benchmarks.faults.operations import READS, WRITES, Counter, failing

LINE = "one line, exit code 2; the next run ends with equal numbers and nothing else in the folder"
SIZES = (4, 8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 1536)
"""KiB: the study and its pages take about 1,600."""


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[bool]:
    """A mount at `place`; False where none is allowed."""
    place.mkdir(exist_ok=True)
    try:
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
    except FileNotFoundError:
        yield False
        return
    try:
        yield done.returncode == 0
    finally:
        if not done.returncode:
            subprocess.run(["umount", "-l", str(place)], check=True)


def _as_said(done: Said, *words: str) -> list[str]:
    found = done.wrong
    if done.code == 2 and not any(x in done.err for x in words):
        found.append(f"DOES NOT SAY {words[0]!r}: {done.err.strip()[-300:]}")
    return found


def full(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """Real disks of many sizes, which fill up at whatever is written then; then one with room."""
    wrong, ended, disk = [], 0, campaign.place / "disk"
    for size in SIZES:
        with mounted(disk, "-t", "tmpfs", "-o", f"size={size}k", "none") as allowed:
            if not allowed:
                yield Row("a full disk", LINE, f"{CANNOT}: no mount is allowed")
                return
            done = xlbench(disk / "results", *RUN_LARGER)
            ended += done.code == 0
            found = _as_said(done, "full", "No space left")
            if left := list(disk.rglob(".*")):
                found.append(f"LEFT {left[0].name}")
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            found += campaign.heals(disk / "results")
            if found:
                wrong.append(f"{size} KiB: {'; '.join(found)}")
    happened = "; ".join(wrong) or f"{AS_PROMISED}: {len(SIZES)} of {len(SIZES)}"
    yield Row(f"ENOSPC: tmpfs of {len(SIZES)} sizes, {SIZES[0]} to {SIZES[-1]} KiB", LINE, happened)


ERRORS: dict[str, tuple[int, tuple[str, ...], tuple[str, ...], float]] = {
    "ENOSPC from then on": (errno.ENOSPC, WRITES[:6], ("full", "No space left"), float("inf")),
    "EIO once": (errno.EIO, (*WRITES, *READS), ("input/output error", "Input/output error"), 1),
    "EACCES from then on": (
        errno.EACCES, ("open to write", "rename", "replace", "mkdir", "unlink"), ("permission",), float("inf")
    ),
    "EMFILE once": (errno.EMFILE, ("open to write", "open", *READS[1:]), ("too many files",), 1),
}  # fmt: skip


def errors(campaign: Campaign, rng: random.Random, most: int) -> Iterator[Row]:
    """An error of the operating system at each of the operations on files, or at `most` of them."""
    for name, (code, of, words, times) in ERRORS.items():
        folder, total = campaign.place / "errors", campaign.place / "total"
        shutil.rmtree(folder, ignore_errors=True)
        Command(folder, *RUN_LARGER, before=partial(Counter(folder, None, of=of).start, total)).end()
        count = int(total.read_text())
        chosen = range(1, count + 1) if count <= most else sorted(rng.sample(range(1, count + 1), most))
        wrong, ended = [], 0
        for number in chosen:
            shutil.rmtree(folder, ignore_errors=True)
            counter = Counter(folder, failing(code), of=of, first=number, times=times)
            done = Command(folder, *RUN_LARGER, before=counter.start).end()
            ended += done.code == 0
            found = _as_said(done, *words)
            if done.code == 0 and exported(folder) != campaign.rows_larger:
                found.append("NUMBERS differ")
            if found := [*found, *campaign.heals(folder)]:
                wrong.append(f"at {number}: {'; '.join(found)}")
        happened = "; ".join(wrong) or f"{AS_PROMISED}: {len(chosen)} of {len(chosen)} ({ended} ended well)"
        yield Row(f"{name}, at {len(chosen)} of {count} operations on files", LINE, happened)


def read_only(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """A finished study, and one to be continued, on a disk that may only be read."""
    disk, source = campaign.place / "fixed", campaign.place / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(campaign.whole, source)
    before = files(source)
    with mounted(disk, "--bind", str(source)) as allowed:
        remount = ["mount", "-o", "remount,ro,bind", str(disk)]
        if not allowed or subprocess.run(remount, capture_output=True, check=False).returncode:
            yield Row("a read-only disk", "", f"{CANNOT}: no mount is allowed")
            return
        for name, words, promised in (
            ("show", ("show",), 0),
            ("export", ("export", "--format", "json"), 0),
            ("run, nothing to do", RUN, 0),
            ("run, more to do", RUN_LARGER, 2),
            ("report", ("report",), 2),
            ("leaderboard", ("leaderboard",), 2),
        ):
            done = xlbench(disk, *words, before=lambda: os.chdir(disk))
            found = done.wrong + [f"EXIT {done.code} ({done.line})"] * (done.code != promised)
            if name == "show" and shown(done, disk) != campaign.shown:
                found.append("OTHER PAGES")
            if name == "export" and rows(done) != campaign.rows:
                found.append("NUMBERS differ")
            if done.code == 2 and "read-only" not in done.err:
                found.append(f"DOES NOT SAY read-only: {done.line}")
            happened = "; ".join(found) or f"{AS_PROMISED} (exit {done.code}: {done.line})"
            yield Row(f"a read-only disk: {name}", "works" if promised == 0 else "one line", happened)
        subprocess.run(["mount", "-o", "remount,rw,bind", str(disk)], check=True)
        changed = ["FILES CHANGED"] * (files(source) != before)
        found = [*changed, *campaign.heals(disk)]
        yield Row("a read-only disk: later writable", "goes on", "; ".join(found) or AS_PROMISED)


def removed(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """The folder, or parts of it, removed in the middle of a run."""
    for part in ("", "jobs", "adapters", "studies", "schema.json"):
        wrong, times = [], 6
        for number in range(times):
            folder = campaign.place / "removed"
            shutil.rmtree(folder, ignore_errors=True)
            command = Command(folder, *RUN_LARGER)
            command.runs_for(campaign.seconds * (number + 0.5) / times)
            target = folder / part
            (
                target.unlink(missing_ok=True)
                if target.is_file()
                else shutil.rmtree(target, ignore_errors=True)
            )
            done = command.end()
            found = done.wrong
            if done.code == 0 and (differ := {
                k for k, v in exported(folder).items() if campaign.rows_larger.get(k) != v
            }):  # fmt: skip
                found.append(f"NUMBERS differ {differ}")
            if found := [*found, *campaign.heals(folder)]:
                wrong.append(f"{number + 1}: {'; '.join(found)}")
        happened = "; ".join(wrong) or f"{AS_PROMISED}: {times} of {times}"
        yield Row(f"{part or 'the folder'} removed in the middle of a run", LINE, happened)
