"""Whether a checkpoint's tokenizer cuts given words as it always has, so that stored results still hold.

Version 1 tokenized each word by itself; version 2 tokenizes sentences as running text. Where the space
between words comes to the same either way, all tokens are the same, and stored results of version 1 hold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.models.checkpoints import Checkpoint

VERSION = 2
ALONE = frozenset({"WhitespaceSplit", "Punctuation", "Digits"})
"""Ways to cut text before tokens are looked up that end words at spaces and add nothing to them."""


def version(checkpoint: Checkpoint) -> int:
    """The first version that gives the tokens of version 2 for words joined by spaces.

    Of a checkpoint on the hub the files need not be here, so it is `VERSION`.
    """
    if checkpoint.revision is not None:
        return VERSION
    try:
        content = json.loads(Path(checkpoint.source, "tokenizer.json").read_bytes())
        return 1 if _is_unchanged(content) else VERSION
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return VERSION


def _is_unchanged(content: Any) -> bool:
    """Whether words end at their spaces and are the same wherever they stand: BERT's way, or a space (or a
    mark for it) put before every word.
    """
    if any(x["type"] in {"Prepend", "Replace"} and not _is_squeeze(x) for x in _steps(content["normalizer"])):
        return False
    (cut,) = (x for x in _steps(content["pre_tokenizer"]) if x["type"] not in ALONE)
    match cut["type"]:
        case "BertPreTokenizer":
            return True
        case "Metaspace":
            return bool(cut.get("prepend_scheme", "always") == "always" and cut.get("add_prefix_space", True))
        case "ByteLevel":
            return bool(cut["add_prefix_space"] and cut.get("use_regex", True))
    return False


def _is_squeeze(step: Any) -> bool:
    """Whether a replacement makes one space of several, which cannot be between given words."""
    return bool(step["pattern"] == {"Regex": " {2,}"} and step["content"] in (" ", "▁"))


def _steps(one: Any) -> Iterator[Any]:
    """A step of a tokenizer, or those of a sequence."""
    if one is None:
        return
    if one["type"] == "Sequence":
        for x in one.get("normalizers", one.get("pretokenizers")):
            yield from _steps(x)
    else:
        yield one
