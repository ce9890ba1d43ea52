"""Reader of CoNLL-U: words with their tags, and dependency trees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Parsed, Tagged
from xlbench.errors import DataError
from xlbench_tasks._lines import check_some, read_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")
"""IDs of multiword ranges (3-4) and empty nodes (8.1)."""
COLUMNS = 10
UPOS, HEAD, DEPREL = 3, 6, 7
Row: TypeAlias = tuple[int, list[str]]
"""Number of a line, and its fields."""


def read_conllu(path: Path, limit: int | None, labels: Mapping[str, str]) -> list[Tagged]:
    """Syntactic words and their UPOS, mapped by `labels`; the first `limit` sentences.

    Raises DataError, naming file and line.
    """
    found = []
    for rows in _sentences(path, limit):
        for number, fields in rows:
            if fields[UPOS] not in labels:
                raise DataError(
                    f"{path}:{number}: column {UPOS + 1}: {fields[UPOS]!r} is no UPOS tag; "
                    "see universaldependencies.org/u/pos"
                )
        found.append(Tagged(_forms(rows), tuple(labels[fields[UPOS]] for _, fields in rows)))
    return found


def read_trees(path: Path, limit: int | None, relations: Collection[str]) -> list[Parsed]:
    """Syntactic words and their basic dependency trees; the first `limit` sentences.

    Of a relation the universal part, before a ":", is kept; it has to be among `relations`. Raises DataError,
    naming file, line and column, also where a sentence is no tree with one word at the root.
    """
    found = []
    for rows in _sentences(path, limit):
        heads: list[int] = []
        names: list[str] = []
        for number, fields in rows:
            head, relation = fields[HEAD], fields[DEPREL].partition(":")[0]
            if not (head.isdecimal() and int(head) <= len(rows)):
                raise DataError(
                    f"{path}:{number}: HEAD (column {HEAD + 1}) is {head!r}; it has to be a word of the "
                    f"sentence, 1 to {len(rows)}, or the root, 0; repair the file"
                )
            if relation not in relations:
                raise DataError(
                    f"{path}:{number}: DEPREL (column {DEPREL + 1}) is {fields[DEPREL]!r}, no universal "
                    "relation; see universaldependencies.org/u/dep"
                )
            heads.append(int(head))
            names.append(relation)
        if wrong := fault(heads):
            word, why = wrong
            raise DataError(f"{path}:{rows[word][0]}: HEAD (column {HEAD + 1}): {why}; repair the file")
        found.append(Parsed(_forms(rows), tuple(heads), tuple(names)))
    return found


def fault(heads: Sequence[int]) -> tuple[int, str] | None:
    """Why heads (from 1; 0 is the root) are no tree with one word at the root: a word, from 0, and what is
    wrong with it.
    """
    roots = [word for word, head in enumerate(heads) if head == 0]
    if len(roots) > 1:
        return roots[1], "a second word of the sentence hangs from the root, 0"
    if not roots:
        return 0, "no word of the sentence hangs from the root, 0"
    done = {0}
    for word in range(1, len(heads) + 1):
        path = set()
        while word not in done:
            if word in path:
                return word - 1, "the word hangs from itself, at once or over others"
            path.add(word)
            word = heads[word - 1]
        done |= path
    return None


def _sentences(path: Path, limit: int | None) -> list[list[Row]]:
    """Number and fields of the lines of syntactic words; the first `limit` sentences.

    Multiword ranges and empty nodes are no words. Format: universaldependencies.org/format.html.
    Raises DataError, naming file and line, also for a file most of whose words are `_`.
    """
    found: list[list[Row]] = []
    rows: list[Row] = []
    begun = False
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            if rows:
                found.append(rows)
                rows, begun = [], False
                if len(found) == limit:
                    break
            elif begun:
                raise DataError(f"{path}:{number}: a sentence without words; remove it")
            continue
        begun = True
        if line[0] == "#" and not rows:
            continue
        fields = line.split("\t")
        if len(fields) != COLUMNS:
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where CoNLL-U has {COLUMNS}; repair the file"
            )
        if fields[0] != str(len(rows) + 1):
            if NO_WORD.fullmatch(fields[0]):
                continue
            raise DataError(
                f"{path}:{number}: ID {fields[0]!r} where {len(rows) + 1} was due; repair the file"
            )
        if not fields[1]:
            raise DataError(f"{path}:{number}: a word without form; repair the file")
        rows.append((number, fields))
    if begun:
        raise DataError(
            f"{path}: ends within a sentence (no blank line after it), so it looks truncated; fetch it again"
        )
    check_some(path, found, limit)
    forms = [form for rows in found for form in _forms(rows)]
    if forms and 2 * forms.count("_") > len(forms):
        most = "every word" if set(forms) == {"_"} else f"{forms.count('_')} of {len(forms)} words"
        raise DataError(
            f"{path}: {most} is `_`: this treebank comes without its text; merge it in, or take another"
        )
    return found


def _forms(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(fields[1] for _, fields in rows)
