"""Tokenizers that are the same in every process."""

from __future__ import annotations

import json
from typing import Any


def in_order(core: Any) -> Any:
    """The same Unigram tokenizer, its pieces in an order of their own after the special ones: the trainer
    leaves pieces of one score in the order of a hash that differs in every process.
    """
    from tokenizers import Tokenizer

    said = json.loads(core.to_str())
    special = len(said["added_tokens"])
    vocabulary = [[piece, round(score, 4)] for piece, score in said["model"]["vocab"]]
    rest = sorted(vocabulary[special:], key=lambda x: (-x[1], x[0]))
    said["model"]["vocab"] = vocabulary[:special] + rest
    return Tokenizer.from_str(json.dumps(said))
