"""Reader of words and entity tags in columns, as entity sets are published."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from xlbench.contracts import Tagged
from xlbench.errors import DataError
from xlbench.readers.lines import check_some, read_lines
from xlbench.readers.reading import Reading, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xlbench.contracts import Example

TAG = re.compile(r"O|([BIESLUM])[-_](\S+)", re.IGNORECASE)
NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")
"""What numbers a multiword range or an empty node."""
TYPES = {
    "PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG", "ORGANISATION": "ORG",
    "PERS": "PER", "MISCELLANEOUS": "MISC",
}  # fmt: skip
"""Other spellings of types."""
STARTS = {"B": "B", "I": "I", "E": "I", "L": "I", "M": "I", "S": "B", "U": "B"}
"""What becomes of the places of IOBES, BILOU and BMES in IOB2."""
SCHEMES = (("BILOU", "LU"), ("BMES", "M"), ("IOBES", "ES"))
"""Schemes by the places that only they have, the first that fits."""
LONGEST = 500
"""Words of a sentence above which blank lines may be missing."""
Row: TypeAlias = tuple[int, list[str]]
"""Number of a line, and its fields."""


def read_conll(path: Path, limit: int | None, labels: Mapping[str, str]) -> Reading[Tagged]:
    """A line per word with its tag in a later column, and a blank line after each sentence; the first `limit`
    sentences.

    Columns are separated by tabs, or by spaces where the first row has no tab; spaces around them are no part
    of them. A first column that counts words, or says the sentence, is passed over. Of more than two columns
    the tags are in the first one after the word whose every value is a tag that `labels` knows, otherwise in
    the last one that has nothing but tags. Comments and `-DOCSTART-` lines are no words. Types may be in any
    case. Tags may be IOB1, IOB2, IOBES, BILOU or BMES, and become IOB2; an I- that continues nothing becomes
    B-. Then they are mapped by `labels`. Raises DataError, naming
    file, line and column.
    """
    numbered, sentences, documents = _sentences(path)
    ids = 0 if numbered else _ids(sentences)
    word, tag = _columns(sentences, int(numbered) + ids, labels)
    made = _Maker(path, word, tag, labels, first=sentences[0][0][0] if sentences else 0)
    if ids:
        made.more.append("column 1 names sentences or counts words, and is left out")
    found = [made.example(rows) for rows in sentences]
    check_some(path, found, limit)
    if (longest := max((len(x.words) for x in found), default=0)) > LONGEST:
        made.more.append(f"a sentence of {longest:,} words: check that a blank line ends each sentence")
    if prefix := _prefix(found):
        found = [Tagged(tuple(x[len(prefix) :] for x in one.words), one.tags) for one in found]
        made.more.append(f"words begin with {prefix!r} in the file, which is left out")
    # An earlier version took such a line for a sentence, such a beginning or space for a part of the word,
    # and such a column for the words.
    marks = (
        ("docstart", documents), ("prefix", prefix), ("ids", ids), ("space", made.spaces),
    )  # fmt: skip
    mark = "".join(name for name, seen in marks if seen)
    return Reading(found[:limit], notes=made.notes(), mark=mark)


def _sentences(path: Path) -> tuple[bool, list[list[Row]], int]:
    """Whether words are numbered; rows by sentence; lines that say where a document starts."""
    found: list[list[Row]] = []
    rows: list[Row] = []
    documents = 0
    tabs: bool | None = None
    lines = read_lines(path)
    numbered = _numbered(lines)
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip(" \t\u00a0\ufeff\u200b") or line.startswith("-DOCSTART-"):
            documents += line.startswith("-DOCSTART-")
            if rows:
                found.append(rows)
                rows = []
            continue
        if tabs is None and not _comment(line, numbered):
            tabs = "\t" in line
        fields = line.split("\t") if tabs or (tabs is None and "\t" in line) else _by_spaces(line)
        if _comment(line, numbered) or (numbered and NO_WORD.fullmatch(fields[0])):
            continue
        rows.append((number, fields))
    return numbered, found, documents


def _by_spaces(line: str) -> list[str]:
    """A line that begins with a space has an empty word."""
    return re.split(" +", line.rstrip(" "))


def _comment(line: str, numbered: bool) -> bool:
    """`#` may be a word as well: then a tag is all that follows it."""
    if not line.startswith("#"):
        return False
    if numbered:
        return True
    fields = line.split("\t") if "\t" in line else _by_spaces(line)
    return not any(TAG.fullmatch(x) for x in fields[1:])


def _numbered(lines: Sequence[str]) -> bool:
    """Whether the first column counts the words of every sentence from 1 (or 0), in three columns or more."""
    due: set[str] | None = None
    seen = 0
    for line in lines:
        if not line.strip():
            due = None
            continue
        fields = line.split("\t") if "\t" in line else _by_spaces(line)
        if line.startswith(("#", "-DOCSTART-")) or NO_WORD.fullmatch(fields[0]):
            continue
        if len(fields) < 3 or (due is not None and fields[0] not in due):
            return False
        if due is None and fields[0] not in ("0", "1"):
            return False
        due = {str(int(fields[0]) + 1)}
        seen += 1
    return seen > 0


def _columns(sentences: Sequence[Sequence[Row]], word: int, labels: Mapping[str, str]) -> tuple[int, int]:
    """Places of the word, which is known, and of the tag."""
    width = min((len(fields) for rows in sentences for _, fields in rows), default=0)
    whole: list[int] = []
    known: list[int] = []
    for column in range(word + 1, width):
        values = {fields[column].strip() for rows in sentences for _, fields in rows}
        if all(TAG.fullmatch(x) for x in values):
            whole.append(column)
            if all((kind := _bare(x, labels)) == "O" or f"B-{kind}" in labels for x in values):
                known.append(column)
    if known:
        return word, known[0]
    return word, whole[-1] if whole else word + 1


def _ids(sentences: Sequence[Sequence[Row]]) -> int:
    """1 where the first of three columns or more has no words: nothing but numbers, or the same in all rows
    of every sentence.
    """
    columns = [[fields[0] for _, fields in rows] for rows in sentences]
    words = sum(map(len, columns))
    if words < 2 or min(len(fields) for rows in sentences for _, fields in rows) < 3:
        return 0
    counts = all(x.strip().isdecimal() for one in columns for x in one)
    names = all(len(set(one)) == 1 for one in columns) and words > len(columns)
    return int(counts or names)


def _bare(tag: str, labels: Mapping[str, str]) -> str:
    """The type of a tag, as it is spelled here; "O" of O."""
    kind = tag[2:]
    if not kind:
        return "O"
    low = TYPES.get(kind.upper(), kind)
    return low if f"B-{low}" in labels or f"B-{low.upper()}" not in labels else low.upper()


def _prefix(found: Sequence[Tagged]) -> str:
    """A language code and colon that every word begins with, as in WikiANN's own files; else empty."""
    match = re.match(r"[a-z][a-z-]{1,11}:", found[0].words[0]) if found else None
    if match is None:
        return ""
    prefix = match[0]
    whole = all(x.startswith(prefix) and len(x) > len(prefix) for one in found for x in one.words)
    return prefix if whole and sum(len(x.words) for x in found) > 1 else ""


