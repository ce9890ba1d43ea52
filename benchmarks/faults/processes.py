"""Processes that are killed, stopped and told to end, at random moments; several at one folder."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.faults.campaign import (
    LARGER,
    NEXT,
    QUIET,
    RUN_LARGER,
    Campaign,
    Command,
    Row,
    Said,
    exported,
    fresh,
)  # fmt: skip

TWO = ("run", *LARGER, "--workers", "2", *QUIET)


class _Forked:
    """What `subprocess.Popen` gives of a worker, but forked from a process that has imported everything."""

    def __init__(self, *_: object, **__: object) -> None:
        ours, its = os.pipe(), os.pipe()
        self.pid, self._code = os.fork(), -1
        if not self.pid:
            signal.alarm(0)
            os.dup2(ours[0], 0)
            os.dup2(its[1], 1)
            os.closerange(3, 256)
            from xlbench.running.executors.worker import main

            code = 1
            try:
                main()
                code = 0
            finally:
                os._exit(code)
        os.close(ours[0])
        os.close(its[1])
        self.stdin, self.stdout = os.fdopen(ours[1], "wb"), os.fdopen(its[0], "rb")
        for one in (self.stdin, self.stdout):
            os.set_inheritable(one.fileno(), False)

    def poll(self) -> int | None:
        if self._code < 0:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return self._code
            if not pid:
                return None
            self._code = 1000 + os.waitstatus_to_exitcode(status)
        return self._code - 1000

    def wait(self, seconds: float | None = None) -> int:
        end = time.monotonic() + (seconds or 1e9)
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("worker", seconds or 0)
            time.sleep(0.01)
        return code

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def fork_workers() -> None:
    """Have the executor's workers forked from this process instead of started."""
    from xlbench.running.executors import local

    local.subprocess = SimpleNamespace(  # type: ignore[attr-defined, assignment]
        Popen=_Forked, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
    )


def _length(campaign: Campaign, words: tuple[str, ...]) -> float:
    """Seconds of an undisturbed run."""
    folder, start = fresh(campaign, "timed"), time.monotonic()
    command = Command(folder, *words, before=fork_workers)
    done = command.end()
    assert done.code == 0, done.err
    return time.monotonic() - start


