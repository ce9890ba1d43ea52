"""Files that reports are made from: HTML, styles, JavaScript, a note of methods."""

from __future__ import annotations

from importlib.resources import files


def asset(name: str) -> str:
    """The text of one of them."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
