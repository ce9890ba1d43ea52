"""Meanings: who does what to whom, where, when and how; drawn at random, in no language."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple
from zlib import crc32

from xlbench_tasks.artificial import concepts as c
from xlbench_tasks.artificial.names import FIRMS, GIVEN, SURNAMES, TOWNS

Kind = Literal["noun", "person", "place", "organisation", "pronoun"]
Part = Literal["train", "dev", "test"]

NUMBERS = (c.NUMBERS[0], c.DIGITS[0], *c.NUMBERS[1:], *c.DIGITS[1:])


class Thing(NamedTuple):
    """A participant, place or owner."""

    kind: Kind
    head: str
    """A concept, or the id of a name."""
    second: str = ""
    """A person's surname, or the town of an organisation that is named by what it is."""
    quality: str = ""
    owner: Thing | None = None
    number: str = ""
    plural: bool = False
    determiner: str = ""


class Event(NamedTuple):
    """One happening. Empty strings and None are what is not said."""

    action: str
    agent: Thing
    patient: Thing | None = None
    recipient: Thing | None = None
    relation: str = ""
    """Of the place: "in", "to", "from", "near"."""
    place: Thing | None = None
    companion: Thing | None = None
    time: str = ""
    manner: str = ""
    tense: str = "past"
    negated: bool = False


class Meaning(NamedTuple):
    """What one sentence says: an event, and perhaps a second one tied to it."""

    event: Event
    link: str = ""
    """"and", "but", "because", or "that-clause", where the second is what is said or thought."""
    second: Event | None = None


def pick(rng: random.Random, items: Sequence[str]) -> str:
    """One of the items, the first ones far more often than the last."""
    draw = rng.random()
    return items[int(draw * draw * draw * len(items))]


def being(rng: random.Random, names: float = 0.4, pronouns: float = 0.1) -> Thing:
    """A participant that acts: a person, an animal, a named person, an organisation or a pronoun."""
    draw = rng.random()
    if draw < names:
        return organisation(rng) if rng.random() < 0.3 else person(rng)
    if draw < names + pronouns:
        return Thing("pronoun", pick(rng, c.PRONOUNS))
    draw = rng.random()
    head = pick(rng, c.PEOPLE) if draw < 0.65 else pick(rng, c.ANIMALS) if draw < 0.9 else "person"
    return _noun(rng, head, c.OF_BEINGS)


def person(rng: random.Random) -> Thing:
    """A named person, with or without surname."""
    draw = rng.random()
    if draw < 0.15:
        return Thing("person", pick(rng, SURNAMES))
    return Thing("person", pick(rng, GIVEN), pick(rng, SURNAMES) if draw < 0.6 else "")


def organisation(rng: random.Random) -> Thing:
    """An organisation with a name of its own, or one named by what and where it is."""
    if rng.random() < 0.6:
        return Thing("organisation", pick(rng, FIRMS))
    return Thing("organisation", pick(rng, c.INSTITUTIONS), pick(rng, TOWNS))


def location(rng: random.Random) -> Thing:
    """A named place, or a kind of place."""
    if rng.random() < 0.55:
        return Thing("place", pick(rng, TOWNS))
    return _noun(rng, pick(rng, c.PLACES), c.OF_THINGS)


def _noun(rng: random.Random, head: str, qualities: Sequence[str]) -> Thing:
    draw = rng.random()
    quality = pick(rng, qualities) if draw < 0.3 else ""
    draw = rng.random()
    owner = None
    if draw < 0.12:
        owner = person(rng) if draw < 0.06 else Thing("noun", pick(rng, c.PEOPLE), determiner="the")
    draw = rng.random()
    if draw < 0.12:
        return Thing("noun", head, "", quality, owner, pick(rng, NUMBERS), True)
    if draw < 0.25:
        return Thing("noun", head, "", quality, owner, "", True, "the" if draw < 0.2 else "")
    determiner = "the" if draw < 0.8 else pick(rng, c.DETERMINERS[1:]) if draw < 0.92 else ""
    return Thing("noun", head, "", quality, owner, "", False, determiner)


