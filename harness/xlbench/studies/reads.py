"""What of a study its probes read (`Selective.reads`), and which settings nothing reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Selective
from xlbench.contracts.allowed import OF_SOME_PROBES
from xlbench.errors import UnknownNameError
from xlbench.spec.study import FIELDS, said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Study
    from xlbench.plugins import Registry


def of(probes: Iterable[str], registry: Registry) -> frozenset[str]:
    """The fields that only some probes read, and one of these does. What a name that is none would read is
    not known, so all problems of a study are told at once.
    """
    found = frozenset[str]()
    for name in probes:
        try:
            probe = registry.find("probe", name)
        except UnknownNameError:
            return OF_SOME_PROBES
        found |= probe.reads if isinstance(probe, Selective) else OF_SOME_PROBES
    return found


def unread(study: Study, reads: frozenset[str]) -> tuple[str, ...]:
    """The options of what a study says itself, and none of its probes reads."""
    return tuple(FIELDS[x].asked.option for x in said(study) if x in OF_SOME_PROBES - reads)
