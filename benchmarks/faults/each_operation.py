"""An error of the operating system, or SIGKILL, at each operation of a run on files, one run for each."""

from __future__ import annotations

import errno
import random
import signal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.faults.campaign import LINE, NEXT, RUN_LARGER, Campaign, Command, Row, exported, fresh
from benchmarks.faults.operations import CHANGES, KILL, Armed, loaded


class Failing(NamedTuple):
    """What fails, how often, and what a command has to say of it."""

    name: str
    error: int
    of: tuple[str, ...]
    words: tuple[str, ...] = ()
    times: int = 1


FULL = ("full", "No space left")
BROKEN = ("input/output error", "Input/output error")
CHANGING = (
    Failing("SIGKILL before each operation that changes files", KILL, CHANGES),
    Failing("ENOSPC from each such operation on", errno.ENOSPC, CHANGES[:5], FULL, 0),
    Failing("ENOSPC at each such operation, once", errno.ENOSPC, CHANGES[:5], FULL),
    Failing("EIO at each such operation, once", errno.EIO, CHANGES, BROKEN),
    Failing(
        "EACCES from each opening, renaming or removing on", errno.EACCES,
        ("create", "rename", "mkdir", "unlink"), ("permission",), 0,
    ),
)  # fmt: skip
READING = (
    Failing("EIO at each opening, reading or listing, once", errno.EIO, ("open", "read", "list"), BROKEN),
    Failing(
        "EMFILE at each opening, once",
        errno.EMFILE,
        ("open", "create", "list"),
        ("too many files", "Too many open files"),
    ),
)


def measured(campaign: Campaign, most: int, rng: random.Random) -> Iterator[Row]:
    """Every kind of failure at every operation that changes files, and at `most` of those that read."""
    if not loaded():
        yield Row("an error at each operation on files", LINE, 0, also="there is no C compiler (cc)")
        return
    for one in (*CHANGING, *READING):
        count = len(_counted(campaign, one))
        numbers = range(1, count + 1)
        chosen = numbers if one in CHANGING or count <= most else sorted(rng.sample(numbers, most))
        yield _row(campaign, one, chosen, count)


def _counted(campaign: Campaign, one: Failing) -> Sequence[str]:
    armed = Armed(fresh(campaign, "count"), campaign.place / "log", one.of)
    done = Command(armed.folder, *RUN_LARGER, before=armed.start).end()
    assert done.code == 0, done.err
    return armed.met()


def _row(campaign: Campaign, one: Failing, chosen: Sequence[int], count: int) -> Row:
    def attempt(own: Campaign, number: int) -> tuple[int, str]:
        armed = Armed(fresh(own, "count"), own.place / "log", one.of, one.error, number, one.times)
        done = Command(armed.folder, *RUN_LARGER, before=armed.start).end()
        met = armed.met()
        found = done.wrong
        if one.error == KILL and done.code != -signal.SIGKILL and len(met) >= number:
            found.append(f"NOT KILLED ({done.code})")
        if done.code == 2 and not any(x in done.err for x in one.words):
            found.append(f"DOES NOT SAY {one.words[0]!r}: {done.line}")
        if done.code == 0 and exported(armed.folder) != own.rows_larger:
            found.append("NUMBERS differ")
        if found := [*found, *own.heals(armed.folder)]:
            return done.code, f"at {number} ({met[number - 1 : number]}): {'; '.join(found)}"
        return done.code, ""

    tried = campaign.each(chosen, attempt)
    ended = [code for code, _ in tried]
    said = {0: "ended well", 1: "failed a job alone"}
    also = [f"{ended.count(x)} {text}" for x, text in said.items() if x in ended]
    which = [] if len(chosen) == count else [f"{len(chosen)} of {count} operations"]
    promised = NEXT if one.error == KILL else LINE
    return Row(one.name, promised, len(chosen), tuple(x for _, x in tried if x), ", ".join(which + also))
