"""What of a study its probes read (`Selective.reads`), and which settings nothing reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Selective, Study
from xlbench.contracts.allowed import OF_SOME_PROBES
from xlbench.errors import UnknownNameError
from xlbench.spec.study import FIELDS, said

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def pruned(study: Study, reads: frozenset[str]) -> Study:
    """The study without what none of its probes reads: no data is needed for it, and nothing of it is in the
    command that makes the results again. Settings of fine-tuning stay, which also say how much text is used.
    """
    bare = Study()
    unread = OF_SOME_PROBES - reads - {"mlm"}
    if study.beneath:
        unread -= {"adapter_orders"}  # an order that no probe trains in is refused, in planning
    return replace(study, **{name: getattr(bare, name) for name in unread})


def unread(study: Study, reads: frozenset[str]) -> tuple[str, ...]:
    """The options of what a study says itself, and none of its probes reads."""
    return tuple(FIELDS[x].asked.option for x in said(study) if x in OF_SOME_PROBES - reads)
