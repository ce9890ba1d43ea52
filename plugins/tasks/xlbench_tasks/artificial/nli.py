"""Natural language inference: a hypothesis is drawn first, then a premise that stands in the wanted
relation to it.

Hypotheses of all three labels are so drawn from one distribution, and nothing in a hypothesis tells
its label. A premise says more than an entailed hypothesis (dropping and generalising entail), less
than a neutral one (adding is neutral), and the opposite of a contradicted one (negating and swapping
contradict). Participants are definite, so that what is said of them holds under negation too; time,
place and manner, which do not, occur in affirmative hypotheses only, and are never added to a denial.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from xlbench_tasks.artificial import concepts as c
from xlbench_tasks.artificial.meanings import Event, Part, Thing, location, part, person, pick

Label = Literal["entailment", "neutral", "contradiction"]
LABELS: tuple[Label, ...] = ("entailment", "neutral", "contradiction")
_ACTIONS = tuple(x for x in c.ACTS_ON_BEINGS if x != "visit")
_DETAILS = ("quality", "owner")
_CIRCUMSTANCES = ("time", "place", "manner")


class Pair(NamedTuple):
    """A premise, a hypothesis and how they stand to each other."""

    premise: Event
    hypothesis: Event
    label: Label


class _Slot(NamedTuple):
    """A place in an event where something can be said or left out."""

    role: str
    """"agent" or "patient"; "" for the event itself."""
    name: str


def _participant(rng: random.Random) -> Thing:
    if rng.random() < 0.3:
        return person(rng)
    draw = rng.random()
    head = pick(rng, c.PEOPLE) if draw < 0.45 else pick(rng, c.ANIMALS) if draw < 0.65 else ""
    thing = Thing("noun", head or ("person" if draw < 0.85 else "animal"), determiner="the")
    return thing._replace(
        quality=pick(rng, c.OF_BEINGS) if rng.random() < 0.4 else "",
        owner=person(rng) if rng.random() < 0.25 else None,
        plural=rng.random() < 0.15,
    )


_NEW: dict[str, Callable[[random.Random], object]] = {
    "quality": lambda rng: pick(rng, c.OF_BEINGS),
    "owner": person,
    "time": lambda rng: pick(rng, c.SEASONS),
    "place": location,
    "manner": lambda rng: pick(rng, c.MANNERS),
}
"""What can be said at a place of that name."""


def _clash(one: str, other: str) -> bool:
    return one == other or c.GENERAL.get(one) == other or c.GENERAL.get(other) == one


def draw_hypothesis(rng: random.Random) -> Event:
    """An event to which a premise of every label can be found: it leaves something out and says something."""
    while True:
        agent, patient = _participant(rng), _participant(rng)
        event = Event(
            pick(rng, _ACTIONS), agent, patient, tense=pick(rng, c.TENSES), negated=rng.random() < 0.4
        )
        if not event.negated:
            for name in _CIRCUMSTANCES:
                if rng.random() < 0.3:
                    event = _fill(rng, event, _Slot("", name))
        if not _clash(agent.head, patient.head) and _filled(event) and _free(event):
            return event


def _slots(event: Event) -> list[_Slot]:
    slots = [] if event.negated else [_Slot("", x) for x in _CIRCUMSTANCES]
    for role in ("agent", "patient"):
        if getattr(event, role).kind == "noun":
            slots += [_Slot(role, x) for x in _DETAILS]
    return slots


def _value(event: Event, slot: _Slot) -> object:
    return getattr(getattr(event, slot.role) if slot.role else event, slot.name)


def _filled(event: Event) -> list[_Slot]:
    """What is said, the kind of a participant included ("head") where there is a more general one."""
    special = [_Slot(x, "head") for x in ("agent", "patient") if getattr(event, x).head in c.GENERAL]
    return special + [x for x in _slots(event) if _value(event, x)]


def _free(event: Event) -> list[_Slot]:
    general = [_Slot(x, "head") for x in ("agent", "patient") if getattr(event, x).head in c.CLASSES]
    return general + [x for x in _slots(event) if not _value(event, x)]


def _set(event: Event, slot: _Slot, value: object) -> Event:
    if not slot.role:
        changed = event._replace(**{slot.name: value})  # type: ignore[arg-type]
        return changed._replace(relation="" if changed.place is None else "in")
    thing: Thing = getattr(event, slot.role)
    return event._replace(**{slot.role: thing._replace(**{slot.name: value})})  # type: ignore[arg-type]


def _fill(rng: random.Random, event: Event, slot: _Slot) -> Event:
    if slot.name == "head":
        return _set(event, slot, pick(rng, c.CLASSES[getattr(event, slot.role).head]))
    return _set(event, slot, _NEW[slot.name](rng))


def _clear(event: Event, slot: _Slot) -> Event:
    if slot.name == "head":
        return _set(event, slot, c.GENERAL[getattr(event, slot.role).head])
    return _set(event, slot, None if slot.name in ("owner", "place") else "")


def _say_more(rng: random.Random, event: Event, but: tuple[_Slot, ...] = ()) -> Event:
    free = [x for x in _free(event) if x not in but]
    return _fill(rng, event, rng.choice(free)) if free else event


def _say_less(rng: random.Random, event: Event) -> tuple[Event, _Slot]:
    slot = rng.choice(_filled(event))
    return _clear(event, slot), slot


def draw_premise(rng: random.Random, hypothesis: Event, label: Label) -> Event:
    """An event that stands in the relation to the hypothesis; one of many."""
    if label == "entailment":
        premise = _say_more(rng, hypothesis)
        return _say_more(rng, premise) if rng.random() < 0.3 else premise
    if label == "neutral":
        premise, dropped = _say_less(rng, hypothesis)
        return _say_more(rng, premise, (dropped,)) if rng.random() < 0.3 else premise
    patient = hypothesis.patient
    if patient is not None and not hypothesis.negated and rng.random() < 0.4:
        premise = hypothesis._replace(agent=patient, patient=hypothesis.agent)
    else:
        premise = hypothesis._replace(negated=not hypothesis.negated)
    if premise.negated:
        # Denied in some circumstances, an event may have happened in others; so it is denied altogether.
        premise = premise._replace(time="", place=None, relation="", manner="")
    draw = rng.random()
    if draw < 0.4:
        return _say_more(rng, premise)
    return _say_less(rng, premise)[0] if draw < 0.6 and _filled(premise) else premise


def pairs(rng: random.Random, split: Part) -> Iterator[Pair]:
    """Pairs without end, both sides in the split; of every three that follow, one has each label."""
    while True:
        for label in rng.sample(LABELS, 3):
            yield _pair(rng, split, label)


def _pair(rng: random.Random, split: Part, label: Label) -> Pair:
    while True:
        hypothesis = draw_hypothesis(rng)
        if part(hypothesis) != split:
            continue
        for _ in range(60):
            premise = draw_premise(rng, hypothesis, label)
            if part(premise) == split:
                return Pair(premise, hypothesis, label)
