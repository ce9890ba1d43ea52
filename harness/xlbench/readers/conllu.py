"""Reader of CoNLL-U: words with their tags, dependency trees, and the text that they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Parsed, Tagged
from xlbench.errors import DataError
from xlbench.readers import surface
from xlbench.readers.lines import check_some, read_lines
from xlbench.readers.reading import Reading
from xlbench.readers.surface import Token

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from xlbench.readers.surface import Written

VERSION = "-text"
"""Part of the fingerprint of CoNLL-U files: once, sentences were read without their own text."""
RANGE = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)")
"""ID of a multiword token (3-4)."""
EMPTY = re.compile(r"[0-9]+\.[0-9]+")
"""ID of an empty node (8.1)."""
TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
COLUMNS = 10
PEEK = 100_000
"""Bytes of a treebank that are looked at to see whether it has its text."""
FORM, UPOS, HEAD, DEPREL, MISC = 1, 3, 6, 7, 9
Row: TypeAlias = tuple[int, list[str]]
"""Number of a line, and its fields."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a file."""

    rows: list[Row] = field(default_factory=list)
    """Of syntactic words."""
    ranges: list[Row] = field(default_factory=list)
    """Of multiword tokens."""
    texts: list[str] = field(default_factory=list)
    """What comments say is its text."""

    @property
    def forms(self) -> tuple[str, ...]:
        """Of the syntactic words."""
        return tuple(fields[FORM] for _, fields in self.rows)

    def tokens(self, path: Path) -> list[Token]:
        """Words, and multiword tokens in place of theirs. Raises DataError, naming file and line."""
        first: dict[int, tuple[int, list[str]]] = {}
        done = 0
        for number, fields in self.ranges:
            start, end = map(int, fields[0].split("-"))
            if not done < start <= end <= len(self.rows):
                raise DataError(
                    f"{path}:{number}: ID {fields[0]!r} in a sentence of {len(self.rows)} words; "
                    "repair the file"
                )
            first[start - 1] = end, fields
            done = end
        found, at = [], 0
        while at < len(self.rows):
            end, fields = first.get(at, (at + 1, self.rows[at][1]))
            apart = "SpaceAfter=No" not in fields[MISC].split("|")
            found.append(Token(fields[FORM], self.forms[at:end], apart))
            at = end
        return found

    def written(self, path: Path) -> Written:
        """The text and where the words stand in it: what a comment says if it is just the words; otherwise
        put together from them. Raises DataError, naming file and line.
        """
        tokens = self.tokens(path)
        for text in self.texts:
            if spans := surface.found(tokens, text):
                return text, spans
        return surface.joined(tokens)


def read_conllu(path: Path, limit: int | None, labels: Mapping[str, str]) -> Reading[Tagged]:
    """Syntactic words and their UPOS, mapped by `labels`; the first `limit` sentences.

    Raises DataError, naming file and line.
    """
    found = []
    sentences = _sentences(path, limit)
    for one in sentences:
        for number, fields in one.rows:
            if fields[UPOS] not in labels:
                raise DataError(
                    f"{path}:{number}: column {UPOS + 1}: {fields[UPOS]!r} is no UPOS tag; "
                    "see universaldependencies.org/u/pos"
                )
        tags = tuple(labels[fields[UPOS]] for _, fields in one.rows)
        found.append(Tagged(one.forms, tags, *one.written(path)))
    return Reading(found, notes=_notes(sentences, found))


