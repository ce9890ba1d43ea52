"""xlbench: which language to adapt on to help this one, on this task, with this model, and what gets hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.hookspecs import hookimpl

if TYPE_CHECKING:
    from xlbench.api import load_results, run
    from xlbench.contracts import Study

__all__ = ["Study", "hookimpl", "load_results", "run"]


def __getattr__(name: str) -> Any:
    """Import the rest when it is first asked for, so that a plugin's import costs next to nothing."""
    if name in {"run", "load_results"}:
        from xlbench import api

        return getattr(api, name)
    if name == "Study":
        from xlbench.contracts import Study

        return Study
    raise AttributeError(f"module 'xlbench' has no attribute {name!r}")
