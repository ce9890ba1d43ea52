"""Tutorials as programs: what a page tells its reader to write and to type is written and typed.

Of the blocks of code in a page, in their order:

- a block with a title (```` ```python title="split.py" ````) is a file with this name;
- ```` ```bash ```` is typed, line by line, and has to end well;
- ```` ```python ```` without a title is run by Python;
- ```` ```text ```` is what the block before it prints, in this order: a line "..." stands for lines that
  are left out, and numbers may be others, since machines round in their own ways.

A comment before a block, `<!-- not tried -->`, leaves it out: what needs a network or the reader's own data.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(
    r"(?P<left_out><!-- not tried -->\n)?"
    r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NUMBER = re.compile(r"[-+]?\d[\d.,]*")


class Block(NamedTuple):
    """A block of code in a page."""

    kind: str
    """Language of the block."""
    title: str
    """Name of the file that it is; "" for what is run or printed."""
    code: str
    line: int
    """Line of the page where it begins, from 1."""


def blocks(page: str) -> Iterator[Block]:
    """What is to be tried of a page."""
    for found in BLOCK.finditer(page):
        if not found["left_out"]:
            line = page.count("\n", 0, found.start("kind")) + 1
            yield Block(found["kind"], found["title"] or "", found["code"], line)


def follow(page: Path, folder: Path, environment: Mapping[str, str]) -> None:
    """Do in a folder what a page says. Raises AssertionError, with the line of the page, where what happens
    is not what the page says.
    """
    printed = ""
    for block in blocks(page.read_text("utf-8")):
        where = f"{page.name}, line {block.line}"
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, "utf-8")
        elif block.kind in ("bash", "python"):
            printed = _run(block, folder, environment, where)
        elif block.kind == "text":
            _compare(block.code, printed, where)
        else:
            raise AssertionError(f"{where}: nothing is done with a block of {block.kind}")


def _run(block: Block, folder: Path, environment: Mapping[str, str], where: str) -> str:
    command = ["bash", "-eo", "pipefail"] if block.kind == "bash" else ["python", "-"]
    done = subprocess.run(
        command,
        input=block.code,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{where}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _compare(said: str, printed: str, where: str) -> None:
    rest = [_plain(x) for x in printed.splitlines()]
    for line in said.splitlines():
        if line.strip() in ("", "..."):
            continue
        if _plain(line) not in rest:
            raise AssertionError(f"{where}: {line!r} is not printed (any more, or not there):\n{printed}")
        rest = rest[rest.index(_plain(line)) + 1 :]


def _plain(line: str) -> str:
    """A line without its numbers, rules and the width of its columns."""
    return " ".join(NUMBER.sub("0", re.sub("[─═-]{3,}", "", line)).split())