def read_trees(path: Path, limit: int | None, relations: Collection[str]) -> Reading[Parsed]:
    """Syntactic words and their basic dependency trees; the first `limit` sentences.

    Of a relation the universal part, before a ":", is kept; it has to be among `relations`. Raises DataError,
    naming file, line and column, also where a sentence is no tree with one word at the root.
    """
    found = []
    sentences = _sentences(path, limit)
    for one in sentences:
        heads: list[int] = []
        names: list[str] = []
        for number, fields in one.rows:
            head, relation = fields[HEAD], fields[DEPREL].partition(":")[0]
            if not (head.isdecimal() and int(head) <= len(one.rows)):
                raise DataError(
                    f"{path}:{number}: HEAD (column {HEAD + 1}) is {head!r}; it has to be a word of the "
                    f"sentence, 1 to {len(one.rows)}, or the root, 0; repair the file"
                )
            if relation not in relations:
                raise DataError(
                    f"{path}:{number}: DEPREL (column {DEPREL + 1}) is {fields[DEPREL]!r}, no universal "
                    "relation; see universaldependencies.org/u/dep"
                )
            heads.append(int(head))
            names.append(relation)
        if wrong := tree_fault(heads):
            word, why = wrong
            raise DataError(f"{path}:{one.rows[word][0]}: HEAD (column {HEAD + 1}): {why}; repair the file")
        found.append(Parsed(one.forms, tuple(heads), tuple(names), *one.written(path)))
    return Reading(found, notes=_notes(sentences, found))


def has_text(path: Path) -> bool:
    """Whether any of a treebank's first words is there: some come without their text, every form `_`."""
    try:
        with path.open("rb") as file:
            rows = [x.split(b"\t") for x in file.read(PEEK).splitlines() if b"\t" in x]
    except OSError:
        return False
    return any(len(x) > 1 and x[1] != b"_" for x in rows)


def _notes(sentences: Sequence[Sentence], found: Sequence[Tagged | Parsed]) -> list[str]:
    """How often the words are not those of the text that a comment says."""
    other = sum(
        bool(one.texts) and made.text not in one.texts for one, made in zip(sentences, found, strict=True)
    )
    return [f"{other:,} sentences are not their `# text`, and are put together from their words"] * bool(
        other
    )


def tree_fault(heads: Sequence[int]) -> tuple[int, str] | None:
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


def _sentences(path: Path, limit: int | None) -> list[Sentence]:
    """The first `limit` sentences. Multiword tokens and empty nodes are no words.

    Format: universaldependencies.org/format.html; a line of nothing but space ends a sentence too, and so
    does the end of the file. Raises DataError, naming file and line, also for a file most of whose words are
    `_`.
    """
    found: list[Sentence] = []
    one, begun = Sentence(), False
    lines = read_lines(path)
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            if one.rows:
                if number > len(lines):
                    _check_whole(path, one)
                found.append(one)
                one, begun = Sentence(), False
                if len(found) == limit:
                    break
            elif begun:
                raise DataError(f"{path}:{number}: a sentence without words; remove it")
            continue
        begun = True
        if line[0] == "#" and not one.rows:
            if said := TEXT.fullmatch(line):
                one.texts.append(said[1].strip())
            continue
        fields = line.split("\t")
        if len(fields) != COLUMNS:
            raise DataError(
                f"{path}:{number}: {len(fields)} columns where CoNLL-U has {COLUMNS}; repair the file"
            )
        if EMPTY.fullmatch(fields[0]):
            continue
        if not fields[FORM].strip():
            raise DataError(f"{path}:{number}: a word without form; repair the file")
        if RANGE.fullmatch(fields[0]):
            one.ranges.append((number, fields))
        elif fields[0] == str(len(one.rows) + 1):
            one.rows.append((number, fields))
        else:
            raise DataError(
                f"{path}:{number}: ID {fields[0]!r} where {len(one.rows) + 1} was due; repair the file"
            )
    check_some(path, found, limit)
    forms = [form for one in found for form in one.forms]
    if forms and 2 * forms.count("_") > len(forms):
        most = "every word" if set(forms) == {"_"} else f"{forms.count('_')} of {len(forms)} words"
        raise DataError(
            f"{path}: {most} is `_`: this treebank comes without its text; merge it in, or take another"
        )
    return found


def _check_whole(path: Path, last: Sentence) -> None:
    """Raise DataError where the last sentence, which no blank line ends, lacks words that it speaks of."""
    heads = [int(fields[HEAD]) for _, fields in last.rows if fields[HEAD].isdecimal()]
    due = max([*heads, *(int(fields[0].partition("-")[2]) for _, fields in last.ranges)], default=0)
    if due > len(last.rows) or any(surface.begun(last.tokens(path), text) for text in last.texts):
        raise DataError(f"{path}: ends within a sentence, so it looks truncated; fetch it again")
