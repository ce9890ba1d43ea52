"""One label per example, of one text or two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from xlbench.lab.encode import Encoded
from xlbench.lab.kinds.labelling import Labelling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from xlbench.contracts import Classified, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder


class Classification(Labelling):
    """A label an example, read at its first piece."""

    def encode(self, examples: Sequence[Classified], how: Tokenization) -> Encoded:
        """One or two texts are an input."""
        texts = [list(x.texts) for x in examples]
        pair = bool(texts) and len(texts[0]) == 2
        columns = [[t[0] for t in texts], [t[1] for t in texts]] if pair else [[t[0] for t in texts]]
        batch = how.tokenizer(
            *columns, truncation=True, max_length=how.max_length, return_attention_mask=False
        )
        types = None
        if pair and "token_type_ids" in how.tokenizer.model_input_names:
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
