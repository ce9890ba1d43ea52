"""Artificial languages with known relations: text, labelled data and distances, made from a seed.

In the tradition of White and Cotterell (2021), "Examining the inductive bias of neural language
models with artificial languages" (ACL 2021): what differs between the languages is chosen, so what a
transfer study ought to find is known. `docs/explanation/artificial-languages.md` describes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xlbench import hookimpl

if TYPE_CHECKING:
    from xlbench.contracts import Corpus, Distance, Language, TaskData


@hookimpl
def xlbench_languages() -> Iterator[Language]:
    """The living languages of the tree."""
    from xlbench.contracts import Language
    from xlbench_tasks.artificial.tree import LEAVES

    for leaf in LEAVES.values():
        yield Language(leaf.code, leaf.name, leaf.family.name, leaf.lineage[0].name, leaf.script)


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """Data named "artificial" for `pos`, `ner`, `nli`, `lm`, `sts` and `retrieval`."""
    from xlbench_tasks.artificial.data import ArtificialData

    yield ArtificialData("pos")
    yield ArtificialData("ner")
    yield ArtificialData("nli")
    yield ArtificialData("lm")
    yield ArtificialData("sts")
    yield ArtificialData("retrieval")


@hookimpl
def xlbench_corpora() -> Iterator[Corpus]:
    """Text named "artificial"."""
    from xlbench_tasks.artificial.data import ArtificialText

    yield ArtificialText()


@hookimpl
def xlbench_distances() -> Iterator[Distance]:
    """Lexical, word-order, script and tree distance."""
    from xlbench_tasks.artificial.distances import distances

    yield from distances()
