"""What training adapters comes to, for estimates, by the name under which each is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Cost

if TYPE_CHECKING:
    from xlbench.contracts import LanguageAdapter, Resolved

PIECES_A_LINE = 30
"""Of text, roughly, for estimates."""


def of_task_adapter(resolved: Resolved, task: str) -> dict[str, Cost]:
    """Of the adapter of a task, last, after all that it needs: language adapters that it is trained over, and
    the adapter that a warm start goes on from.
    """
    how = resolved.training[task]
    examples = sum(resolved.size(task, x, "train") for x in resolved.train_languages(task))
    found: dict[str, Cost] = {}
    for one in how.over.adapters if how.over is not None else ():
        found |= of_language_adapter(resolved, one)
    for part in dict.fromkeys((how.first, how)):
        name = resolved.with_training({task: part}).task_adapter_name(task)
        found[name] = Cost(train_examples=part.examples_seen(examples))
    return found


def of_language_adapter(resolved: Resolved, one: LanguageAdapter) -> dict[str, Cost]:
    """Of a language adapter, in pieces of text, roughly; known before the text is tokenized."""
    name = resolved.language_adapter_name(one)
    if one.kind != "trained":
        return {name: Cost()}
    how = one.training
    whole = how.epochs * resolved.text_lines(one.language, how.lines) * PIECES_A_LINE
    pieces = whole if how.steps is None else min(whole, how.steps * how.batch_size * how.chunk)
    return {name: Cost(adapt_tokens=pieces)}
