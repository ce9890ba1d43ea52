"""What of a setting can change a number: every field, unless the field itself says otherwise.

Identities are made from the fields that a settings class has, so that a field added to one is in the identity
of everything that it made. With its metadata, a field stays out of it where it does nothing:

    regularization: float = field(default=0.01, metadata=only_where(lambda how: how.value == "trained"))
    weight_decay: float = field(default=0.0, metadata=LATER)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from xlbench.contracts.cell import Json

_WHERE = "xlbench.identity"
LATER: Mapping[str, object] = {_WHERE: None}
"""Metadata of a field that came after results were stored, and whose default does what was done before: at
the default it is in no identity, so that those results are found again."""


def only_where(matters: Callable[[Any], bool]) -> Mapping[str, object]:
    """Metadata of a field that changes numbers only where `matters(settings)`."""
    return {_WHERE: matters}


def said(settings: DataclassInstance) -> dict[str, Json]:
    """The fields of a settings class that can change a number, by name."""
    return {x.name: getattr(settings, x.name) for x in fields(settings) if _matters(x, settings)}


def _matters(one: Field[Any], settings: object) -> bool:
    if _WHERE not in one.metadata:
        return True
    where: Callable[[object], bool] | None = one.metadata[_WHERE]
    if where is not None:
        return where(settings)
    default = one.default if one.default_factory is MISSING else one.default_factory()
    return bool(getattr(settings, one.name) != default)
