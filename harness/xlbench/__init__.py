"""xlbench: which language to adapt on to help this one, on this task, with this model, and what gets hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.hookspecs import hookimpl

if TYPE_CHECKING:
    from xlbench.api import plan, run
    from xlbench.compared import compare
    from xlbench.contracts import Study
    from xlbench.exporting import export
    from xlbench.importing import import_matrix
    from xlbench.result import open_results
    from xlbench.running.fetching import fetch
    from xlbench.stored import leaderboard, load_results, pages, recommend, report

__all__ = [
    "Study", "__version__", "compare", "export", "fetch", "hookimpl", "import_matrix", "leaderboard",
    "load_results", "open_results", "pages", "plan", "recommend", "report", "run",
]  # fmt: skip
_HOMES = {
    "Study": "contracts", "plan": "api", "run": "api", "fetch": "running.fetching",
    "open_results": "result", "export": "exporting", "compare": "compared",
    "import_matrix": "importing",
    **dict.fromkeys(("leaderboard", "load_results", "pages", "recommend", "report"), "stored"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the rest when it is first asked for, so that a plugin's import costs next to nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"xlbench.{_HOMES[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("xlbench")
    raise AttributeError(f"module 'xlbench' has no attribute {name!r}")
