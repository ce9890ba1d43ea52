"""The kinds of task that are built in, one file each: how examples become tokens, their head, loss and
predictions. What stands here loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterable

from xlbench import hookimpl
from xlbench.contracts import (
    Answered,
    Classified,
    Imported,
    KindOfTask,
    Line,
    Parsed,
    Rated,
    Tagged,
    Translated,
)


@hookimpl
def xlbench_kinds() -> Iterable[KindOfTask]:
    """Register the kinds."""
    yield KindOfTask(
        name="tagging",
        summary="One label per word",
        examples=Tagged,
        gold="its tags",
        predicted="one tag per word; None where the word was cut off",
        level="token",
        exact=True,
        task_loss=True,
        load=Imported("xlbench.lab.kinds.tagging:Tagging", call=True),
    )
    yield KindOfTask(
        name="classification",
        summary="One label per example",
        examples=Classified,
        gold="a tuple of its label",
        predicted="a tuple of one label",
        level="sentence",
        exact=True,
        task_loss=True,
        load=Imported("xlbench.lab.kinds.classification:Classification", call=True),
    )
    yield KindOfTask(
        name="parsing",
        summary="A dependency tree over given words",
        examples=Parsed,
        gold="one arc per word: the number of its head, 0 for the root, and the relation",
        predicted="one arc per word, together a tree with one root; None where the word was cut off",
        level="token",
        exact=True,
        task_loss=True,
        load=Imported("xlbench.lab.kinds.parsing:Parsing", call=True),
    )
    yield KindOfTask(
        name="span",
        summary="An answer, as a span of a context",
        examples=Answered,
        gold="its answers",
        predicted="a tuple of one answer, a span of the context",
        level="token",
        task_loss=True,
        load=Imported("xlbench.lab.kinds.span:Span", call=True),
    )
    yield KindOfTask(
        name="language-model",
        summary="The probability of a text, by the model's own language-model head",
        examples=Line,
        gold="its text",
        predicted="the Likelihood of the text",
        trained=False,
        own_head=True,
        task_loss=True,
        load=Imported("xlbench.lab.kinds.language_model:LanguageModel", call=True),
    )
    yield KindOfTask(
        name="pair-similarity",
        summary="A number for two texts, by regression",
        examples=Rated,
        gold="a tuple of its rating",
        predicted="a tuple of one number, on the scale of the ratings",
        level="sentence",
        load=Imported("xlbench.lab.kinds.pair_similarity:PairSimilarity", call=True),
    )
    yield KindOfTask(
        name="retrieval",
        summary="The translation of a text, found in a pool by the model's own vectors",
        examples=Translated,
        gold="a tuple of its translation",
        predicted="a tuple of one text of the pool, the translations of all examples",
        trained=False,
        level="sentence",
        exact=True,
        load=Imported("xlbench.lab.kinds.retrieval:Retrieval", call=True),
    )
