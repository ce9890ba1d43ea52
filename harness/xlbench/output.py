"""The one way from the commands to a terminal or pipe: no text that passes controls it or forges a line, and
none fails for want of a letter in the output's encoding.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

FIELD = 100
"""Characters of a field that a message quotes; of a longer one, both ends."""
_PATH = 400
"""The same of a path, which is of no use without its middle."""
_LINE = 2000

_MANY = f"{{{FIELD},}}"
_QUOTED = re.compile(
    r"(?<![\w\\])(?P<quote>['\"])(?P<field>(?:(?!(?P=quote))[^\\]|\\.)" + _MANY + r"?)(?P=quote)(?!\w)"
)
_VALUE = re.compile(r"\bnot (?P<field>[\[{(]." + _MANY + r"[\]})])")
_LONG = re.compile(r"[^\s'\"]" + _MANY + r"[^\s'\",;:.)]")

ERRORS = "xlbench"
"""Name of the error handler of our streams."""
_PLAIN = {
    "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "±": "+/-", "≤": "<=", "≥": ">=", "→": "->",
    "‘": "'", "’": "'", "“": '"', "”": '"', "·": ".", "•": "*",
    "▲": "^", "▼": "v", "○": "o",
}  # fmt: skip

_own: TextIO | None = None


def counted(number: int, noun: str) -> str:
    """Number and noun, as in "1 seed", "3 seeds"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def clean(text: str) -> str:
    """One line in which controls are seen, not obeyed: escapes of the terminal, marks that turn the direction
    of writing, lone surrogates. Any white space is one space.
    """
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """As `clean`, but white space inside is kept as it is wide: for lines that are aligned."""
    if text.isprintable():
        return text
    return "".join(
        x if x.isprintable() else " " if x.isspace() else x.encode("unicode_escape").decode() for x in text
    )


def visible(text: str) -> str:
    """As `printable`, but lines are kept."""
    return "\n".join(map(printable, text.splitlines()))


def brief(text: str, most: int = FIELD) -> str:
    """Both ends of what is longer than `most` characters."""
    head = 2 * most // 3
    return text if len(text) <= most else f"{text[:head]}…{text[head - most + 1 :]}"


def message(text: str) -> str:
    """A message as it is shown: one clean line, no field in it longer than its reader can use."""
    line = clean(brief(text, 20 * _LINE))
    if len(line) <= FIELD:
        return line
    line = _QUOTED.sub(lambda x: f"{x['quote']}{_field(x['field'])}{x['quote']}", line)
    line = _VALUE.sub(lambda x: f"not {_field(x['field'])}", line)
    return brief(_LONG.sub(lambda x: _field(x[0]), line), _LINE)


def _field(text: str) -> str:
    return brief(text, _PATH if "/" in text else FIELD)


def say(line: str = "", *, flush: bool = False) -> None:
    """Print one line of a command's answer."""
    print(printable(line), file=out(), flush=flush)


def say_json(value: Any) -> None:
    """Print the answer as JSON, in ASCII, which every encoding has."""
    print(json.dumps(value, ensure_ascii=True, indent=2), file=out())


def write(content: bytes) -> None:
    """Put a file's content, UTF-8 text, on standard output: the same bytes in a pipe or a file, whatever its
    encoding; on a terminal with its controls seen.
    """
    stream = out()
    binary = getattr(stream, "buffer", None)
    if binary is None or stream.isatty():
        stream.write(f"{visible(content.decode(errors='replace'))}\n")
        return
    stream.flush()
    binary.write(content)


def complain(line: str, command: str = "") -> None:
    """Print one line on standard error; `command` ends it, and is never shortened."""
    if sys.stderr is not None:
        print(f"xlbench: {message(line)}{' ' if command else ''}{printable(command)}", file=sys.stderr)


def out() -> TextIO:
    """Where a command's answer goes."""
    return sys.stdout if _own is None else _own


@contextmanager
def apart() -> Iterator[None]:
    """Keep standard output for what this module says. What plugins and libraries print meanwhile, from Python
    or below it, goes to standard error, so that it ends up in no table and no JSON.

    Raises OSError, such as BrokenPipeError, where the output cannot be written at the end.
    """
    global _own
    before = sys.stdout
    try:
        place, aside = before.fileno(), sys.stderr.fileno()
        before.flush()
        kept = os.dup(place)
    except (AttributeError, ValueError, io.UnsupportedOperation):
        yield  # someone else has replaced the streams, such as a test
        return
    os.dup2(aside, place)
    whole = before.line_buffering if isinstance(before, io.TextIOWrapper) else False
    own = io.TextIOWrapper(os.fdopen(kept, "wb"), before.encoding, ERRORS, line_buffering=whole)
    _own, sys.stdout = own, sys.stderr
    try:
        yield
        own.flush()
    finally:
        _own, sys.stdout = None, before
        before.flush()  # what went past sys.stdout, to sys.__stdout__
        os.dup2(kept, place)
        with suppress(OSError):  # raised above, unless something worse was
            own.close()


def prepare() -> None:
    """Make the process's streams take every text, in every encoding; a closed one takes it to nowhere."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # A file opened later would get the number, and what is printed.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """For letters that an encoding lacks: a plain one that is like it, or its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_PLAIN.get(x) or x.encode("ascii", "backslashreplace").decode() for x in lost), error.end


codecs.register_error(ERRORS, _in_ascii)
