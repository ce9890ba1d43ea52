"""Reader of tables of labelled texts: tab-separated or comma-separated, with a header or without."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from xlbench.data import languages
from xlbench.data.codes import to_iso639_3
from xlbench.errors import DataError, UnknownNameError
from xlbench.readers.lines import read_lines, read_text
from xlbench.readers.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from xlbench.readers.forms import TableForm

T = TypeVar("T")
QUOTED = re.compile(r'"((?:[^"]|"")*)"')
"""A field as csv writers quote it."""
ESCAPED = re.compile(r'"((?:[^"\\]|\\.)*)"')
"""A field as R quotes it."""
TABLES = (".tsv", ".csv", ".txt")
"""Ends of file names, the preferred one first."""
LANGUAGE = ("language", "lang")
IDS = ("index_id", "pairid", "id", "idx", "guid")
MOST_LINES = 100
"""Lines that one quoted field may have."""


def read_table(
    path: Path, limit: int | None, language: str = "", mixed: bool = False, *, form: TableForm[T]
) -> Reading[T]:
    """The first `limit` rows of a table.

    Tabs separate the columns where the first line has one, otherwise commas or semicolons, quoted as csv
    is. Columns are found by name, in any case and order; others are passed over. Without a header they are
    found by what is in them, where that leaves no choice. `language`, in ISO 639-3, picks its own columns,
    such as `sentence1_my`, where there are no others, and of a `mixed` file its rows, by the `language`
    column. Of tab-separated files, a field is unquoted where its own quotes are doubled as csv writers do,
    or where the header is quoted. Raises DataError, naming file, line and column.
    """
    table = _Table.of(path)
    places = _places(path, table, form, language)
    table.rows = [x for x in table.rows if any(y.strip() for y in x[1])]
    only = table.column(LANGUAGE) if mixed and not places.suffixed else None
    written = {x[only] for _, x in table.rows if only < len(x)} if only is not None else set()
    same = {x for x in written if code_of(x) == language}
    ids = table.column(IDS)
    found: list[T] = []
    names: list[str] = []
    labels: list[str] = []
    unlabelled = quoted = 0
    for number, fields in table.rows:
        if len(found) == limit:
            break
        _check_width(path, number, fields, places.least, len(table.names))
        if only is not None and fields[only] not in same:
            continue
        label = fields[places.label]
        if label.strip() in form.none:
            unlabelled += 1
            continue
        if not form.is_label(label.strip()):
            raise DataError(f"{path}:{number}: column {places.label + 1}: {form.wrong(label)}")
        texts = []
        for name, place in places.texts.items():
            if not fields[place].strip():
                raise DataError(f"{path}:{number}: column {place + 1}: an empty {name}; repair the line")
            texts.append(fields[place])
        labels.append(label.strip())
        quoted += all(x[:1] == x[-1:] == '"' != x for x in texts)
        found.append(form.example(texts, label.strip()))
        names.append(fields[ids] if ids is not None and ids < len(fields) else "")
    if not found and limit != 0:
        if unlabelled:
            raise DataError(f"{path}: none of its {unlabelled:,} rows has a label; give other data")
        raise DataError(f"{path}: a header and nothing else; fetch it again, or remove it")
    notes = [f"{table.unquoted:,} quoted rows read as csv"] if table.unquoted else []
    notes += form.said(labels)
    if len(found) > 1 and quoted == len(found):
        notes.append(
            "every text is in quotation marks, which are kept; remove them if a csv writer put them there"
        )
    if unlabelled:
        notes.append(f"{unlabelled:,} rows without a label left out")
    return Reading(
        found, notes=notes, ids=names if all(names) else None, mark="csv" if table.unquoted else ""
    )


def members(path: Path) -> list[str]:
    """ISO 639-3 codes of the languages of one file, told by its `language` column, or by the ends of its
    columns' names. Empty where it says no languages. Raises DataError.
    """
    table = _Table.of(path)
    if (place := table.column(LANGUAGE)) is not None:
        written = dict.fromkeys(x[place] for _, x in table.rows if len(x) > place)
    else:
        written = dict.fromkeys(x.rpartition("_")[2] for x in table.names if _suffix(x))
    return sorted({code for x in written if (code := code_of(x))})


@cache
def code_of(text: str) -> str | None:
    """The ISO 639-3 code of what a file writes for a language, if it is one."""
    try:
        return to_iso639_3(text, languages.codes())
    except UnknownNameError:
        return None


def _suffix(name: str) -> bool:
    """Whether a column is one language's: `sentence1_my`."""
    stem, _, end = name.rpartition("_")
    return bool(stem) and re.fullmatch("[a-z]{2,3}", end) is not None and code_of(end) is not None


@dataclass
class _Table:
    names: list[str]
    """Of the columns, in lower case; empty without a header (`headed`)."""
    rows: list[tuple[int, list[str]]]
    """Number of the line where a row starts, and its fields; the header, where there is one, is the first."""
    unquoted: int = 0
    header: str = field(default="", repr=False)

    @classmethod
    def of(cls, path: Path) -> _Table:
        """A file's. Raises DataError."""
        lines = read_lines(path)
        while not lines[-1].strip():
            lines.pop()
        first = lines[0]
        if "\t" in first:
            table = _tabs(path, lines)
        else:
            counts = Counter({x: first.count(x) for x in ",;"})
            mark, count = counts.most_common(1)[0]
            table = _csv(path, mark if count else ",")
        table.header = first
        return table

    def column(self, names: Sequence[str]) -> int | None:
        """Place of the first of these names that a column has."""
        return next((self.names.index(x) for x in names if x in self.names), None)


