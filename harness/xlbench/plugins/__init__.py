"""Plugins: found, checked and looked up."""

from xlbench.plugins.given import Given, give
from xlbench.plugins.loading import culprit, load
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
    "culprit",
    "give",
    "load",
]