def killed(campaign: Campaign, count: int, rng: random.Random) -> Iterator[Row]:
    """SIGKILL at random moments of a run: the command itself, with and without workers, or a worker."""
    kinds: tuple[tuple[str, tuple[str, ...], bool, int], ...] = (
        ("SIGKILL of the command, at random moments", RUN_LARGER, False, count // 2),
        ("SIGKILL of the command with two workers, at random moments", TWO, False, count // 4),
        ("SIGKILL of one of two workers, at random moments", TWO, True, count - count // 2 - count // 4),
    )
    for name, words, worker, moments in kinds:
        lengths: list[float] = []

        def attempt(
            own: Campaign,
            share: float,
            words: tuple[str, ...] = words,
            worker: bool = worker,
            lengths: list[float] = lengths,
        ) -> tuple[bool, str]:
            if len(lengths) % 10 == 0:
                lengths.append(_length(own, words))  # other work comes and goes
            folder, moment = fresh(own, "amid"), share * lengths[-1]
            lengths.append(lengths[-1])
            found, hit = _killed(folder, words, moment, worker, random.Random(share))
            found += own.heals(folder)
            return hit, f"at {moment:.2f} s: {'; '.join(found)}" if found else ""

        tried = campaign.each([rng.random() for _ in range(moments)], attempt)
        early = sum(not hit for hit, _ in tried)
        broken = tuple(x for _, x in tried if x)
        yield Row(name, NEXT, moments, broken, f"{early} after its end" if early else "")


def _killed(
    folder: Path, words: tuple[str, ...], moment: float, worker: bool, rng: random.Random
) -> tuple[list[str], bool]:
    """What went wrong, and whether the signal met a process."""
    command = Command(folder, *words, before=fork_workers)
    if not command.runs_for(moment):
        return command.end().wrong, False
    children = command.children()
    target = command.pid
    if worker:
        if not children:
            command.send(signal.SIGKILL)
            command.end()
            return [], True
        target = rng.choice(children)
    os.kill(target, signal.SIGKILL)
    done = command.end()
    problems = done.wrong
    if worker and done.code == 2 and "a worker process died" not in done.err:
        problems.append(f"DOES NOT SAY what died: {done.line}")
    end = time.monotonic() + 20
    while any(_lives(x) for x in children) and time.monotonic() < end:
        time.sleep(0.02)
    problems += ["A WORKER OUTLIVES the command"] * any(map(_lives, children))
    return problems, True


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def signals(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """Signals that ask, and stopping for a while."""
    cases: list[tuple[signal.Signals, tuple[str, ...], str]] = [
        (number, words, "")
        for words in (RUN_LARGER, TWO)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    ]
    cases += [(signal.SIGSTOP, RUN_LARGER, ""), (signal.SIGSTOP, TWO, ""), (signal.SIGSTOP, TWO, "a worker")]

    def attempt(own: Campaign, case: tuple[signal.Signals, tuple[str, ...], str]) -> str:
        number, words, who = case
        where = random.Random(f"{case} {rng.random()}")
        folder, command = _amid(own, words, _length(own, words), where)
        children = command.children()
        if number is signal.SIGSTOP:
            target = where.choice(children or [command.pid]) if who else command.pid
            if command.running():
                os.kill(target, signal.SIGSTOP)
                time.sleep(2)
                os.kill(target, signal.SIGCONT)
            done = command.end()
            found = [*done.wrong, *([f"EXIT {done.code}"] if done.code else [])]
            found += ["NUMBERS differ"] * (exported(folder) != own.rows_larger)
        else:
            command.send(number)
            done = command.end()
            found = _ended(done, children)
            found += [f"EXIT {done.code}"] * (done.code not in (-number, 128 + number))
        found += own.heals(folder)
        return f"{number.name} {who}: {'; '.join(found)}" if found else ""

    tried = campaign.each(cases, attempt)
    for name, own in (
        ("SIGTERM, SIGHUP and SIGINT, with one and with two workers", tried[:6]),
        ("SIGSTOP, and SIGCONT after 2 s: command, command with two workers, worker", tried[6:]),
    ):
        promised = f"ends with its workers; {NEXT}" if len(own) > 3 else "ends with equal numbers"
        yield Row(name, promised, len(own), tuple(x for x in own if x))


def _amid(
    campaign: Campaign, words: tuple[str, ...], seconds: float, rng: random.Random
) -> tuple[Path, Command]:
    """A run that has not ended, at a random moment; other work may make runs shorter than `seconds`."""
    while True:
        folder = fresh(campaign, "amid")
        command = Command(folder, *words, before=fork_workers)
        if command.runs_for(seconds * rng.uniform(0.2, 0.8)):
            return folder, command
        command.end()


def _ended(done: Said, children: list[int]) -> list[str]:
    found = done.wrong if done.code != 130 else []
    end = time.monotonic() + 20
    while any(map(_lives, children)) and time.monotonic() < end:
        time.sleep(0.02)
    return found + ["A WORKER OUTLIVES the command"] * any(map(_lives, children))


def together(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """Several runs of one study in one folder at once."""
    changes: tuple[tuple[str, Callable[[list[Command]], Any]], ...] = (
        ("two runs in one folder at once", lambda _: None),
        ("three runs in one folder at once, one of them killed", _kill_one),
    )
    for number, (name, meanwhile) in enumerate(changes, 2):
        folder = fresh(campaign, "together")
        commands = [Command(folder, *RUN_LARGER) for _ in range(number)]
        meanwhile(commands)
        said = [x.end() for x in commands]
        found = [y for x in said for y in x.wrong]
        found += [f"EXIT {x.code} ({x.line})" for x in said if x.code not in (0, -signal.SIGKILL)]
        found += ["NUMBERS differ"] * (exported(folder) != campaign.rows_larger)
        jobs = len(list((folder / "jobs").iterdir()))
        found += [f"{jobs} FILES in jobs"] * (jobs != 4)
        found += campaign.heals(folder)
        broken = ("; ".join(found),) if found else ()
        yield Row(name, f"each ends well, each job is stored once; {NEXT}", 1, broken)


def _kill_one(commands: list[Command]) -> None:
    commands[0].runs_for(3)
    commands[0].send(signal.SIGKILL)