def iob2(example: Example) -> Example:
    """A sentence whose stray I- are B-, as `read_conll` reads them."""
    if not isinstance(example, Tagged):
        return example
    tags: list[str] = []
    for tag in example.tags:
        stray = tag.startswith("I-") and (not tags or tags[-1][2:] != tag[2:])
        tags.append(f"B{tag[1:]}" if stray else tag)
    return replace(example, tags=tuple(tags))


@dataclass
class _Maker:
    """Makes examples of rows, and counts what it does."""

    path: Path
    word: int
    tag: int
    labels: Mapping[str, str]
    first: int = 0
    """Number of the line of the first word."""
    as_o: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    spaces: int = 0
    """Words with space around them."""
    respelled: int = 0
    """Types in another case than they have here, and tags with an underscore."""
    stray: int = 0
    """I- that continue nothing."""
    apart: int = 0
    """B- where an entity starts that follows no other of its type."""
    more: list[str] = field(default_factory=list)

    def example(self, rows: Sequence[Row]) -> Tagged:
        """A sentence. Raises DataError, naming file, line and column."""
        words, tags = [], []
        before = "O"
        for number, fields in rows:
            if len(fields) <= self.tag:
                raise DataError(
                    f"{self.path}:{number}: {len(fields)} columns where "
                    f"{'word and tag are' if self.tag == 1 else f'{self.tag + 1} are'} due; repair the line"
                )
            if not fields[self.word].strip():
                raise DataError(
                    f"{self.path}:{number}: column {self.word + 1}: an empty word; repair the line"
                )
            before = self._iob2(fields[self.tag].strip(), before, number)
            word = fields[self.word].strip(" ")
            self.spaces += word != fields[self.word]
            words.append(word)
            tags.append(self.labels[before])
        return Tagged(tuple(words), tuple(tags))

    def _iob2(self, tag: str, before: str, number: int) -> str:
        """The tag in IOB2, after the one `before` it in IOB2; still of the file's type."""
        match = TAG.fullmatch(tag)
        kind = _bare(tag, self.labels) if match else ""
        if match is None or (kind != "O" and f"B-{kind}" not in self.labels):
            header = "remove it if it is a header, or " if number == self.first else ""
            raise DataError(
                f"{self.path}:{number}: column {self.tag + 1}: unknown label {tag!r}; {header}rename it in "
                f"the file to one of {', '.join(sorted(set(self.labels.values())))}"
            )
        if kind == "O":
            return "O"
        self.respelled += kind != TYPES.get(tag[2:].upper(), tag[2:]) or tag[1] == "_"
        place = tag[0].upper()
        self.places[place] += 1
        start = STARTS[place]
        continues = before[2:] == kind
        if start == "I" and not continues:
            start = "B"
            self.stray += 1
        elif place == "B" and not continues:
            self.apart += 1
        if self.labels[f"B-{kind}"] == "O":
            self.as_o[kind] += 1
        return f"{start}-{kind}"

    def notes(self) -> list[str]:
        """What was done, in words."""
        found = list(self.more)
        scheme = next((name for name, only in SCHEMES if any(self.places[x] for x in only)), None)
        iob1 = scheme is None and self.stray > 0 and self.apart == 0
        if scheme or iob1:
            found.append(f"tags converted from {scheme or 'IOB1'}")
        if self.stray and not iob1:
            found.append(f"{self.stray:,} stray I- read as B-")
        if self.respelled:
            found.append(
                f"{self.respelled:,} tags spelled otherwise (b-per, B_PER) read as B-PER and the like"
            )
        if self.as_o:
            found.append(f"words of {counted(self.as_o)} read as O")
        return found
