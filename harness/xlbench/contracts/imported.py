"""What a module defines, imported when it is needed: so parts of the method are registered without torch."""

from __future__ import annotations

import difflib
import importlib
import re
from dataclasses import dataclass
from typing import Any

_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Imported:
    """For `MethodPart.load`: `load=Imported("my_package.my_kind:MyKind", call=True)`.

    Called, it imports the module and gives what `reference` names, or with `call` what that gives when it is
    called. Raises ValueError for a reference that is not `package.module:name`; ImportError, when called,
    where the module cannot be imported or defines no such name.
    """

    reference: str
    call: bool = False

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(self.reference):
            raise ValueError(f"Imported({self.reference!r}): write package.module:name")

    def __call__(self) -> Any:
        """What the reference names. Raises ImportError, and what the module or the call raises."""
        place, _, name = self.reference.partition(":")
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{place}.".startswith(f"{error.name}."):
                raise  # of what the module imports in turn
            raise ImportError(f"{self.reference!r}: there is no module {error.name}") from error
        if not hasattr(module, name):
            near = difflib.get_close_matches(name, vars(module), n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise ImportError(f"{self.reference!r}: the module does not define {name}{meant}")
        found = getattr(module, name)
        return found() if self.call else found
