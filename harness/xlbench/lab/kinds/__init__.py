"""The kinds of task that are built in: how examples become tokens, their head, loss and predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import KindOfTask

if TYPE_CHECKING:
    from xlbench.lab.kinds.kind import Kind


def _tagging() -> Kind:
    from xlbench.lab.kinds.labelling import Tagging

    return Tagging()


def _classification() -> Kind:
    from xlbench.lab.kinds.labelling import Classification

    return Classification()


def _parsing() -> Kind:
    from xlbench.lab.kinds.parsing import Parsing

    return Parsing()


def _span() -> Kind:
    from xlbench.lab.kinds.span import Span

    return Span()


def _language_model() -> Kind:
    from xlbench.lab.kinds.language_model import LanguageModel

    return LanguageModel()


@hookimpl
def xlbench_kinds() -> Iterable[KindOfTask]:
    """Register the kinds."""
    yield KindOfTask(name="tagging", summary="One label per word", load=_tagging)
    yield KindOfTask(name="classification", summary="One label per example", load=_classification)
    yield KindOfTask(name="parsing", summary="A dependency tree over given words", load=_parsing)
    yield KindOfTask(name="span", summary="An answer, as a span of a context", load=_span)
    yield KindOfTask(
        name="language-model",
        summary="The probability of a text, by the model's own language-model head",
        load=_language_model,
    )
