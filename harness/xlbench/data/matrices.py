"""Matrices of transfer scores that others have published: one score per source and target language.

Two layouts are read, as CSV or TSV. *Long* has a line for each pair, with named columns (the results of xpos
and NN-Rank, and xlbench's own exports). *Wide* has a row and a column for each language (the Linguistic Blood
Bank, ATLAS); which of the two are sources, the file's first cell says, or the reader's caller.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from xlbench.contracts.published import Published
from xlbench.data.codes import to_iso639_3
from xlbench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Language
    from xlbench.contracts.published import Pair

Rows: TypeAlias = Literal["sources", "targets"]
"""What the rows of a wide matrix are."""
ROWS: tuple[Rows, ...] = get_args(Rows)
SOURCES = (
    "lang_train", "train_file", "train_lang", "train_language", "source", "source_language", "source_lang",
    "src", "src_lang", "transfer", "transfer_language", "donor",
)  # fmt: skip
"""Names of a long layout's column of sources, the first that is there; likewise below."""
TARGETS = (
    "lang_pred", "eval_file", "test_lang", "test_language", "eval_lang", "target", "target_language",
    "target_lang", "tgt", "tgt_lang", "recipient",
)  # fmt: skip
SCORES = ("score", "effect", "f1", "accuracy", "uas", "las", "mrr", "bleu", "value")
MISSING = frozenset({"", "nan", "na", "n/a", "-", "none", "null"})
"""What stands in the cell of a pair that was not measured, whatever the case."""
_SPLIT = re.compile(r"[._-](train|dev|valid|test)$")
_TREEBANK = re.compile(r"[a-z]{2,3}_[a-z0-9]+-ud-(train|dev|test)")


def read(
    path: Path,
    *,
    rows: Rows | None = None,
    column: str | None = None,
    only: Mapping[str, str] | None = None,
    known: Collection[str] | Mapping[str, Language] = (),
    skip_unknown: bool = False,
) -> Published:
    """A matrix from a file of either layout.

    `rows` is what the rows of a wide layout are, where its first cell does not say; `column` the column of
    scores of a long one, where it has several; `only` takes the lines that have these values in these
    columns. Several treebanks of one language are averaged; any other pair that is there twice is refused,
    unless it has the same score. `skip_unknown` leaves out what is not a language (`qte_tect`).
    Raises DataError, one line, with the file and the line.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    lines = _lines(path, text)
    if len(lines) < 2:
        raise DataError(f"{path}: no scores; a matrix has a line of headings and at least one line below it")
    codes = _Codes(path, known, skip_unknown)
    head = lines[0]
    found = _Long.of(path, head, column) or _Wide.of(path, head, rows)
    if only and isinstance(found, _Wide):
        raise DataError(f"{path}: a matrix with a column per language has no column to choose lines by")
    if column is not None and isinstance(found, _Wide):
        raise DataError(f"{path}: a matrix with a column per language has no column {column!r}")
    if rows is not None and isinstance(found, _Long):
        raise DataError(
            f"{path}: a file with a line for each pair says itself what is a source ({found.source}); "
            "leave out what rows are"
        )
    scores, facts = found.scores(lines[1:], codes, only or {})
    if not any(f != g for f, g in scores):
        raise DataError(f"{path}: no score of a pair of different languages")
    digest = hashlib.sha256(content).hexdigest()
    skipped = tuple(sorted(codes.skipped))
    return Published(scores, path.name, digest, found.layout, facts, skipped)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    """From 1, as editors count."""
    cells: list[str]


def _lines(path: Path, text: str) -> list[_Line]:
    """Lines that are not blank, all with as many cells as the first."""
    first = next((x for x in text.splitlines() if x.strip()), "")
    delimiter = max("\t,;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[_Line] = []
    try:
        for cells in reader:
            if not any(x.strip() for x in cells):
                continue
            if found and len(cells) != len(found[0].cells):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the first line has "
                    f"{len(found[0].cells)}"
                )
            found.append(_Line(reader.line_num, [x.strip() for x in cells]))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    return found


class _Codes:
    """ISO 639-3 codes of what a file calls its languages."""

    def __init__(self, path: Path, known: Collection[str] | Mapping[str, Language], skip: bool) -> None:
        self._path, self._known, self._skip = path, known, skip
        self._found: dict[str, str] = {}
        self.skipped: set[str] = set()

    def of(self, said: str, line: int, what: str) -> str:
        """Empty for what is not a language, where that is to be skipped. Raises DataError."""
        if said not in self._found:
            try:
                self._found[said] = to_iso639_3(_bare(said), self._known)
            except UnknownNameError as error:
                if not self._skip:
                    raise DataError(
                        f"{self._path}, line {line}: {what}: {error}; correct it, delete it, or leave out "
                        "all such with --skip-unknown"
                    ) from error
                self._found[said] = ""
                self.skipped.add(said)
        return self._found[said]


def _bare(said: str) -> str:
    """An identifier without the split that a file's name has: "mk_train", "de_gsd-ud-train"."""
    return said if _TREEBANK.fullmatch(said) else _SPLIT.sub("", said)


