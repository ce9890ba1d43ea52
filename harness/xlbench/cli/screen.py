"""What a terminal can show of an answer: how wide, through which pager, and what is waited for meanwhile."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xlbench.output import out, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

WIDTH = 80
"""Characters of a summary's line where there is no terminal, and COLUMNS does not say another number."""
WIDE = 120
"""The same of tables."""
SOON, LATE = 1.0, 5.0
"""Seconds after which it is said what is waited for: on a terminal, and elsewhere, where it stays."""


def width(otherwise: int = WIDTH) -> int:
    """Characters of a line; `otherwise` where nothing says it."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return shutil.get_terminal_size((WIDTH, 24)).columns if out().isatty() else otherwise


def show(pieces: Sequence[RenderableType], *, paged: bool = True) -> None:
    """Print what rich can; through a pager where there is a terminal that it is too long for."""
    stream = out()
    if not (paged and stream.isatty() and sys.stdin is not None and sys.stdin.isatty()):
        _print(_console(stream), pieces)
        return
    console = _console(stream)
    text = io.StringIO()
    inner = _console(text, like=console)
    _print(inner, pieces)
    whole, height = text.getvalue(), shutil.get_terminal_size((WIDTH, 24)).lines
    if whole.count("\n") < height or not _through_pager(whole):
        stream.write(whole)


def _print(console: Console, pieces: Sequence[RenderableType]) -> None:
    from rich.text import Text

    for piece in pieces:
        if isinstance(piece, Text) and piece.no_wrap:
            console.print(piece, no_wrap=True, overflow="ignore", crop=False)  # rich ignores the text's own
        else:
            console.print(piece)


def _console(stream: object, like: Console | None = None) -> Console:
    from rich.console import Console

    if like is None:
        return Console(file=stream, highlight=False, width=width(WIDE), legacy_windows=False)  # type: ignore[arg-type]
    return Console(
        file=stream,  # type: ignore[arg-type]
        highlight=False,
        width=width(WIDE),
        force_terminal=like.is_terminal,
        color_system=like.color_system,  # type: ignore[arg-type]
        no_color=like.no_color,
        legacy_windows=False,
    )


def _through_pager(text: str) -> bool:
    """Whether a pager has shown it. PAGER names one (default: less), as it does for other programs; none
    where it is empty or NO_PAGER is set.
    """
    command = os.environ.get("PAGER", "less")
    if os.environ.get("NO_PAGER") or not command.strip() or os.environ.get("TERM") == "dumb":
        return False
    try:
        words = shlex.split(command)
        pager = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=out().fileno(),
            env={"LESS": "FRX", "LV": "-c", **os.environ},
            text=True,
            encoding=getattr(out(), "encoding", None) or "utf-8",
            errors="xlbench",
        )
    except (OSError, ValueError):
        return False  # there is no such program
    with contextlib.suppress(BrokenPipeError):  # it was left before its end
        pager.communicate(text)
    while pager.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):  # the pager's own, to stop a search
            pager.wait()
    return True


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Say on standard error what is waited for, such as "drawing pictures", where it takes a while; a
    terminal forgets it afterwards.
    """
    stream = sys.stderr
    if quiet or stream is None:
        yield
        return
    said = threading.Event()
    is_terminal = stream.isatty()

    def say() -> None:
        said.set()
        with contextlib.suppress(OSError, ValueError):
            print(f"{printable(what)} ...", file=stream, end="" if is_terminal else "\n", flush=True)

    timer = threading.Timer(SOON if is_terminal else LATE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if said.is_set() and is_terminal:
            print("\r\x1b[K", file=stream, end="", flush=True)
