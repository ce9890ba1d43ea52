"""Inference pairs: balanced, right by an independent reading of the meanings, and not to be guessed."""

from collections import Counter

import pytest

from xlbench_tasks.artificial import concepts
from xlbench_tasks.artificial.data import ArtificialData
from xlbench_tasks.artificial.meanings import Event
from xlbench_tasks.artificial.nli import Pair


def said(event: Event) -> tuple[frozenset[object], frozenset[object]]:
    """What is taken for granted of the participants, and the circumstances of the event."""
    assumed: set[object] = set()
    for role in ("agent", "patient"):
        thing = getattr(event, role)
        assumed |= {(role, "is", thing.head, thing.second, thing.plural)}
        if thing.head in concepts.GENERAL:
            assumed |= {(role, "is", concepts.GENERAL[thing.head], "", thing.plural)}
        assumed |= {
            (role, name, getattr(thing, name)) for name in ("quality", "owner") if getattr(thing, name)
        }
    circumstances = {
        (name, getattr(event, name)) for name in ("time", "place", "manner") if getattr(event, name)
    }
    return frozenset(assumed), frozenset(circumstances)


def judged(premise: Event, hypothesis: Event) -> str:
    """The label by truth conditions: a denial denies the event in its circumstances, and no more."""
    (p, p_around), (h, h_around) = said(premise), said(hypothesis)
    if premise.negated != hypothesis.negated:
        denied, told = (p_around, h_around) if premise.negated else (h_around, p_around)
        return "contradiction" if denied <= told else "neutral"
    if hypothesis.negated:
        return "entailment" if h <= p and p_around <= h_around else "neutral"
    swapped = hypothesis._replace(agent=hypothesis.patient, patient=hypothesis.agent)
    if compatible(premise, swapped) and not compatible(premise, hypothesis):
        return "contradiction"
    return "entailment" if h <= p and h_around <= p_around else "neutral"


def compatible(one: Event, other: Event) -> bool:
    """Whether each participant can be the same in both: equal, or one the kind of the other."""
    pairs = [(one.agent.head, other.agent.head), (one.patient.head, other.patient.head)]  # type: ignore[union-attr]
    return all(a == b or concepts.GENERAL.get(a) == b or concepts.GENERAL.get(b) == a for a, b in pairs)


def pairs() -> list[Pair]:
    return [x for seed in range(3) for x in ArtificialData("nli", seed).pairs("qaa", "train")]


def test_labels_are_balanced_at_every_cut() -> None:
    for split in ("train", "test"):
        labels = [x.label for x in ArtificialData("nli").examples("qaa", split)]  # type: ignore[union-attr]
        for cut in (30, 99, len(labels)):
            counts = Counter(labels[:cut])
            assert max(counts.values()) - min(counts.values()) <= 1
        assert labels[:3] != labels[3:6] or labels[6:9] != labels[:3]


def test_labels_follow_from_the_meanings() -> None:
    wrong = [x for x in pairs() if judged(x.premise, x.hypothesis) != x.label]
    assert not wrong, wrong[0]


def test_all_operations_occur() -> None:
    seen = Counter[str]()
    for x in pairs():
        p, h = x.premise, x.hypothesis
        seen[f"{x.label}, denied"] += h.negated
        seen["denying contradicts"] += x.label == "contradiction" and p.negated and not h.negated
        seen["affirming contradicts"] += x.label == "contradiction" and h.negated and not p.negated
        seen["swapping contradicts"] += x.label == "contradiction" and h.negated == p.negated
        seen["generalising entails"] += x.label == "entailment" and (
            concepts.GENERAL.get(p.agent.head) == h.agent.head
        )
        seen["dropping entails"] += x.label == "entailment" and bool(p.agent.quality) and not h.agent.quality
        seen["adding is neutral"] += x.label == "neutral" and bool(h.agent.quality) and not p.agent.quality
    assert min(seen.values()) > 50
    assert len(seen) == 9


@pytest.mark.parametrize("language", ["qaa", "qag", "qan"])
def test_the_hypothesis_alone_tells_nothing(language: str) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def sample(seeds: range) -> tuple[list[str], list[str]]:
        found = [x for s in seeds for x in ArtificialData("nli", s).examples(language, "train")]
        return [x.texts[1] for x in found], [x.label for x in found]  # type: ignore[union-attr]

    guess = make_pipeline(
        CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2), LogisticRegression(C=0.1)
    )
    assert guess.fit(*sample(range(2))).score(*sample(range(2, 4))) < 0.38


def test_the_hypothesis_alone_tells_nothing_in_the_test_set() -> None:
    """In test sets, which few premises fit, lengths and denials are alike under all labels too."""
    by_label: dict[str, list[float]] = {}
    for seed in range(4):
        for x in ArtificialData("nli", seed).pairs("qaa", "test"):
            length = sum(map(len, said(x.hypothesis))) + 10 * x.hypothesis.negated
            by_label.setdefault(x.label, []).append(length)
    means = [sum(x) / len(x) for x in by_label.values()]
    assert max(means) - min(means) < 0.6
