"""One label per word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from xlbench.contracts import GOLD_SHARE, PREDICTED_SHARE
from xlbench.lab.encode import Encoded, encode_words
from xlbench.lab.kinds.labelling import Labelling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from xlbench.contracts import Labels, Tagged, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.kinds.kind import Predicted


class Tagging(Labelling):
    """A label a word, read at its first piece that carries text, or its last piece, by a linear head."""

    def encode(self, examples: Sequence[Tagged], how: Tokenization) -> Encoded:
        """A sentence is an input."""
        words = encode_words(examples, how)
        return Encoded(words.ids, None, words.labelled, [x.tags for x in examples], words.truncated)

    def add_head(self, model: Any, task: Task) -> None:
        """Linear."""
        model.add_tagging_head(task.name, num_labels=len(task.labels), id2label=dict(enumerate(task.labels)))

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """See `Labelling`."""
        return cast("Tensor", encoder.outputs(batch).logits[batch.rows, batch.columns])

    def further(self, task: Task, encoded: Encoded, predicted: Sequence[Predicted]) -> Mapping[str, float]:
        """How often each label is predicted, beside how often it is right to."""
        return label_shares(encoded.gold, predicted)


def label_shares(gold: Sequence[Labels], predicted: Sequence[Labels]) -> dict[str, float]:
    """Shares of all words, in percent, by label that occurs: `gold.NOUN`, `predicted.NOUN`. Words that were
    cut off count among all words, and have no predicted label.
    """
    words = sum(map(len, gold))
    found: dict[str, float] = {}
    for prefix, labels in ((GOLD_SHARE, gold), (PREDICTED_SHARE, predicted)):
        counts = Counter(label for sentence in labels for label in sentence if label is not None)
        found |= {f"{prefix}{label}": 100 * count / words for label, count in sorted(counts.items())}
    return found
