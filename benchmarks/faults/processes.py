"""Processes that are killed, stopped and told to end, at random moments; several at one folder."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.faults.campaign import (
    AS_PROMISED,
    LARGER,
    QUIET,
    RUN_LARGER,
    Campaign,
    Command,
    Row,
    Said,
    exported,
    files,
)  # fmt: skip

TWO = ("run", *LARGER, "--workers", "2", *QUIET)
NEXT = "the next run ends with equal numbers and nothing else in the folder"


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


def _fresh(campaign: Campaign, name: str) -> Path:
    folder = campaign.place / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _length(campaign: Campaign, words: tuple[str, ...]) -> float:
    """Seconds of an undisturbed run."""
    folder, start = _fresh(campaign, "timed"), time.monotonic()
    command = Command(folder, *words, before=fork_workers)
    done = command.end()
    assert done.code == 0, done.err
    return time.monotonic() - start


def killed(campaign: Campaign, count: int, rng: random.Random) -> Iterator[Row]:
    """SIGKILL at random moments of a run: the command itself, with and without workers, or a worker."""
    kinds: tuple[tuple[str, tuple[str, ...], bool, int], ...] = (
        ("SIGKILL of the command", RUN_LARGER, False, count // 2),
        ("SIGKILL of the command, which has two workers", TWO, False, count // 4),
        ("SIGKILL of a worker", TWO, True, count - count // 2 - count // 4),
    )
    for name, words, worker, moments in kinds:
        seconds, wrong, early, most = _length(campaign, words), [], 0, 0
        for number in range(moments):
            folder, moment = _fresh(campaign, "killed"), rng.random() * seconds
            found, hit = _killed(folder, words, moment, worker, rng)
            early += not hit
            most = max(most, len(files(folder)))
            if found := [*found, *campaign.heals(folder)]:
                wrong.append(f"at {moment:.2f} s: {'; '.join(found)}")
            if number % 10 == 9:
                seconds = 0.5 * (seconds + _length(campaign, words))  # other work comes and goes
        happened = "; ".join(wrong) or f"{AS_PROMISED}: {moments} of {moments}"
        yield Row(f"{name} at {moments} random moments", NEXT, f"{happened} ({early} had ended before)")


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


def operations(campaign: Campaign, rng: random.Random, most: int) -> Iterator[Row]:
    """SIGKILL before every operation that writes to the folder, or before `most` of them."""
    from benchmarks.faults.operations import Counter

    folder, total = _fresh(campaign, "counted"), campaign.place / "total"
    done = Command(folder, *RUN_LARGER, before=lambda: Counter(folder, None).start(total)).end()
    assert done.code == 0, done.err
    count, wrong = int(total.read_text()), []
    chosen = range(1, count + 1) if count <= most else sorted(rng.sample(range(1, count + 1), most))
    for number in chosen:
        folder = _fresh(campaign, "counted")

        def die(what: str) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def before(folder: Path = folder, number: int = number) -> None:
            Counter(folder, die, first=number).start()

        done = Command(folder, *RUN_LARGER, before=before).end()
        found = done.wrong if done.code == -signal.SIGKILL else [f"NOT KILLED ({done.code})"]
        if found := [*found, *campaign.heals(folder)]:
            wrong.append(f"at {number}: {'; '.join(found)}")
    yield Row(
        f"SIGKILL before {len(chosen)} of {count} writing operations", NEXT,
        "; ".join(wrong) or f"{AS_PROMISED}: {len(chosen)} of {len(chosen)}",
    )  # fmt: skip


def signals(campaign: Campaign, rng: random.Random) -> Iterator[Row]:
    """Signals that ask, and stopping for a while."""
    for words, who in ((RUN_LARGER, ""), (TWO, " with two workers")):
        seconds = _length(campaign, words)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            folder, command = _amid(campaign, words, seconds, rng)
            children = command.children()
            command.send(number)
            done = command.end()
            found = _ended(done, number, children)
            happened = "; ".join([*found, *campaign.heals(folder)]) or f"{AS_PROMISED} (exit {done.code})"
            yield Row(f"{number.name} of the command{who}", f"ends with its workers; {NEXT}", happened)
        for one in ("the command", *(("a worker",) if who else ())):
            folder, command = _amid(campaign, words, seconds, rng)
            target = rng.choice(command.children() or [command.pid]) if one == "a worker" else command.pid
            if command.running():
                os.kill(target, signal.SIGSTOP)
                time.sleep(2)
                os.kill(target, signal.SIGCONT)
            done = command.end()
            found = [*done.wrong, *([f"EXIT {done.code}"] if done.code else [])]
            found += ["NUMBERS differ"] * (exported(folder) != campaign.rows_larger)
            happened = "; ".join([*found, *campaign.heals(folder)]) or AS_PROMISED
            yield Row(f"SIGSTOP of {one}{who}, SIGCONT after 2 s", "ends with equal numbers", happened)


def _amid(
    campaign: Campaign, words: tuple[str, ...], seconds: float, rng: random.Random
) -> tuple[Path, Command]:
    """A run that has not ended, at a random moment; other work may make runs shorter than `seconds`."""
    while True:
        folder = _fresh(campaign, "amid")
        command = Command(folder, *words, before=fork_workers)
        if command.runs_for(seconds * rng.uniform(0.2, 0.8)):
            return folder, command
        command.end()


def _ended(done: Said, number: signal.Signals, children: list[int]) -> list[str]:
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
        folder = _fresh(campaign, "together")
        commands = [Command(folder, *RUN_LARGER) for _ in range(number)]
        meanwhile(commands)
        said = [x.end() for x in commands]
        found = [y for x in said for y in x.wrong]
        found += [f"EXIT {x.code} ({x.line})" for x in said if x.code not in (0, -signal.SIGKILL)]
        found += ["NUMBERS differ"] * (exported(folder) != campaign.rows_larger)
        jobs = len(list((folder / "jobs").iterdir()))
        found += [f"{jobs} FILES in jobs"] * (jobs != 4)
        happened = "; ".join([*found, *campaign.heals(folder)]) or AS_PROMISED
        yield Row(name, f"each ends well, each job is stored once; {NEXT}", happened)


def _kill_one(commands: list[Command]) -> None:
    commands[0].runs_for(3)
    commands[0].send(signal.SIGKILL)
