"""Running text: meanings in an order, where a next sentence often takes up what the last one told."""

from __future__ import annotations

import random
from collections.abc import Iterator

from xlbench_tasks.artificial import concepts as c
from xlbench_tasks.artificial.meanings import Event, Meaning, draw_meaning, location, mentioned, part, pick


def told_again(rng: random.Random, event: Event) -> Event:
    """The same happening in other words: less said of the participants, other circumstances, or denied."""
    agent, patient = event.agent, event.patient
    if rng.random() < 0.5:
        agent = agent._replace(quality="", owner=None)
    if patient is not None and rng.random() < 0.5:
        patient = patient._replace(quality="", owner=None)
    if rng.random() < 0.2 and patient is not None:
        agent, patient = patient, agent
    place = event.place if rng.random() < 0.4 else location(rng) if rng.random() < 0.3 else None
    return event._replace(
        agent=agent,
        patient=patient,
        place=place,
        relation="" if place is None else event.relation or "in",
        manner=pick(rng, c.MANNERS) if rng.random() < 0.2 else "",
        negated=event.negated != (rng.random() < 0.25),
    )


def discourse(rng: random.Random) -> Iterator[Meaning]:
    """Meanings without end, all of the train split."""
    last = draw_meaning(rng, "train")
    yield last
    while True:
        draw = rng.random()
        if draw < 0.35:
            meaning = draw_meaning(rng, "train")
        elif draw < 0.7 and (known := mentioned(last)):
            meaning = draw_meaning(rng, "train", known[int(rng.random() * len(known))])
        else:
            meaning = Meaning(told_again(rng, last.second or last.event))
            if part(meaning.event) != "train" or meaning == last:
                continue
        last = meaning
        yield meaning
