"""The contract between xlbench and plugins: its number, and what a plugin says that it was written for.

A module, file or object states it beside its hooks, `xlbench_contract = 1`: one place for packages, single
files and objects alike, which travels with the code. The latter two have no metadata of a distribution.
"""

from __future__ import annotations

import ast
import importlib.util
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.errors import PluginError
from xlbench.hookspecs import CONTRACT, OLDEST_CONTRACT

if TYPE_CHECKING:
    from xlbench.plugins.given import Given

NAME = "xlbench_contract"
_ABSENT = object()


def check(said: object) -> int | None:
    """The contract that a plugin states; None for one that states none. Raises PluginError, one line, for one
    that this xlbench does not have.
    """
    if said is _ABSENT:
        return None
    if type(said) is not int or said < OLDEST_CONTRACT:
        having = f"{OLDEST_CONTRACT} to {CONTRACT}" if OLDEST_CONTRACT < CONTRACT else str(CONTRACT)
        older = type(said) is int and 0 < said < OLDEST_CONTRACT
        then = (
            "install a newer version of the plugin" if older else "write the number that it was written for"
        )
        raise PluginError(f"{NAME} is {said!r:.60}, and this xlbench has {having}; {then}")
    if said > CONTRACT:
        raise PluginError(
            f"it was written for {NAME} = {said}, and this xlbench has {CONTRACT}; install a newer "
            "xlbench, or an older version of the plugin"
        )
    return said


def of(module: object) -> int | None:
    """The contract that a loaded module or object states. Raises PluginError as `check` does."""
    return check(getattr(module, NAME, _ABSENT))


def check_source(place: str | Given) -> None:
    """Raise PluginError where the source of a plugin that cannot be imported says that it was written for
    another contract: that is why. `place`: the name of its module, or a file or object.
    """
    path = ""
    with suppress(Exception):
        spec = importlib.util.find_spec(place) if isinstance(place, str) else None
        path = place.path if not isinstance(place, str) else (spec and spec.origin) or ""
    said: object = _ABSENT
    with suppress(OSError, ValueError, SyntaxError):
        for line in ast.parse(Path(path).read_bytes()).body if path else ():
            match line:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == NAME:
                    said = ast.literal_eval(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == NAME:
                    said = ast.literal_eval(value)
    check(said)
