"""The task `sentiment` and its data: short opinions about things, made from phrases."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from random import Random

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Split, Task, TaskData
from xlbench.metrics import macro_f1
from xlbench.readers import LabelledTexts, read_folders, table_files
from xlbench_sentiment.phrases import OPINIONS, THINGS, TRAINING_THINGS

xlbench_contract = 1

LABELS = ("negative", "neutral", "positive")


class Opinions:
    """Sentences of the module `phrases`: a training set of some things, a test set of others."""

    name = "opinions"
    task = "sentiment"
    source = "phrases written for xlbench-sentiment 1.0; CC0 1.0"

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes; the same for every split."""
        return tuple(THINGS)

    def fingerprint(self, language: str, split: Split) -> str:
        """Changes whenever the examples do: results of other data are never taken for these."""
        return f"opinions 1, {language}, {split}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Classified]:
        """Every opinion on every thing of the split, in an order that is always the same."""
        things = (
            THINGS[language][:TRAINING_THINGS] if split == "train" else THINGS[language][TRAINING_THINGS:]
        )
        found = [
            Classified((phrase.format(thing),), label)
            for label, phrases in OPINIONS[language].items()
            for phrase in phrases
            for thing in things
        ]
        Random(f"{language} {split}").shuffle(found)
        return found[:limit]


FORM = LabelledTexts(
    texts={"text": ("text", "review", "sentence")},
    label=("label", "sentiment"),
    labels={**{x: x for x in LABELS}, **{x.upper(): x for x in LABELS}},
)


def folder(paths: Sequence[Path]) -> TaskData:
    """What `--data sentiment=FOLDER` reads: tables such as eng.test.tsv, with the columns text and label."""
    return read_folders(paths, table_files("sentiment", FORM))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task."""
    yield Task(
        name="sentiment",
        version=1,
        summary="sentiment of short opinions: macro-F1",
        kind="classification",
        labels=LABELS,
        metric=macro_f1(LABELS),
        training=AdapterTraining(learning_rate=1e-3, epochs=10),
        max_length=64,
        default_data="opinions",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """Its data."""
    yield Opinions()
