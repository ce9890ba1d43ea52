"""Disks that are full, report errors, may not be written to, or are gone."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.faults.campaign import (
    LINE,
    RUN,
    RUN_LARGER,
    Campaign,
    Command,
    Row,
    Said,
    exported,
    files,
    fresh,
    rows,
    shown,
    xlbench,
)  # fmt: skip


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


def full(campaign: Campaign, step: int, rng: random.Random) -> Iterator[Row]:
    """Real disks with room for so much and no more, which fill up at whatever is written then.

    A tmpfs counts pages of 4 KiB, and files and folders.
    """
    with mounted(campaign.place / "disk", "-t", "tmpfs", "-o", "size=64m", "none") as allowed:
        if not allowed:
            yield Row("a full disk", LINE, 0, also="no mount is allowed")
            return
        done = xlbench(campaign.place / "disk" / "results", *RUN_LARGER)
        assert done.code == 0, done.err
        used = os.statvfs(campaign.place / "disk")
        pages, things = used.f_blocks - used.f_bfree, used.f_files - used.f_ffree
    for name, option, unit, most, every in (
        ("KiB", "size={}k", 4, pages + 4, step), ("more files and folders", "nr_inodes={}", 1, things + 1, 1)
    ):  # fmt: skip
        rooms = [unit * x for x in range(1, most + 1, every)]
        tried = campaign.each(rooms, partial(_filled, option=option))
        ended = sum(code == 0 for code, _ in tried)
        broken = tuple(f"{room}: {x}" for room, (_, x) in zip(rooms, tried, strict=True) if x)
        yield Row(
            f"a full disk (ENOSPC): tmpfs with room for {rooms[0]} to {rooms[-1]:,} {name}", LINE, len(rooms),
            broken, f"{ended} ended well" if ended else "",
        )  # fmt: skip


def _filled(campaign: Campaign, room: int, option: str) -> tuple[int, str]:
    """A run on a disk with little room."""
    disk = campaign.place / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", option.format(room + (option[:2] == "nr")), "none"):
        done = xlbench(disk / "results", *RUN_LARGER)
        found = _as_said(done, "full", "No space left")
        if left := list(disk.rglob(".*")):
            found.append(f"LEFT {left[0].name}")
        subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=10000", str(disk)], check=True)
        found += campaign.heals(disk / "results")
    return done.code, "; ".join(found)


def read_only(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """A finished study, and one to be continued, on a disk that may only be read."""
    disk, source = campaign.place / "fixed", campaign.place / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(campaign.whole, source)
    before = files(source)
    with mounted(disk, "--bind", str(source)) as allowed:
        remount = ["mount", "-o", "remount,ro,bind", str(disk)]
        if not allowed or subprocess.run(remount, capture_output=True, check=False).returncode:
            yield Row("a read-only disk", LINE, 0, also="no mount is allowed")
            return
        broken = list[str]()
        asked = (
            ("show", ("show",), 0),
            ("export", ("export", "--format", "json"), 0),
            ("run, nothing to do", RUN, 0),
            ("run, more to do", RUN_LARGER, 2),
            ("report", ("report",), 2),
            ("leaderboard", ("leaderboard",), 2),
        )
        for name, words, promised in asked:
            done = xlbench(disk, *words, before=lambda: os.chdir(disk))
            found = done.wrong + [f"EXIT {done.code} ({done.line})"] * (done.code != promised)
            if name == "show" and shown(done, disk) != campaign.shown:
                found.append("OTHER PAGES")
            if name == "export" and rows(done) != campaign.rows:
                found.append("NUMBERS differ")
            if done.code == 2 and "read-only" not in done.err:
                found.append(f"DOES NOT SAY read-only: {done.line}")
            broken += [f"{name}: {'; '.join(found)}"] if found else []
        subprocess.run(["mount", "-o", "remount,rw,bind", str(disk)], check=True)
        changed = ["FILES CHANGED"] * (files(source) != before)
        broken += [*changed, *campaign.heals(disk)]
        yield Row(
            "a read-only disk: show, export, a finished run, a run with more to do, report, leaderboard",
            "the first three work, the others are one line; once it may be written to, the run goes on",
            len(asked), tuple(broken),
        )  # fmt: skip


def removed(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """The folder, or parts of it, removed in the middle of a run."""
    cases = [(part, n) for part in ("", "jobs", "adapters", "studies", "schema.json") for n in range(6)]

    def attempt(own: Campaign, case: tuple[str, int]) -> str:
        part, number = case
        folder = fresh(own, "removed")
        command = Command(folder, *RUN_LARGER)
        command.runs_for(own.seconds * (number + 0.5) / 6)
        target = folder / part
        if target.is_file():
            target.unlink(missing_ok=True)
        else:
            shutil.rmtree(target, ignore_errors=True)
        done = command.end()
        found = done.wrong
        if done.code == 0 and any(own.rows_larger.get(k) != v for k, v in exported(folder).items()):
            found.append("NUMBERS differ")
        # A task adapter is kept for the jobs that need it; once they are done, nobody makes it again.
        found += own.heals(folder, without="adapters" if part in ("", "adapters") else "")
        return f"{part or 'the folder'} {number + 1}: {'; '.join(found)}" if found else ""

    tried = campaign.each(cases, attempt)
    name = "the folder, or jobs, adapters, studies or schema.json in it, removed in the middle of a run"
    promised = f"{LINE}, but for task adapters that no job needs any more"
    yield Row(name, promised, len(cases), tuple(x for x in tried if x))
