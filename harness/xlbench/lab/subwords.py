"""How finely the model's tokenizer cuts languages, and how much of a test set's pieces other text has.

From inputs alone: no label is read and no model is run.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Subwords, Worded, mixture
from xlbench.data import amounts
from xlbench.data.scripts import UNSPACED
from xlbench.lab import running_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from xlbench.contracts import Example, Resolved

LINES = 1_000
"""Of a transfer language's text, from the start."""


def measure(resolved: Resolved, tokenizer: Any, blank: Collection[int]) -> dict[str, Subwords]:
    """By task, for the study's transfer languages and targets. `blank`: pieces without text.

    Text is taken as finetuning takes it, so that none is made or cleaned twice. Test inputs are taken whole,
    whatever the task's longest input is. Raises DataError.
    """
    unspaced = {x.code for x in resolved.languages.values() if x.script in UNSPACED}
    having = set(resolved.corpus.languages())
    size = 1 + max(tokenizer.get_vocab().values())
    counted, shared = _kinds(tokenizer, blank, size)
    text: dict[str, float] = {}
    types: dict[str, NDArray[np.bool_]] = {}
    for f in mixture.each(resolved.study.transfer):
        if f in having:
            lines = resolved.corpus.lines(f, resolved.mlm.lines)[:LINES]
            pieces = _pieces(lines, tokenizer, size)
            types[f] = (pieces > 0) & shared
            if words := amounts.words(lines):
                text[f] = int(pieces.sum()) / words
    found = {}
    for task, targets in resolved.targets.items():
        tests: dict[str, float] = {}
        overlap: dict[tuple[str, str], float] = {}
        for g in targets:
            examples = resolved.examples(task, g, "test")
            pieces, words = _read(examples, tokenizer, size, spaced=g not in unspaced)
            if words:
                tests[g] = int(pieces.sum()) / words
            at = np.flatnonzero(pieces * counted)
            running = pieces[at]
            if len(at):
                overlap |= {(f, g): float(running[x[at]].sum() / running.sum()) for f, x in types.items()}
        found[task] = Subwords(text, tests, overlap)
    return found


def _kinds(tokenizer: Any, blank: Collection[int], size: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each piece of the vocabulary: whether it stands for text, and whether always for the same.

    The unknown piece does the one and not the other.
    """
    shared = np.ones(size, np.bool_)
    shared[[*blank, *tokenizer.all_special_ids]] = False
    counted = shared.copy()
    if tokenizer.unk_token_id is not None:
        counted[tokenizer.unk_token_id] = True
    return counted, shared


def _read(
    examples: Sequence[Example], tokenizer: Any, size: int, *, spaced: bool
) -> tuple[NDArray[np.int64], int]:
    """How often each piece is in a test set, and how many words are; 0 where that is not known."""
    given = [x for x in examples if isinstance(x, Worded)]
    texts = [text for x in examples if not isinstance(x, Worded) for text in x.own_sentences()]
    read = running_text.tokenize(given, tokenizer, add_special_tokens=False, return_token_type_ids=False)
    pieces = _counted((x.encoding.ids for x in read), size) + _pieces(texts, tokenizer, size)
    if texts and not spaced:
        return pieces, 0
    return pieces, sum(len(x.words) for x in given) + _words(texts)


def _words(texts: Iterable[str]) -> int:
    return sum(len(x.split()) for x in texts)


def _pieces(texts: Sequence[str], tokenizer: Any, size: int) -> NDArray[np.int64]:
    """How often each piece is in texts, shape (size,)."""
    if not texts:
        return np.zeros(size, np.int64)
    batch = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False,
                      return_token_type_ids=False, verbose=False)  # fmt: skip
    return _counted(batch["input_ids"], size)


def _counted(ids: Iterable[Sequence[int]], size: int) -> NDArray[np.int64]:
    return np.bincount(np.fromiter(itertools.chain.from_iterable(ids), np.int64), minlength=size)
