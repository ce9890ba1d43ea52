"""Plugins: found, checked and looked up."""

from xlbench.plugins.choices import made_with, settle, spelled
from xlbench.plugins.given import Given, give
from xlbench.plugins.loading import blaming, culprit, load, load_for
from xlbench.plugins.registry import HOOKS, LIMIT, LISTED, OWN, Kind, Plugin, Refused, Registry

__all__ = [
    "HOOKS",
    "LIMIT",
    "LISTED",
    "OWN",
    "Given",
    "Kind",
    "Plugin",
    "Refused",
    "Registry",
    "blaming",
    "culprit",
    "give",
    "load",
    "load_for",
    "made_with",
    "settle",
    "spelled",
]
