"""A matrix or curves as a picture, from the specification that the HTML page has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.contracts import Matrix
from xlbench.output import clean
from xlbench.reporting import curves, heat_map
from xlbench.reporting.engine import engine
from xlbench.reporting.theme import config

if TYPE_CHECKING:
    from xlbench.contracts import Curves

_SCALE = 1.5
_WIDEST = 20
"""Columns beyond which the longer side goes down."""
_EXPRESSIONS = ("filter", "calculate", "expr")


def picture(part: Matrix | Curves) -> bytes:
    """A PNG. Raises DrawingError where it cannot be drawn."""
    if isinstance(part, Matrix):
        turned = len(part.columns) > max(_WIDEST, len(part.rows))
        specification, rows = heat_map.heat_map(part, turned=turned), heat_map.cells(part)
        below = heat_map.legend(part)
    else:
        specification, rows, below = curves.curves(part), curves.points(part), "bars: 95% intervals"
    specification["datasets"] = {**specification.get("datasets", {}), "cells": rows}
    specification["title"] = {"text": clean(part.title), "subtitle": [below] if below else []}
    specification["config"] = config("light")
    specification["padding"] = 16
    return engine().ask(specification=_literal(specification), scale=_SCALE)


def _literal(value: Any, key: str = "") -> Any:
    """The same without backslashes in texts, which vl-convert reads as the start of an escape."""
    if isinstance(value, str):
        return value.replace("\\\\" if key in _EXPRESSIONS else "\\", "∖")
    if isinstance(value, dict):
        return {name: _literal(x, name) for name, x in value.items()}
    return [_literal(x, key) for x in value] if isinstance(value, list | tuple) else value