def _number(path: Path, line: int, said: str, what: str) -> float | None:
    """A score; None where none was measured. Raises DataError."""
    if said.lower() in MISSING:
        return None
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{path}, line {line}: {what}: {said!r} is not a number")
    return value


@dataclass(frozen=True, slots=True)
class _Long:
    """A line for each pair."""

    path: Path
    names: list[str]
    source: str
    target: str
    column: str

    @property
    def layout(self) -> str:
        return f"long, scores in the column {self.column}"

    @classmethod
    def of(cls, path: Path, head: _Line, column: str | None) -> _Long | None:
        """None where the headings are no names of a source and a target. Raises DataError."""
        names = [x.lower() for x in head.cells]
        source = next((x for x in SOURCES if x in names), None)
        target = next((x for x in TARGETS if x in names), None)
        if source is None or target is None:
            return None
        if twice := sorted({x for x in names if x and names.count(x) > 1}):
            raise DataError(f"{path}, line {head.number}: the column {twice[0]} is there twice")
        there = [x for x in SCORES if x in names]
        said = column.lower() if column else None
        if said is not None and said not in names:
            raise DataError(f"{path}, line {head.number}: no column {column!r}; there are {', '.join(names)}")
        if said is None and not there:
            raise DataError(
                f"{path}, line {head.number}: no column of scores ({', '.join(SCORES[:4])}, ...); name it "
                f"with --score: {', '.join(x for x in names if x)}"
            )
        return cls(path, names, source, target, said or there[0])

    def scores(
        self, lines: Sequence[_Line], codes: _Codes, only: Mapping[str, str]
    ) -> tuple[dict[Pair, float], dict[str, str]]:
        if missing := [x for x in only if x.lower() not in self.names]:
            raise DataError(f"{self.path}: no column {missing[0]!r}; there are {', '.join(self.names)}")
        place = {x: self.names.index(x) for x in (self.source, self.target, self.column)}
        wanted = {self.names.index(k.lower()): v for k, v in only.items()}
        kept = [x for x in lines if all(x.cells[i] == v for i, v in wanted.items())]
        if not kept:
            said = ", ".join(f"{k}={v}" for k, v in only.items())
            raise DataError(f"{self.path}: no line has {said}")
        first: dict[tuple[str, str], tuple[_Line, float | None]] = {}
        found: dict[Pair, list[float]] = {}
        for line in kept:
            said_f, said_g = (line.cells[place[x]] for x in (self.source, self.target))
            value = _number(self.path, line.number, line.cells[place[self.column]], self.column)
            if (said_f, said_g) in first:
                self._refuse_twice(first[said_f, said_g], line, value, place)
                continue
            first[said_f, said_g] = line, value
            f = codes.of(said_f, line.number, self.source)
            g = codes.of(said_g, line.number, self.target)
            if f and g and value is not None:
                found.setdefault((f, g), []).append(value)
        return {pair: math.fsum(x) / len(x) for pair, x in found.items()}, self._facts(kept)

    def _refuse_twice(
        self, earlier: tuple[_Line, float | None], line: _Line, value: float | None, place: Mapping[str, int]
    ) -> None:
        before, score = earlier
        if score == value:
            return
        pair = f"{line.cells[place[self.source]]} to {line.cells[place[self.target]]}"
        unlike = [
            f"{name}={b}"
            for name, a, b in zip(self.names, before.cells, line.cells, strict=True)
            if name and a != b and name != self.column and not _is_number(b)
        ]
        hint = f"; take some lines alone, such as --only {unlike[0]}" if unlike else "; delete one of them"
        raise DataError(
            f"{self.path}, line {line.number}: {pair} has another score on line {before.number}{hint}"
        )

    def _facts(self, lines: Sequence[_Line]) -> dict[str, str]:
        found = {}
        for i, name in enumerate(self.names):
            values = {x.cells[i] for x in lines}
            if name and len(values) == 1 and name not in (self.source, self.target, self.column):
                found[name] = values.pop()
        return {k: v for k, v in found.items() if v}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Wide:
    """A row and a column for each language."""

    path: Path
    head: _Line
    rows: Rows

    @property
    def layout(self) -> str:
        return f"wide, rows are {self.rows}"

    @classmethod
    def of(cls, path: Path, head: _Line, rows: Rows | None) -> _Wide:
        said = _rows_of(head.cells[0])
        if said is not None and rows is not None and said != rows:
            raise DataError(
                f"{path}, line {head.number}: its first cell, {head.cells[0]!r}, says that rows are {said}, "
                f"not {rows}"
            )
        if said is None and rows is None:
            raise DataError(
                f"{path}, line {head.number}: nothing says whether its rows are sources or targets; say "
                "--rows sources (each row trained on one language) or --rows targets"
            )
        return cls(path, head, said or rows or "sources")

    def scores(
        self, lines: Sequence[_Line], codes: _Codes, only: Mapping[str, str]
    ) -> tuple[dict[Pair, float], dict[str, str]]:
        across = [codes.of(x, self.head.number, f"column {i}") for i, x in _named(self._across())]
        self._refuse_repeated([x for x in across if x], self.head.number, "columns")
        found: dict[Pair, float] = {}
        seen: dict[str, int] = {}
        for line in lines:
            down = codes.of(line.cells[0], line.number, "the row's language")
            if not down:
                continue
            if down in seen:
                raise DataError(f"{self.path}, line {line.number}: {down} is on line {seen[down]} already")
            seen[down] = line.number
            for other, said in zip(across, line.cells[1:], strict=True):
                value = _number(self.path, line.number, said, f"the column of {other}") if other else None
                if value is not None:
                    found[(down, other) if self.rows == "sources" else (other, down)] = value
        return found, {}

    def _across(self) -> list[str]:
        return self.head.cells[1:]

    def _refuse_repeated(self, codes: Sequence[str], line: int, what: str) -> None:
        if twice := sorted({x for x in codes if codes.count(x) > 1}):
            raise DataError(f"{self.path}, line {line}: {twice[0]} has two {what}")


def _named(items: Sequence[str]) -> Iterator[tuple[int, str]]:
    """With their columns, from 2: the first is the rows'."""
    return enumerate(items, 2)


def _rows_of(corner: str) -> Rows | None:
    """What a wide matrix's first cell says of its rows: "target", "source / target", "Target Language"."""
    rows = re.split(r"[\\/|>]", corner)[0].lower()
    if re.search(r"target|recipient|eval|test", rows):
        return "targets"
    return "sources" if re.search(r"source|donor|transfer|train", rows) else None
