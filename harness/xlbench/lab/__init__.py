"""The only room with torch, transformers and adapters: one model in memory, and what is done to it."""

from xlbench.lab.lab import Lab

__all__ = ["Lab"]