def draw_event(rng: random.Random, agent: Thing | None = None, full: bool = True) -> Event:
    """One event; of the agent given, or a new one. Without `full`, a short one, for a second clause."""
    agent = agent or being(rng)
    patient = recipient = companion = place = None
    relation = ""
    kind = rng.random()
    if kind < 0.35:
        action = pick(rng, c.ACTS_ON_BEINGS)
        patient = location(rng) if action == "visit" else being(rng)
    elif kind < 0.6:
        action = pick(rng, c.ACTS_ON_THINGS)
        patient = _noun(rng, pick(rng, c.THINGS), c.OF_THINGS)
    elif kind < 0.72:
        action = pick(rng, c.TRANSFERS)
        patient = _noun(rng, pick(rng, c.THINGS), c.OF_THINGS)
        recipient = being(rng)
    else:
        action = pick(rng, c.DOINGS)
        if rng.random() < 0.25:
            companion = being(rng, pronouns=0.0)
    time = manner = ""
    tense = pick(rng, c.TENSES)
    if full:
        if rng.random() < 0.4:
            place = location(rng)
            relation = pick(rng, ("in", "near", "to", "from"))
        draw = rng.random()
        if draw < 0.25:
            time = pick(rng, c.TIMES_OF[tense])
        elif draw < 0.4:
            time = pick(rng, c.SEASONS)
        if rng.random() < 0.2:
            manner = pick(rng, c.MANNERS)
    negated = rng.random() < 0.12
    return Event(action, agent, patient, recipient, relation, place, companion, time, manner, tense, negated)


def _thing_key(thing: Thing | None) -> str:
    if thing is None:
        return "-"
    owner = "" if thing.owner is None else _thing_key(thing.owner)
    x = thing
    return f"{x.head},{x.second},{x.quality},{owner},{x.number},{x.plural},{x.determiner}"


def key(event: Event) -> str:
    """The event as one line of text, which no other event has."""
    e = event
    return (
        f"{e.action}|{_thing_key(e.agent)}|{_thing_key(e.patient)}|{_thing_key(e.recipient)}|{e.relation}|"
        f"{_thing_key(e.place)}|{_thing_key(e.companion)}|{e.time}|{e.manner}|{e.tense}|{e.negated}"
    )


def part(event: Event) -> Part:
    """The split that the event belongs to: every event that can be drawn is in exactly one.

    Train (and text) has six eighths, dev and test one each, so that what is tested was never read.
    """
    eighth = crc32(key(event).encode()) & 7
    return "train" if eighth < 6 else "dev" if eighth == 6 else "test"


def draw_meaning(rng: random.Random, split: Part, agent: Thing | None = None) -> Meaning:
    """What one sentence says; every event in it is of the split."""
    draw = rng.random()
    if draw < 0.78:
        return Meaning(_until(split, lambda: draw_event(rng, agent)))
    if draw < 0.9:
        first = _until(split, lambda: draw_event(rng, agent, full=False))
        link = pick(rng, (*c.LINKS, "because"))
        return Meaning(first, link, _until(split, lambda: draw_event(rng, full=False)))
    telling = _until(split, lambda: _opinion(rng, agent or being(rng)))
    told = _until(split, lambda: draw_event(rng, full=rng.random() < 0.5))
    return Meaning(telling, "that-clause", told)


def _opinion(rng: random.Random, teller: Thing) -> Event:
    return Event(pick(rng, c.OPINIONS), teller, tense=pick(rng, c.TENSES), negated=rng.random() < 0.12)


def _until(split: Part, draw: Callable[[], Event]) -> Event:
    while True:
        event = draw()
        if part(event) == split:
            return event


def mentioned(meaning: Meaning) -> list[Thing]:
    """Participants that a next sentence may take up again, without what was said of them."""
    event = meaning.second or meaning.event
    named = [event.agent, event.patient, event.recipient, event.companion]
    return [
        Thing("noun", x.head, determiner="this") if x.kind == "noun" else x
        for x in named
        if x is not None and x.kind != "pronoun"
    ]
