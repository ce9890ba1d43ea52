"""A matrix or curves as a picture, from the specification that the HTML page has too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Matrix
from xlbench.report import curves, heat_map
from xlbench.report.text import clean
from xlbench.report.theme import config
from xlbench.results.aside import put_named

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Curves

_SCALE = 1.5
_WIDEST = 20
"""Columns beyond which the longer side goes down."""


def picture(part: Matrix | Curves, path: Path) -> None:
    """Write a PNG. Raises ResultsError where it cannot be written."""
    import vl_convert

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
    put_named(path, vl_convert.vegalite_to_png(specification, scale=_SCALE))
