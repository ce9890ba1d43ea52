"""Which objective a study's text is learned from by, checked before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from xlbench.contracts import FinetuningSettings, LanguageTraining

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlbench.contracts import Family, Json, Objective
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems

How = TypeVar("How", FinetuningSettings, LanguageTraining)


def checked(
    how: How, group: str, said: Mapping[str, Json], family: Family, registry: Registry, problems: Problems
) -> How:
    """Settings with an objective that can train the model, None where it is the model's own.

    `group` is what the settings are called, and `said` those of them that are not left to the defaults.
    """
    own = registry.method.own_objective(family)
    objective: Objective | None = own
    if how.objective is not None:
        with problems.kept():
            objective = registry.find("objective", how.objective)
            if family not in objective.families:
                fitting = [x for x, one in registry.method.objectives.items() if family in one.families]
                problems.add(
                    f"{group}.objective {how.objective!r} cannot train the model, a model of the family "
                    f"{family}; choose {' or '.join(fitting) or 'another model'}"
                )
    if objective is None:
        return how
    read = frozenset[str]().union(*(x.reads for x in registry.method.objectives.values()))
    problems.lines += [
        f"{group}.{key} is not read by the objective {objective.name}; leave it out"
        for key in said
        if key in read - objective.reads
    ]
    return replace(how, objective=None) if own is not None and objective.name == own.name else how
