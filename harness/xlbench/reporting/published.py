"""What may leave the machine: names of folders, but no paths, which tell of users, machines and projects.

The results folder keeps the study as it was asked, with its paths; files made to be shared have `PATH/name`.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

PATH = "PATH"
"""Stands for the folders above a name."""
_START = r"(?<![\w.:/\\~*-])"
_ABSOLUTE = r"(?:file://)?(?:~(?:[A-Za-z_][\w.-]*)?/|/(?=[^\s/])|[A-Za-z]:[\\/]|\\\\(?=\w))"
_QUOTED = re.compile(rf"(?P<quote>['\"`])(?P<path>{_ABSOLUTE}[^'\"`\n]*)(?P=quote)")
_BARE = re.compile(rf"{_START}(?P<path>{_ABSOLUTE}[^\s'\"`,;|<>()\[\]{{}}]*)")
_HOME = re.compile(r"(?:/home|/Users|[A-Za-z]:[\\/]Users)[\\/][^\\/]+[\\/]?")
_SINGLE = re.compile(r"/[\w.-]+$")


def hidden(path: str) -> str:
    """The last part of a path, after `PATH/`; of a home folder not even that."""
    if _HOME.fullmatch(path):
        return PATH
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    return f"{PATH}/{name}" if name not in ("", ".", "..", "~") else PATH


class Publisher:
    """Takes the paths out of texts: those that a study names, and whatever else is an absolute path."""

    def __init__(self, study: Mapping[str, Any], model: str = "") -> None:
        """`study` is as stored; `model` the name that the study's model had."""
        self._known: dict[str, str] = {str(Path.home()): "~"}
        self.study = {name: self._field(name, value, model) for name, value in study.items()}
        longest = sorted(self._known, key=len, reverse=True)
        self._names = re.compile("|".join(rf"(?<![\w/.-]){re.escape(x)}(?![\w-])" for x in longest))

    def text(self, text: str) -> str:
        """The same without paths."""
        if "/" not in text and "\\" not in text and "~" not in text:
            return text
        text = self._names.sub(lambda x: self._known[x[0]], text)
        text = _QUOTED.sub(lambda x: f"{x['quote']}{_hidden(x['path'])}{x['quote']}", text)
        return _BARE.sub(lambda x: _hidden(x["path"]), text)

    def page(self, page: T) -> T:
        """The same page without paths."""
        mapped: T = _mapped(page, self.text)
        return mapped

    def _field(self, name: str, value: Any, model: str) -> Any:
        if name == "model":
            # A hub id is its own name; a relative folder may look like one.
            own = re.split(r"[/\\]", str(value).rstrip("/\\"))[-1]
            return self._hide(value) if _absolute(value) or (value != model and own == model) else value
        if name == "text":
            return self._hide(value) if _absolute(value) or ("/" in value.partition(":")[0]) else value
        if name == "data":
            return {task: self._places(places) for task, places in value.items()}
        if name == "language_adapters":
            hub = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
            return {
                code: self._hide(x) if _absolute(x) or not hub.fullmatch(x) else x
                for code, x in value.items()
            }
        return value

    def _places(self, places: Any) -> Any:
        if isinstance(places, str):
            return self._hide(places) if _has_folders(places) else places
        return [self._places(x) for x in places]

    def _hide(self, path: str) -> str:
        if not _has_folders(path):
            return path
        shown = hidden(path)
        for form in (
            path,
            path.rstrip("/"),
            str(Path(path).expanduser()),
            str(Path(path).expanduser().absolute()),
        ):
            if len(form) > 1 and _has_folders(form):
                self._known[form] = shown
        return shown


def _hidden(path: str) -> str:
    """A path that was found in a text; a lone name after a slash is rather a word, such as "/s"."""
    return path if _SINGLE.fullmatch(path) else hidden(path.removeprefix("file://"))


def _absolute(text: str) -> bool:
    return re.match(rf"{_ABSOLUTE}|\.|~", text) is not None


def _has_folders(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith("~")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        found = tuple(_mapped(x, change) for x in value)
        return value if all(a is b for a, b in zip(found, value, strict=True)) else found
    if is_dataclass(value) and not isinstance(value, type):
        changed = {x.name: _mapped(getattr(value, x.name), change) for x in fields(value)}
        changed = {name: x for name, x in changed.items() if x is not getattr(value, name)}
        return replace(value, **changed) if changed else value
    return value
