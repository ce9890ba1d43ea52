"""Readers of tagged sentences: CoNLL-U, and two-column CoNLL with IOB2 tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench_tasks._lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")
"""IDs of multiword ranges (3-4) and empty nodes (8.1)."""
COLUMNS = 10


def read_conllu(path: Path, limit: int | None, labels: Mapping[str, str]) -> list[Tagged]:
    """Syntactic words and their UPOS, mapped by `labels`; the first `limit` sentences.

    Multiword ranges and empty nodes are no words. Format: universaldependencies.org/format.html.
    Raises DataError, naming file and line.
    """
    found: list[Tagged] = []
    words: list[str] = []
    tags: list[str] = []
    begun = False
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            if words:
                found.append(Tagged(tuple(words), tuple(tags)))
                words, tags, begun = [], [], False
                if len(found) == limit:
                    break
            elif begun:
                raise DataError(f"{path}:{number}: a sentence without words; remove it")
            continue
        begun = True
        if line[0] == "#" and not words:
            continue
        fields = line.split("\t")
        if len(fields) != COLUMNS:
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where CoNLL-U has {COLUMNS}; repair the file"
            )
        if fields[0] != str(len(words) + 1):
            if NO_WORD.fullmatch(fields[0]):
                continue
            raise DataError(
                f"{path}:{number}: ID {fields[0]!r} where {len(words) + 1} was due; repair the file"
            )
        if not fields[1]:
            raise DataError(f"{path}:{number}: a word without form; repair the file")
        if fields[3] not in labels:
            raise DataError(
                f"{path}:{number}: {fields[3]!r} is no UPOS tag; see universaldependencies.org/u/pos"
            )
        words.append(fields[1])
        tags.append(labels[fields[3]])
    if begun:
        raise DataError(
            f"{path}: ends within a sentence (no blank line after it), so it looks truncated; fetch it again"
        )
    _check_some(path, found, limit)
    if found and all(word == "_" for one in found for word in one.words):
        raise DataError(
            f"{path}: every word is `_`: this treebank comes without its text; merge it in, or take another"
        )
    return found


def read_conll(path: Path, limit: int | None, labels: Mapping[str, str]) -> list[Tagged]:
    """Lines of word TAB tag with a blank line after each sentence; the first `limit` sentences.

    Tags are IOB2, and mapped by `labels`. Raises DataError, naming file and line.
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
        word, _, tag = line.partition("\t")
        if not word.strip() or not tag or "\t" in tag:
            raise DataError(f"{path}:{number}: {line!r} is not word TAB tag; repair the line")
        if tag not in labels:
            raise DataError(
                f"{path}:{number}: unknown label {tag!r}; rename it in the file to one of "
                f"{', '.join(sorted(set(labels.values())))}"
            )
        if tag[0] == "I" and before[2:] != tag[2:]:
            raise DataError(
                f"{path}:{number}: {tag} continues nothing, so this is not IOB2; make it B{tag[1:]}"
            )
        before = tag
        words.append(word)
        tags.append(labels[tag])
    _check_some(path, found, limit)
    return found


def _check_some(path: Path, found: list[Tagged], limit: int | None) -> None:
    if not found and limit != 0:
        raise DataError(f"{path}: no sentence in it; fetch it again, or remove it")
