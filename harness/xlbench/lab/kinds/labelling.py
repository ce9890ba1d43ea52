"""Labels from a closed set: one a word, or one an example."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.contracts import Classified, Example, Tagged
from xlbench.lab.encode import Encoded, encode_words
from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encoder import Encoder


class Labelling:
    """What tagging and classification have in common: a label at each place of an input."""

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Shape (places, labels)."""
        raise NotImplementedError

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[np.int64]:
        """Number of the gold label of every place."""
        number = {label: i for i, label in enumerate(task.labels)}
        return np.array([number[x] for s in sets for labels in s.gold for x in labels], np.int64)

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]) -> Tensor:
        """Mean cross entropy."""
        gold = torch.from_numpy(targets[batch.slots]).to(encoder.device)
        return cross_entropy(self.logits(encoder, batch), gold)

    def places(self, batch: Batch, targets: NDArray[np.int64]) -> int:
        """Words or examples that were not cut off."""
        return len(batch.slots)

    def answers(self, encoder: Encoder, task: Task, batch: Batch) -> Sequence[NDArray[Any]]:
        """Number of the label at each place that was not cut off."""
        logits = self.logits(encoder, batch)
        check_finite(task, logits)
        return batch.split(logits.argmax(-1).cpu().numpy())

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """Labels; None for words that were cut off."""
        names = [*task.labels, None]  # -1 is the last
        found = []
        for places, answer in zip(encoded.places, answers, strict=True):
            numbers = np.full(len(places), -1)
            numbers[places >= 0] = answer
            found.append(tuple(names[i] for i in numbers))
        return found

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Always the most frequent label."""
        seen = Counter(x for s in train for labels in s.gold for x in labels)
        label = max(task.labels, key=lambda x: seen[x])
        return [(label,) * len(gold) for gold in test.gold]


class Tagging(Labelling):
    """A label a word, read at its first piece that carries text, by a linear head."""

    example: type[Example] = Tagged

    def encode(
        self, examples: Sequence[Tagged], tokenizer: Any, max_length: int, blank: frozenset[int]
    ) -> Encoded:
        """A sentence is an input."""
        words = encode_words(examples, tokenizer, max_length, blank)
        return Encoded(words.ids, None, words.labelled, [x.tags for x in examples], words.truncated)

    def add_head(self, model: Any, task: Task) -> None:
        """Linear."""
        model.add_tagging_head(task.name, num_labels=len(task.labels), id2label=dict(enumerate(task.labels)))

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """See `Labelling`."""
        return cast("Tensor", encoder.outputs(batch).logits[batch.rows, batch.columns])


class Classification(Labelling):
    """A label an example, read at its first piece."""

    example: type[Example] = Classified

    def encode(
        self, examples: Sequence[Classified], tokenizer: Any, max_length: int, blank: frozenset[int]
    ) -> Encoded:
        """One or two texts are an input."""
        texts = [list(x.texts) for x in examples]
        pair = bool(texts) and len(texts[0]) == 2
        columns = [[t[0] for t in texts], [t[1] for t in texts]] if pair else [[t[0] for t in texts]]
        batch = tokenizer(*columns, truncation=True, max_length=max_length, return_attention_mask=False)
        types = None
        if pair and "token_type_ids" in tokenizer.model_input_names:
            types = [np.asarray(e.type_ids, np.int32) for e in batch.encodings]
        return Encoded(
            [np.asarray(e.ids, np.int32) for e in batch.encodings],
            types,
            [np.zeros(1, np.int32)] * len(texts),
            [(x.label,) for x in examples],
            sum(bool(e.overflowing) for e in batch.encodings),
        )

    def add_head(self, model: Any, task: Task) -> None:
        """Two layers on the first piece's vector: no pooler, so that none can be lost in finetuning."""
        labels = dict(enumerate(task.labels))
        model.add_classification_head(task.name, num_labels=len(task.labels), id2label=labels)

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """See `Labelling`."""
        return cast("Tensor", encoder.outputs(batch).logits)
