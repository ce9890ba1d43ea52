"""Small, real data and a study over them, made on the spot."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from xlbench.contracts import (
    AdapterTraining,
    Answered,
    BaseModel,
    Classified,
    Dropped,
    Example,
    FinetuningSettings,
    GivenAdapter,
    Method,
    Metric,
    Parsed,
    Rated,
    Resolved,
    Split,
    Study,
    Tagged,
    Task,
    Translated,
)
from xlbench.lab import adapters, compositions, kinds, objectives, treatments
from xlbench.metrics import answer_f1, attachment, precision_at_1, spearman
from xlbench.models import given_adapters

WORDS = ["ana", "beka", "koli", "dumo", "sira", "tavo", "nelu", "oru", "pim", "zan", "lakomi", "wendo"]
TAGS = ("NOUN", "VERB", "ADJ")


@cache
def sentence(number: int, length: int | None = None) -> Tagged:
    """A sentence of 1 to 14 words; the tag of a word depends on its letters alone."""
    rng = np.random.default_rng(number)
    words = rng.choice(WORDS, length or int(rng.integers(1, 15)))
    return Tagged(tuple(map(str, words)), tuple(TAGS[len(w) % 3] for w in words))


def pair(number: int) -> Classified:
    """Two short texts; the label says whether they have a word in common."""
    first, second = sentence(number, 3).words, sentence(number + 1, 3).words
    label = "yes" if set(first) & set(second) else "no"
    return Classified((" ".join(first), " ".join(second)), label)


def tree(number: int) -> Parsed:
    """A sentence whose words hang from its first one, each by a relation that depends on its letters."""
    words = sentence(number).words
    relations = ("root", *(("obj", "amod", "obl")[len(w) % 3] for w in words[1:]))
    return Parsed(words, (0, *[1] * (len(words) - 1)), relations)


def question(number: int) -> Answered:
    """A context of 14 words, two windows or more, that has one word which the question asks for."""
    rng = np.random.default_rng(number)
    words = [str(w) for w in rng.choice([w for w in WORDS if w != "lakomi"], 14)]
    place = int(rng.integers(14))
    words[place] = "lakomi"
    start = len(" ".join(words[:place])) + (place > 0)
    return Answered("zan oru", " ".join(words), ("lakomi",), (start,))


def rated(number: int) -> Rated:
    """Two texts; the rating is how many words the second has."""
    first, second = sentence(number, 3).words, sentence(number + 1).words
    return Rated((" ".join(first), " ".join(second)), float(len(second)))


def translated(number: int) -> Translated:
    """A sentence, and as its translation its words the other way round, with a word more."""
    words = sentence(number).words
    return Translated(" ".join(words), " ".join((*reversed(words), "zan")))


def _count(gold: Sequence[str | None], predicted: Sequence[str | None]) -> tuple[int, int]:
    return sum(g == p for g, p in zip(gold, predicted, strict=True)), len(gold)


def _score(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)


MAKERS: dict[str, Callable[[int], Example]] = {
    "tags": sentence, "pairs": pair, "trees": tree, "questions": question,
    "ratings": rated, "translations": translated,
}  # fmt: skip


@dataclass
class Made:
    """Data and text made on the spot, for two languages."""

    task: str
    name: str = "made"
    source: str = "made by the tests"
    sizes: dict[Split, int] = field(default_factory=lambda: {"train": 60, "dev": 10, "test": 25})

    def languages(self, split: Split) -> Collection[str]:
        return ("qaa", "qab")

    def fingerprint(self, language: str, split: Split) -> str:
        return f"{self.task}-{language}-{split}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        start = 1000 * ["train", "dev", "test"].index(split) + (5000 if language == "qab" else 0)
        return [MAKERS[self.task](start + i) for i in range(self.sizes[split])][:limit]


class MadeText:
    """Unlabelled text for the same two languages."""

    name, source, commit = "made", "made by the tests", None

    def languages(self) -> Collection[str]:
        return ("qaa", "qab")

    def fingerprint(self, language: str) -> str:
        return f"text-{language}"

    def dropped(self, language: str, limit: int) -> Dropped:
        return Dropped()

    def near_duplicates(self, language: str, limit: int) -> int:
        return 0

    def lines(self, language: str, limit: int) -> Sequence[str]:
        start = 9000 if language == "qaa" else 19000
        return [" ".join(sentence(start + i).words) for i in range(min(limit, 80))]


@cache
def built_in() -> Method:
    """The parts of the method that xlbench brings."""
    found = {
        "kinds": kinds.xlbench_kinds(), "objectives": objectives.xlbench_objectives(),
        "adapters": adapters.xlbench_adapters(), "compositions": compositions.xlbench_compositions(),
        "treatments": treatments.xlbench_treatments(),
    }  # fmt: skip
    return Method(**{vocabulary: {x.name: x for x in parts} for vocabulary, parts in found.items()})


def find_adapter(text: str, config: Mapping[str, Any]) -> GivenAdapter:
    """An adapter that is given, of one of the kinds that xlbench brings."""
    return given_adapters.find(text, config, built_in().adapters.values())


def study_over(checkpoint: Path, names: Sequence[str] = ("tags", "pairs")) -> Resolved:
    """A study over the made data: a tagging task and a classification of pairs, or others of `MAKERS`."""
    metric = Metric("accuracy", ("correct", "total"), _count, _score)
    known = {
        "tags": Task("tags", 1, "", "tagging", TAGS, metric, AdapterTraining(epochs=2, batch_size=16), 48,
                     "made", lambda paths: Made("tags")),
        "pairs": Task("pairs", 1, "", "classification", ("yes", "no"), metric,
                      AdapterTraining(epochs=2, batch_size=16), 48, "made", lambda paths: Made("pairs")),
        "trees": Task("trees", 1, "", "parsing", ("root", "obj", "amod", "obl"), attachment(),
                      AdapterTraining(epochs=2, batch_size=16), 48, "made", lambda paths: Made("trees")),
        "questions": Task("questions", 1, "", "span", (), answer_f1(),
                          AdapterTraining(epochs=2, batch_size=16), 48, "made",
                          lambda paths: Made("questions")),
        "ratings": Task("ratings", 1, "", "pair-similarity", (), spearman(),
                        AdapterTraining(epochs=2, batch_size=16), 48, "made", lambda paths: Made("ratings")),
        "translations": Task("translations", 1, "", "retrieval", (), precision_at_1(), None, 48, "made",
                             lambda paths: Made("translations")),
    }  # fmt: skip
    tasks = {name: known[name] for name in names}
    study = Study(
        model=str(checkpoint), tasks=tuple(names), transfer=("qaa",), targets=("qaa", "qab"),
        train_languages=("qaa",), steps=(1, 3), seeds=(0, 1), controls=("target", "shuffled"),
    )  # fmt: skip
    return Resolved(
        study=study, model=BaseModel("made", "", str(checkpoint)), model_fingerprint="made",
        tasks=tasks, data={t: Made(t) for t in tasks},
        training={t: x.training for t, x in tasks.items() if x.training is not None},
        mlm=FinetuningSettings(chunk=16, batch_size=4), corpus=MadeText(), languages={},
        targets=dict.fromkeys(tasks, ("qaa", "qab")), method=built_in(),
    )  # fmt: skip
