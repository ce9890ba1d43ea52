"""Figures as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def rows(figures: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every figure with the way to it."""
    for name, value in figures.items():
        here = f"{path}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from rows(value, f"{here}: ")
        else:
            yield here, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def table(part: str, figures: Mapping[str, Any]) -> str:
    """A part's figures as a Markdown table."""
    lines = [f"| {name} | {value} |" for name, value in rows(figures)]
    return "\n".join((f"\n| {part} | |", "|---|---|", *lines))


def show(part: str, figures: Mapping[str, Any]) -> None:
    """A table of a part's figures."""
    print(table(part, figures), flush=True)
