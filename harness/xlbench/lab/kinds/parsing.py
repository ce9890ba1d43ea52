"""Dependency trees over given words, by a biaffine head."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from xlbench.lab.encode import Encoded, encode_words
from xlbench.lab.kinds.kind import Predicted, check_finite
from xlbench.lab.kinds.tree import best_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xlbench.contracts import Parsed, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder

NOWHERE = -100
"""Target of a word whose head was cut off."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words of a batch, each sentence padded: the root first, then those that were not cut off."""

    nodes: Tensor
    """Shape (batch, 1 + words, hidden)."""
    rows: Tensor
    """Sentence of each word, shape (places,)."""
    numbers: Tensor
    """Number of each word among those of its sentence that were not cut off, from 1; shape (places,)."""
    sizes: Tensor
    """Such words of each sentence, shape (batch,)."""


class Parsing:
    """A head and a relation a word: the head of Glavas and Vulic (2021, arXiv 2008.06788).

    A word is the mean of its pieces' vectors, the root the first piece's; where a piece sees only those
    before it, a word is its last piece's vector, and the root the last of all. One biaffine form scores arcs,
    one relations; the weights are those of the library's own head, so that what is saved loads anywhere.
    """

    def encode(self, examples: Sequence[Parsed], how: Tokenization) -> Encoded:
        """A sentence is an input."""
        words = encode_words(examples, how)
        gold = [tuple(zip(x.heads, x.relations, strict=True)) for x in examples]
        if how.words_at == "last":
            return Encoded(words.ids, None, words.labelled, gold, words.truncated)
        return Encoded(words.ids, None, words.first, gold, words.truncated, words.ends)

    def add_head(self, model: Any, task: Task) -> None:
        """Two biaffine forms, at zero."""
        labels = dict(enumerate(task.labels))
        model.add_dependency_parsing_head(task.name, num_labels=len(task.labels), id2label=labels)

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[np.int64]:
        """Of every word: its head's number among the words that were not cut off, and its relation."""
        number = {label: i for i, label in enumerate(task.labels)}
        found = []
        for one in sets:
            for places, gold in zip(one.places, one.gold, strict=True):
                kept = places >= 0
                ranks = np.concatenate([[0], np.where(kept, kept.cumsum(), NOWHERE)])
                found += [(ranks[head], number[relation]) for head, relation in gold]
        return np.array(found, np.int64).reshape(-1, 2)

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]) -> Tensor:
        """Cross entropy of heads, and of relations at gold heads."""
        heads, relations = torch.from_numpy(targets[batch.slots]).to(encoder.device).unbind(-1)
        head = encoder.head(task.name)
        words = self._vectors(encoder, head, batch)
        arcs = self._arcs(head, words)[words.rows, words.numbers - 1]
        kept = heads != NOWHERE
        (among,) = self._relations(head, words, heads.clamp(min=0))
        count = kept.sum().clamp(min=1)
        loss = cross_entropy(arcs, heads, reduction="sum", ignore_index=NOWHERE)
        loss = loss + cross_entropy(among[kept], relations[kept], reduction="sum")
        return loss / count

    def places(self, batch: Batch, targets: NDArray[np.int64]) -> int:
        """Words that were not cut off, nor their heads."""
        return max(1, int((targets[batch.slots][:, 0] != NOWHERE).sum()))

    def answers_and_loss(
        self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]
    ) -> tuple[Sequence[NDArray[Any]], NDArray[np.float64]]:
        """Of each word that was not cut off: its head's number among such words, and its relation.

        Head and relation together are one decision: - log p(head) - log p(relation | gold head). A word whose
        head was cut off is none.
        """
        if not len(batch.slots):
            return batch.split(np.zeros((0, 2), np.int64)), np.zeros((len(batch.members), 2))
        head = encoder.head(task.name)
        words = self._vectors(encoder, head, batch)
        arcs = self._arcs(head, words)
        check_finite(task, arcs.masked_fill(arcs == -torch.inf, 0.0))
        scores, sizes = arcs.cpu().numpy(), words.sizes.tolist()
        heads = np.concatenate([best_tree(scores[i, :n, : n + 1]) for i, n in enumerate(sizes) if n])
        true, relations = torch.from_numpy(targets[batch.slots]).to(encoder.device).unbind(-1)
        among, at_gold = self._relations(
            head, words, torch.from_numpy(heads).to(encoder.device), true.clamp(min=0)
        )
        check_finite(task, among)
        kept = true != NOWHERE
        of_heads = arcs[words.rows, words.numbers - 1].float()
        nats = cross_entropy(of_heads, true, reduction="none", ignore_index=NOWHERE)
        nats += cross_entropy(at_gold.float(), relations, reduction="none") * kept
        answers = np.stack([heads, among.argmax(-1).cpu().numpy()], axis=1)
        return batch.split(answers), batch.summed(nats, kept)

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """Arcs; None for words that were cut off."""
        found = []
        for places, answer in zip(encoded.places, answers, strict=True):
            kept = np.flatnonzero(places >= 0)
            numbers = [0, *(kept + 1).tolist()]
            arcs: list[tuple[int, str] | None] = [None] * len(places)
            for word, (head, relation) in zip(kept, answer.tolist(), strict=True):
                arcs[word] = (numbers[head], task.labels[relation])
            found.append(tuple(arcs))
        return found

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Every word hangs from the word before it, or every word from the next one, and the word at the end
        from the root; relations are the most frequent of such arcs. Of the two sides, the one of better LAS.
        """
        fitted = []
        for step in (-1, 1):
            right: Counter[tuple[bool, str]] = Counter()
            for gold in (gold for s in train for gold in s.gold):
                chain = _chain(len(gold), step)
                right.update((h == 0, r) for c, (h, r) in zip(chain, gold, strict=True) if c == h)
            names = [max(task.labels, key=lambda x: right[at_root, x]) for at_root in (False, True)]
            fitted.append((right[False, names[0]] + right[True, names[1]], step, names))
        _, step, names = max(fitted)
        return [tuple((h, names[h == 0]) for h in _chain(len(gold), step)) for gold in test.gold]

    def _vectors(self, encoder: Encoder, head: Any, batch: Batch) -> Vectors:
        hidden = head.dropout(encoder.hidden(batch))
        lengths = batch.ends - batch.columns
        word = torch.arange(len(lengths), device=hidden.device).repeat_interleave(lengths)
        offset = torch.arange(len(word), device=hidden.device) - (lengths.cumsum(0) - lengths)[word]
        pieces = hidden[batch.rows[word], batch.columns[word] + offset]
        sums = torch.zeros(len(lengths), hidden.shape[-1], device=hidden.device).index_add(0, word, pieces)
        sizes = torch.bincount(batch.rows, minlength=len(hidden))
        numbers = torch.arange(len(lengths), device=hidden.device) - (sizes.cumsum(0) - sizes)[batch.rows] + 1
        nodes = hidden.new_zeros(len(hidden), 1 + int(sizes.max()), hidden.shape[-1])
        nodes[:, 0] = hidden[torch.arange(len(hidden), device=hidden.device), encoder.text_places(batch)]
        nodes[batch.rows, numbers] = sums / lengths[:, None]
        return Vectors(nodes, batch.rows, numbers, sizes)

    def _arcs(self, head: Any, words: Vectors) -> Tensor:
        """Shape (batch, words, 1 + words); minus infinity for heads that are padding or the word itself."""
        scores = head.biaffine_arcs(words.nodes[:, 1:], words.nodes)[:, 0]
        nodes = torch.arange(words.nodes.shape[1], device=scores.device)
        padding = nodes > words.sizes[:, None, None]
        return cast("Tensor", scores.masked_fill(padding | (nodes[1:, None] == nodes), -torch.inf))

    def _relations(self, head: Any, words: Vectors, *heads: Tensor) -> list[Tensor]:
        """Scores of the relations of every word to the given heads, shape (places, labels) for each of them;
        what a word has in them all is computed once.
        """
        own, *others = (
            pad(words.nodes[words.rows, x], (0, 1), value=1.0) for x in (words.numbers, *heads)
        )  # the form has a bias on both sides
        # torch.nn.functional.bilinear takes twenty times as long on a CPU.
        found: list[list[Tensor]] = [[] for _ in others]
        for form in head.biaffine_rels.weight:
            half = own @ form
            for scores, other in zip(found, others, strict=True):
                scores.append((half * other).sum(-1))
        return [torch.stack(scores, 1) for scores in found]


def _chain(n: int, step: int) -> list[int]:
    """Heads of n words that each hang from a neighbour, the word before (-1) or the next one (1)."""
    heads = [number + step for number in range(1, n + 1)]
    return [head if head <= n else 0 for head in heads]
