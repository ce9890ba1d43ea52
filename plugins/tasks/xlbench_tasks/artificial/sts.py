"""Pairs of events for semantic similarity: the second keeps a random share of the first.

The rating is how much of all that is said is said by both.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from xlbench_tasks.artificial import concepts as c
from xlbench_tasks.artificial.meanings import Event, Part, Thing, being, location, part, pick

HIGHEST = 5
"""Of ratings: both events say the same. The lowest, 0, is of events that share nothing."""
_ACTIONS = tuple(x for x in c.ACTS_ON_BEINGS if x != "visit")


class RatedPair(NamedTuple):
    """Two events and how alike they are, from 0 to 5."""

    first: Event
    second: Event
    rating: float


def rated_pairs(rng: random.Random, split: Part) -> Iterator[RatedPair]:
    """Pairs without end, both events in the split."""
    while True:
        first = _event(rng)
        second = _mixed(rng, first, _event(rng), rng.random())
        if part(first) == split == part(second):
            yield RatedPair(first, second, rating(first, second))


def rating(first: Event, second: Event) -> float:
    """5 times the Jaccard index of what two events say, to one decimal."""
    one, other = _said(first), _said(second)
    return round(HIGHEST * len(one & other) / len(one | other), 1)


def _said(event: Event) -> frozenset[tuple[str, object]]:
    """What an event says, part by part; what it leaves unsaid is none."""
    patient = event.patient
    parts: dict[str, object] = {
        "action": event.action,
        "agent": event.agent._replace(quality=""),
        "agent's quality": event.agent.quality,
        "patient": None if patient is None else patient._replace(quality=""),
        "patient's quality": "" if patient is None else patient.quality,
        "place": None if event.place is None else (event.relation, event.place),
        "time": event.time,
        "manner": event.manner,
        "tense": event.tense,
        "negated": event.negated,
    }
    return frozenset(x for x in parts.items() if x[1] or x[0] == "tense")


def _event(rng: random.Random) -> Event:
    """Someone does something to someone, perhaps somewhere, at some time, in some manner."""
    agent, patient = being(rng, pronouns=0.0), being(rng, pronouns=0.0)
    place = location(rng) if rng.random() < 0.5 else None
    return Event(
        pick(rng, _ACTIONS),
        agent,
        patient,
        relation="in" if place is not None else "",
        place=place,
        time=pick(rng, c.SEASONS) if rng.random() < 0.4 else "",
        manner=pick(rng, c.MANNERS) if rng.random() < 0.3 else "",
        tense=pick(rng, c.TENSES),
        negated=rng.random() < 0.15,
    )


def _mixed(rng: random.Random, first: Event, other: Event, share: float) -> Event:
    """Each part of one event with the probability `share`, otherwise the other's."""

    def one() -> Event:
        return first if rng.random() < share else other

    def thing(role: str) -> Thing:
        chosen: Thing = getattr(one(), role)
        described: Thing = getattr(one(), role)
        same = chosen.kind == "noun" == described.kind
        return chosen._replace(quality=described.quality) if same else chosen

    at = one()
    return Event(
        one().action,
        thing("agent"),
        thing("patient"),
        relation=at.relation,
        place=at.place,
        time=one().time,
        manner=one().manner,
        tense=one().tense,
        negated=one().negated,
    )
