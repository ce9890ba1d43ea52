"""The numbers of the interference probe as tidy tables. Imports numpy: import this where they are wanted."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from xlbench.probing import Reading, tidy
from xlbench_probes.interference_scores import Mixture
from xlbench_probes.interference_view import PROBE, View
from xlbench_probes.mixtures import orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from xlbench.contracts import Records, Row


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """What each partner does to each language in pairs, and the mean over each larger set."""
    reading = Reading(records)

    @cache
    def views() -> list[View]:
        """Made once, for both tables."""
        return [
            View.of(reading, task, x, several=False)
            for task in reading.tasks(PROBE)
            for x in orders(reading, PROBE, task)
        ]

    return {
        "interference": (row for view in views() for row in _pairs(view)),
        "interference_sets": (row for view in views() for row in _sets(view)),
    }


def _pairs(view: View) -> Iterator[Row]:
    effects, unit = view.effects, view.reading.records.metrics[view.task].unit
    for mix in view.mixes:
        for (language, partner), one in view.judged_pairs(mix).items():
            alone, mixed = view.both(language, partner, mix)
            (both,) = (x for x in view.sets if set(x) == {language, partner})
            seeds = min(effects.count(x, language) for x in (Mixture((language,)), Mixture(both, mix)))
            yield {
                "task": view.task,
                "language": language,
                "partners": partner,
                "composition": mix,
                "order": view.order,
                **tidy(one, n=effects.examples(language), seeds=seeds or None, unit=unit),
                "alone": alone.value,
                "combined": mixed.value,
            }


def _sets(view: View) -> Iterator[Row]:
    """Sets of three and more: the mean over those members that have test data."""
    effects, unit = view.effects, view.reading.records.metrics[view.task].unit
    for mix in view.mixes:
        for one in (x for x in view.sets if len(x) > 2):
            found = view.combined([one], mix)
            members = [x for x in one if x in view.targets]
            if found is None:
                continue
            sizes = [effects.examples(x) for x in members]
            n = None if None in sizes else sum(x or 0 for x in sizes)
            seeds = min((effects.count(Mixture(one, mix), x) for x in members), default=0)
            yield {
                "task": view.task,
                "languages": "+".join(one),
                "members": len(members),
                "composition": mix,
                "order": view.order,
                **tidy(found, n=n, seeds=seeds or None, unit=unit),
            }