@dataclass
class _Places:
    texts: dict[str, int]
    label: int
    suffixed: bool = False

    @property
    def least(self) -> int:
        """Columns that a row must have."""
        return 1 + max(self.label, *self.texts.values())


def _places(path: Path, table: _Table, form: TableForm[Any], language: str) -> _Places:
    """Where texts and label are; drops the header from the rows."""
    label = table.column(form.label)
    found: dict[str, int] = {}
    suffixed = False
    for text, names in form.texts.items():
        place = table.column(names)
        if place is None and language:
            own = [x for x in table.names if _suffix(x) and code_of(x.rpartition("_")[2]) == language]
            place = table.column([x for name in names for x in own if x.rpartition("_")[0] == name])
            suffixed |= place is not None
        if place is not None:
            found[text] = place
    if label is not None and len(found) == len(form.texts):
        table.rows = table.rows[1:]
        return _Places(found, label, suffixed)
    return _by_content(path, table, form)


def _by_content(path: Path, table: _Table, form: TableForm[Any]) -> _Places:
    """Of a table without a header. Raises DataError where there is a choice."""
    wrong = DataError(
        f"{path}:1: header {_short(table.header)}; it has to name the columns "
        f"{', '.join([*form.texts, form.label[0]])}"
    )
    widths = {len(x) for _, x in table.rows}
    if len(widths) != 1:
        raise wrong
    columns = [[x[i] for _, x in table.rows] for i in range(widths.pop())]
    labels = [i for i, x in enumerate(columns) if all(form.is_label(y.strip()) for y in x)]
    numbers = [i for i, x in enumerate(columns) if all(y.strip().isdecimal() for y in x)]
    if len(labels) != 1:
        raise wrong
    rest = [i for i in range(len(columns)) if i not in (*labels, *numbers)]
    if len(rest) != len(form.texts):
        raise wrong
    return _Places(dict(zip(form.texts, rest, strict=True)), labels[0])


def _check_width(path: Path, number: int, fields: Sequence[str], least: int, width: int) -> None:
    """Columns at the end may be missing where the task needs none of them, and empty ones too many."""
    if len(fields) < least or any(x.strip() for x in fields[width:]):
        raise DataError(f"{path}:{number}: {len(fields)} columns where {width} are due; repair the line")


def _tabs(path: Path, lines: Sequence[str]) -> _Table:
    raw = lines[0].split("\t")
    all_quoted = all(QUOTED.fullmatch(x) for x in raw)
    names = [_plain(x, all_quoted) for x in raw]
    table = _Table([x.strip().lower().replace(" ", "_") for x in names], [(1, names)])
    for number, fields in _tab_records(lines, len(names)):
        plain = [_plain(x, all_quoted) for x in fields]
        table.unquoted += plain != fields
        table.rows.append((number, plain))
    return table


def _tab_records(lines: Sequence[str], width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows after the header. A quoted field may have tabs and line ends in it, where that gives the columns
    that are due and the plain reading does not.
    """
    at = 1
    while at < len(lines):
        line, end = lines[at], at + 1
        fields = line.split("\t")
        if len(fields) != width and '"' in line:
            for stop in range(at + 1, min(len(lines), at + MOST_LINES) + 1):
                whole = _quoted_fields("\n".join(lines[at:stop]))
                if whole is not None and len(whole) == width:
                    fields, end = whole, stop
                    break
        yield at + 1, fields
        at = end


def _quoted_fields(text: str) -> list[str] | None:
    """The fields of a text, quotes kept, where a quoted one may have tabs and line ends; None where the
    quotes do not close, or a line end is outside of them.
    """
    field_ = r'(?:"(?:[^"]|"")*"|[^"\t\n][^\t\n]*|)'
    if not re.fullmatch(rf"{field_}(?:\t{field_})*", text):
        return None
    return re.findall(rf"(?:^|(?<=\t))({field_})(?=\t|$)", text.replace("\n", "\0"))


def _plain(text: str, all_quoted: bool) -> str:
    """A field without its quotes, where they are those of a csv writer."""
    match = QUOTED.fullmatch(text)
    if match is None and all_quoted and (escaped := ESCAPED.fullmatch(text)):  # R's write.table
        return escaped[1].replace('\\"', '"')
    if match is None or not (all_quoted or '""' in match[1] or "\t" in match[1] or "\0" in match[1]):
        return text
    return match[1].replace('""', '"').replace("\0", "\n")


def _csv(path: Path, mark: str) -> _Table:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=mark, strict=True)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for fields in reader:
            rows.append((start, fields))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{start}: not csv ({error}); repair the line") from None
    rows = [x for x in rows if x[1]]
    names = rows[0][1]
    return _Table([x.strip().lower().replace(" ", "_") for x in names], rows)


def _short(text: str) -> str:
    """A header in a message, not more than fits."""
    return repr(text if len(text) <= 120 else text[:117] + "...")
