"""What a shell completes after an option: names that plugins provide, of what the option's value is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from xlbench.plugins import Kind

Completer: TypeAlias = Callable[[str], list[str]]

_KINDS: dict[str, Kind] = {
    "TASK": "task", "PROBE": "probe", "MODEL": "model", "LANG": "language", "CONTROL": "treatment",
}  # fmt: skip
"""By how help calls the value."""
_MORE = {"CONTROL": ("none", "reference", "target")}


def completer(metavar: str) -> Completer | None:
    """What completes such a value; None for what has no names. Of values joined by commas it completes the
    last, and does not offer what is already there.
    """
    value, comma, _ = metavar.partition(",")
    kind = _KINDS.get(value)
    if kind is None:
        return None

    def complete(incomplete: str) -> list[str]:
        from xlbench.plugins import load

        before, said, last = incomplete.rpartition(",") if comma else ("", "", incomplete)
        found = {*load(asked=frozenset()).named(kind), *_MORE.get(value, ())} - set(before.split(","))
        return [f"{before}{said}{name}" for name in sorted(found) if name.startswith(last)]

    return complete
