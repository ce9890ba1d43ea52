"""A part of a page as a picture, from the specification that the HTML page has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.engine import engine
from xlbench.reporting.theme import config

if TYPE_CHECKING:
    from xlbench.reporting.parts import Drawing

_SCALE = 1.5
_EXPRESSIONS = ("filter", "calculate", "expr")


def picture(drawing: Drawing, title: str) -> bytes:
    """A PNG. Raises DrawingError where it cannot be drawn."""
    below = [drawing.below] if drawing.below else []
    specification = {
        **drawing.specification,
        "title": {"text": clean(title), "subtitle": below},
        "config": config("light"),
        "padding": 16,
    }
    return engine().ask(specification=_literal(specification), scale=_SCALE)


def _literal(value: Any, key: str = "") -> Any:
    """The same without backslashes in texts, which vl-convert reads as the start of an escape."""
    if isinstance(value, str):
        return value.replace("\\\\" if key in _EXPRESSIONS else "\\", "∖")
    if isinstance(value, dict):
        return {name: _literal(x, name) for name, x in value.items()}
    return [_literal(x, key) for x in value] if isinstance(value, list | tuple) else value
