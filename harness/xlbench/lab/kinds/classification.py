"""One label per example, of one text or two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from xlbench.lab.encode import Encoded, encode_texts
from xlbench.lab.kinds.labelling import Labelling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from xlbench.contracts import Classified, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder


class Classification(Labelling):
    """A label an example, read at its first piece, or the last (`Tokenization.texts_at`)."""

    def encode(self, examples: Sequence[Classified], how: Tokenization) -> Encoded:
        """One or two texts are an input."""
        texts = encode_texts([x.texts for x in examples], how)
        return Encoded(texts.ids, texts.types, texts.read, [(x.label,) for x in examples], texts.truncated)

    def add_head(self, model: Any, task: Task) -> None:
        """Two layers on one piece's vector: no pooler, so that none can be lost in finetuning."""
        labels = dict(enumerate(task.labels))
        model.add_classification_head(task.name, num_labels=len(task.labels), id2label=labels)

    def logits(self, encoder: Encoder, batch: Batch) -> Tensor:
        """See `Labelling`."""
        return cast("Tensor", encoder.outputs(batch).logits)
