"""What a check finds: one line with file and line, hook, value, field, what is wrong and what to do."""

from __future__ import annotations

import functools
import inspect
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import OfExamples
from xlbench.metrics import by_rows

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that could not be checked."""

    place: str
    """"plugin.py:12"; empty where there is no file."""
    hook: str
    """"xlbench_tasks"; empty where it is no hook's."""
    value: str
    """"task 'question'"."""
    field: str
    """"metric.count"; a method of the value, or a field."""
    what: str
    """What is wrong, and what to do."""
    note: bool = False
    """Nothing is wrong; something was not checked."""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.hook, self.value, self.field, self.what)))


def line_of(thing: Any) -> str:
    """File and line where a function, or the class of an object, begins; empty where it has no source."""
    while isinstance(thing, functools.partial | OfExamples | by_rows):
        thing = (
            getattr(thing, "func", None) or getattr(thing, "scores", None) or getattr(thing, "function", None)
        )
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if inspect.ismethod(thing):
        thing = thing.__func__
    if (code := getattr(thing, "__code__", None)) is not None:
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}"
    cls = thing if isinstance(thing, type) else type(thing)
    try:
        return f"{Path(inspect.getsourcefile(cls) or '').name}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return ""


def raised_in(error: BaseException, paths: Iterable[str]) -> str:
    """File and line of a plugin's in which an error, or what led to it, was raised; empty where none of its
    frames is there.

    `paths`: what the plugin's files begin with.
    """
    own = tuple(paths)
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(own):
        return f"{Path(error.filename).name}:{error.lineno}"
    frames = [(x.filename, x.lineno) for x in traceback.extract_tb(error.__traceback__)]
    found = _last(frames, own)
    return found if found or error.__cause__ is None else raised_in(error.__cause__, own)


def traced_to(text: str, paths: Iterable[str]) -> str:
    """The same, of a traceback that was stored as text."""
    frames = [(file, int(line)) for file, line in re.findall(r'File "([^"]+)", line (\d+)', text)]
    return _last(frames, tuple(paths))


def _last(frames: list[tuple[str, Any]], own: tuple[str, ...]) -> str:
    found = [f"{Path(file).name}:{line}" for file, line in frames if own and file.startswith(own)]
    return found[-1] if found else ""
