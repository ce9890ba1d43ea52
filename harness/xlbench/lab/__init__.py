"""The only room with torch, transformers and adapters: one model in memory, and what is done to it.

The parts of the method that are built in are registered by the packages in it, which import none of these
libraries before they are used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlbench.lab.lab import Lab

__all__ = ["Lab"]


def __getattr__(name: str) -> Any:
    if name == "Lab":
        from xlbench.lab.lab import Lab

        return Lab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
