"""Reader of two-column CoNLL with IOB2 tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench_tasks._lines import check_some, read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_conll(path: Path, limit: int | None, labels: Mapping[str, str]) -> list[Tagged]:
    """Lines of word TAB tag with a blank line after each sentence; the first `limit` sentences.

    Tags are IOB2, and mapped by `labels`. Raises DataError, naming file, line and column.
    """
    found: list[Tagged] = []
    words: list[str] = []
    tags: list[str] = []
    before = "O"
    for number, line in enumerate([*read_lines(path), ""], 1):
        if not line:
            if words:
                found.append(Tagged(tuple(words), tuple(tags)))
                words, tags = [], []
                if len(found) == limit:
                    break
            before = "O"
            continue
        fields = line.split("\t")
        if len(fields) != 2:
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where word TAB tag are due; repair the line"
            )
        word, tag = fields
        if not word.strip():
            raise DataError(f"{path}:{number}: column 1: an empty word; repair the line")
        if tag not in labels:
            raise DataError(
                f"{path}:{number}: column 2: unknown label {tag!r}; rename it in the file to one of "
                f"{', '.join(sorted(set(labels.values())))}"
            )
        if tag[0] == "I" and before[2:] != tag[2:]:
            raise DataError(
                f"{path}:{number}: column 2: {tag} continues nothing, so this is not IOB2; make it B{tag[1:]}"
            )
        before = tag
        words.append(word)
        tags.append(labels[tag])
    check_some(path, found, limit)
    return found
