"""A part of a page as a picture, from the specification that the HTML page has too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.engine import engine
from xlbench.reporting.theme import config

if TYPE_CHECKING:
    from xlbench.reporting.parts import Drawing

_SCALE = 1.5
_ID = re.compile(rb'\bid="([A-Za-z_]+[0-9]+)"')
_EXPRESSIONS = ("filter", "calculate", "expr")


def picture(drawing: Drawing, title: str, about: str = "", *, vector: bool = False) -> bytes:
    """A PNG, or an SVG. `about` says below the title what the numbers are of. Raises DrawingError where it
    cannot be drawn.
    """
    below = [clean(x) for x in (about, drawing.below) if x]
    specification = {
        **drawing.specification,
        "title": {"text": clean(title), "subtitle": below},
        "config": config("light"),
        "padding": 16,
    }
    if vector:
        return _numbered(engine().ask(specification=_literal(specification)))
    return engine().ask(specification=_literal(specification), scale=_SCALE)


def _numbered(svg: bytes) -> bytes:
    """With the ids of its parts counted from 0: the engine counts on from one picture to the next."""
    places = {name: b"part%d" % i for i, name in enumerate(dict.fromkeys(_ID.findall(svg)))}
    if not places:
        return svg
    used = re.compile(rb'(?<=[#"])(' + b"|".join(map(re.escape, places)) + rb')(?=[")])')
    return used.sub(lambda x: places[x[1]], svg)


def _literal(value: Any, key: str = "") -> Any:
    """The same without backslashes in texts, which vl-convert reads as the start of an escape."""
    if isinstance(value, str):
        return value.replace("\\\\" if key in _EXPRESSIONS else "\\", "∖")
    if isinstance(value, dict):
        return {name: _literal(x, name) for name, x in value.items()}
    return [_literal(x, key) for x in value] if isinstance(value, list | tuple) else value
