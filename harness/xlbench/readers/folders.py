"""Labelled data in folders, as people have it: their own sets, and releases as they are unpacked."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, get_args

from xlbench.contracts import Example, Split
from xlbench.data import languages
from xlbench.errors import DataError
from xlbench.files import content
from xlbench.readers.layouts import Found, find_files, is_whole, packed, unquoted_name
from xlbench.readers.reading import Reading, joined, notes

SPLITS: tuple[Split, ...] = get_args(Split)
Read: TypeAlias = Callable[..., Sequence[Example]]
"""Reads the first so many examples of a file, or all: (path, limit). Of a task whose files may hold several
languages (`Reader.members`): (path, limit, language, mixed)."""


@dataclass(frozen=True)
class Reader:
    """How a task's files are found and read. For a format of your own: ends of names, and a function."""

    task: str
    """The name of the task."""
    suffixes: tuple[str, ...]
    """Ends of file names, the preferred one first; "" for a name without one."""
    read: Read
    """Reads one file: a list of examples, or a `Reading`. Raises DataError, naming file and line."""
    members: Callable[[Path], Sequence[str]] | None = None
    """Languages of a file whose name says none."""
    version: str = ""
    """Where it gives other examples of the same bytes than it once did, whatever is in them."""
    marks: bool = False
    """Whether what is read may have a mark (`Reading`)."""
    preferred: Mapping[str, str] = field(default_factory=dict)
    """By language: the set to take of several, by name."""
    usable: Callable[[Path], bool] | None = None
    """Whether a file has its text. Where it is given, sets are treebanks: of several of a language one is
    taken, as of files that are named like treebanks. Otherwise that is an error, unless their names tell
    scripts apart."""


@dataclass(frozen=True)
class Set:
    """One set of one language."""

    language: str
    name: str
    """Of the folder, or of the file without its split: "UD_German-GSD", "xnli"."""
    place: Path
    """The folder."""
    other: str
    """Another name, such as a treebank's file names begin with: "de_gsd"."""
    files: Mapping[Split, tuple[Path, ...]]
    mixed: frozenset[Split] = frozenset()
    """Splits whose files have other languages in them."""
    parts: int = 0
    """Files that are left out since the split is there as a whole as well."""

    @property
    def script(self) -> str:
        """Of a name such as `zho_Hant`."""
        end = self.name.rpartition("_")[2]
        return end if len(end) == 4 and end.istitle() and end.isalpha() else ""

    def is_named(self, pattern: str) -> bool:
        """Whether a pattern is of one of its names or paths."""
        names = (self.name, self.other, str(self.place), *(str(x) for f in self.files.values() for x in f))
        return pattern in names or any(fnmatch.fnmatchcase(x.lower(), pattern.lower()) for x in names if x)

    def size(self, split: Split) -> int:
        """Bytes."""
        return sum(x.stat().st_size for x in self.files.get(split, ()))


@dataclass(frozen=True)
class FolderData:
    """A TaskData over files; `read_folders` makes it."""

    reader: Reader
    name: str
    sets: Mapping[str, tuple[Set, ...]]
    """By ISO 639-3 code: all that there are."""
    passed_over: tuple[str, ...] = ()
    """Names of what has the form of a set and is none of one language."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """By language: the set that the study names, a pattern."""
    about: str = ""
    """Where the data are from, one line; where it is empty, the names of the sets are."""
    _digests: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)
    _taken: dict[str, Set] = field(default_factory=dict, repr=False, compare=False)
    _said: dict[tuple[str, Split], tuple[tuple[str, ...], str, Sequence[str] | None]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def task(self) -> str:
        """The task it serves."""
        return self.reader.task

    @property
    def source(self) -> str:
        """For provenance, one line: `about`, otherwise the names of the sets that are read."""
        if self.about:
            return self.about
        names = sorted({unquoted_name(one.name) for x in self.sets for one in self._or_all(x)})
        return f"folders {', '.join(names)}"

    @property
    def files(self) -> Mapping[tuple[str, Split], Path]:
        """By ISO 639-3 code and split: the file that is read, or the first of several."""
        return {(x, s): self._set(x, s).files[s][0] for s in SPLITS for x in self.languages(s)}

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes of the languages that have this split, sorted."""
        return tuple(sorted(x for x in self.sets if any(split in one.files for one in self._or_all(x))))

    def fingerprint(self, language: str, split: Split) -> str:
        """32 hexadecimal digits of the SHA-256 of the file, or of all its files, read once; and what tells
        that they are read otherwise than they once were. Raises DataError if absent.
        """
        one = self._set(language, split)
        digests = [self._digest(x) for x in one.files[split]]
        made = digests[0]
        if len(digests) > 1:
            made = hashlib.sha256(" ".join(digests).encode()).hexdigest()[:32]
        if split in one.mixed:
            made += f"-{language}"
        mark = self._reading(language, split)[1] if self.reader.marks else ""
        return made + self.reader.version + (f"-{mark}" if mark else "")

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples in file order, or all. Raises DataError, naming file and line, and for
        a file that changed since it was fingerprinted.
        """
        found = self._read(language, split)
        return found if limit is None else found[:limit]

    def ids(self, language: str, split: Split) -> Sequence[str] | None:
        """See `contracts.Identified`."""
        return self._reading(language, split)[2]

    def notes(self, language: str, split: Split) -> Sequence[str]:
        """See `contracts.Explained`."""
        return self._reading(language, split)[0]

    def remarks(self) -> Sequence[str]:
        """See `contracts.Explained`: which of several sets is taken, and what is passed over."""
        found = []
        for language, sets in sorted(self.sets.items()):
            one = self._or_none(language)
            if one is None:
                continue
            if one.parts:
                found.append(
                    f"{language}: {one.parts} parts of a split that is there as a whole are left out"
                )
            if len(sets) > 1 and one not in sets:
                found.append(f"{language}: {one.name}, each for the splits that it has")
            elif len(sets) > 1:
                names = _apart(sets)
                others = [names[i] for i, x in enumerate(sets) if x is not one]
                found.append(
                    f"{language}: {names[sets.index(one)]}; not {', '.join(others)} "
                    f"(choose with --data '{self.task}.{language}={unquoted_name(others[0])}')"
                )
        if self.passed_over:
            found.append(f"passed over, not of one language: {', '.join(self.passed_over)}")
        return found

    def only(self, wanted: Collection[str]) -> FolderData:
        """See `contracts.Narrowed`."""
        return replace(self, sets={x: one for x, one in self.sets.items() if x in wanted})

    def choose(self, choices: Mapping[str, str]) -> FolderData:
        """See `contracts.Choosable`."""
        sets = dict(self.sets)
        for language, pattern in choices.items():
            place = Path(pattern).expanduser()
            if not any(x.is_named(pattern) for x in sets.get(language, ())) and place.is_dir():
                more = read_folders([place], self.reader).sets
                sets[language] = (*sets.get(language, ()), *more.get(language, ()))
                pattern = "\0"
                if language in more:
                    pattern = str(more[language][0].place)
            having = sets.get(language, ())
            named = [x for x in having if x.is_named(pattern)]
            if len(named) != 1:
                which = ", ".join(_apart(named or having)) or "none"
                raise DataError(
                    f"--data {self.task}.{language}={choices[language]}: "
                    f"{'several sets' if named else 'no set'} of {language} of this name; "
                    f"there are {which} in {self.name}"
                )
            sets[language] = (named[0], *(x for x in having if x is not named[0]))
        chosen = {**self.choices, **{x: sets[x][0].name for x in choices}}
        made = replace(self, sets=sets, choices=chosen, _taken={}, _said={})
        made._taken.update({x: sets[x][0] for x in chosen})
        return made

    def elsewhere(self, language: str, split: Split) -> str:
        """See `contracts.Choosable`."""
        return next((unquoted_name(x.name) for x in self.sets.get(language, ()) if split in x.files), "")

    def _read(self, language: str, split: Split) -> Sequence[Example]:
        one = self._set(language, split)
        parts = []
        for path in one.files[split]:
            if path.stat().st_size == 0:
                raise DataError(f"{path}: empty file; fetch it again, or remove it")
            with content.unchanged(path, self._digest(path)):
                if self.reader.members is None:
                    parts.append(self.reader.read(path, None))
                else:
                    parts.append(self.reader.read(path, None, language, split in one.mixed))
        found = joined(parts)
        mark, ids = (found.mark, found.ids) if isinstance(found, Reading) else ("", None)
        self._said[language, split] = notes(found), mark, ids
        return found

    def _reading(self, language: str, split: Split) -> tuple[tuple[str, ...], str, Sequence[str] | None]:
        if (language, split) not in self._said:
            self._read(language, split)
        return self._said[language, split]

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = content.file_digest(path)[:32]
        return self._digests[path]

    def _set(self, language: str, split: Split) -> Set:
        """Raises DataError where there is none, or no way to choose."""
        if language in self.sets:
            one = self._one(language)
            if split in one.files:
                return one
        raise DataError(
            f"no {split} data of {language} for {self.task} in {self.name}; add it, or leave it out"
        )

    def _one(self, language: str) -> Set:
        """The set of a language that is read. Raises DataError where there is no way to choose."""
        if language not in self._taken:
            self._taken[language] = _best(self.reader, language, self.sets[language])
        return self._taken[language]

    def _or_none(self, language: str) -> Set | None:
        try:
            return self._one(language)
        except DataError:
            return None

    def _or_all(self, language: str) -> tuple[Set, ...]:
        """The set that is read, or all where there is no way to choose, which is told when they are read."""
        one = self._or_none(language)
        return self.sets[language] if one is None else (one,)


def _best(reader: Reader, language: str, sets: Sequence[Set]) -> Set:
    """Of several sets the one to read: the preferred one, otherwise the largest treebank, or the set in the
    language's usual script; all of them together where no two have the same split (XNLI's test data and its
    translated training data). Raises DataError where none of this decides.
    """
    if len(sets) == 1:
        return sets[0]
    preferred = reader.preferred.get(language)
    for one in reversed(sets):  # of two releases the newer one
        if preferred and preferred in (one.name, one.other):
            return one
    if reader.usable is not None or all(x.other for x in sets):
        whole = [x for x in sets if _is_usable(reader, x)] or list(sets)
        return max(whole, key=lambda x: (x.size("train"), x.size("test"), x.size("dev"), x.name))
    usual = [x for x in sets if x.script and x.script == languages.scripts().get(language)]
    if len(usual) == 1 and all(x.script for x in sets):
        return usual[0]
    splits = [split for x in sets for split in x.files]
    if len(splits) == len(set(splits)):
        files = {split: x.files[split] for x in sets for split in x.files}
        mixed = frozenset[Split]().union(*(x.mixed for x in sets))
        return replace(sets[0], name=" and ".join(_apart(sets)), other="", files=files, mixed=mixed)
    first, second = sets[0].place, sets[1].place
    shown = [str(x.place / x.name) if first == second else str(x.place) for x in sets[:2]]
    raise DataError(
        f"two {reader.task} sets of {language}: {shown[0]} and {shown[1]}; choose one with "
        f"--data '{reader.task}.{language}={unquoted_name(sets[0].name)}'"
    )


def _apart(sets: Sequence[Set]) -> list[str]:
    """Names of sets; with their folders where two have the same one."""
    names = [x.name for x in sets]
    return [str(x.place) if names.count(x.name) > 1 else x.name for x in sets]


def _is_usable(reader: Reader, one: Set) -> bool:
    usable = reader.usable
    return usable is None or all(usable(x) for files in one.files.values() for x in files[:1])


def read_folders(paths: Sequence[Path], reader: Reader, *, name: str = "", about: str = "") -> FolderData:
    """The sets in `paths` and the folders in them, as data of the task of `reader`.

    Names say language and split: `eng.test.tsv`, `eng/test.tsv`, `eng_news/test.tsv`, `test/eng.tsv`, or a
    release of treebanks as it is unpacked (`layouts.find_files` has all layouts). `name` is what a study
    writes for the data, by default the folder; `about` is their source and licence, one line.

    No file is opened but those whose name says no language. Raises DataError for a path that is no folder or
    has no set in it.
    """
    sets: dict[str, dict[tuple[Path, str], Set]] = {}
    passed: dict[str, None] = {}
    for path in paths:
        if not path.is_dir():
            raise DataError(
                f"{path}: no such folder; --data takes {reader.task}=NAME or {reader.task}=FOLDER"
            )
        for one in find_files(path, reader.suffixes):
            codes = [one.language] if one.language else _members(reader, one)
            if not codes:
                passed[one.set] = None
            for code in codes:
                _add(sets.setdefault(code, {}), code, one)
    if not sets:
        raise DataError(_nothing(paths, reader, list(passed)))
    count = sum(map(len, sets.values()))
    place = (
        str(paths[0])
        if len(paths) == 1
        else f"{os.path.commonpath([x.resolve() for x in paths])} ({count} sets)"
    )
    found = {x: tuple(sorted(one.values(), key=lambda s: str(s.place))) for x, one in sorted(sets.items())}
    return FolderData(reader, name or place, found, tuple(passed), about=about)


def _members(reader: Reader, one: Found) -> Sequence[str]:
    """Languages of a file whose name says none."""
    if reader.members is None or one.unknown:
        return ()
    try:
        return reader.members(one.path)
    except DataError:
        return ()


def _add(sets: dict[tuple[Path, str], Set], code: str, one: Found) -> None:
    """Put a file to its set. One that is in it already, over another path or as the same name with a less
    preferred suffix, counts once, and so do parts of a split that is there as a whole; another file of the
    same split is a set of its own.
    """
    key = one.place.resolve(), one.set
    known = sets[key].files.get(one.split, ()) if key in sets else ()
    if known and not one.part:
        if any(x.resolve().with_suffix("") == one.path.resolve().with_suffix("") for x in known):
            return
        key = key[0], one.path.name
    if one.path.resolve() in {x.resolve() for x in known}:
        return
    have = sets.get(key) or Set(code, key[1], one.place, one.other, {})
    if one.part and any(is_whole(x) for x in known):
        sets[key] = replace(have, parts=have.parts + 1)
        return
    files = tuple(sorted((*have.files.get(one.split, ()), one.path)))
    mixed = have.mixed | (frozenset() if one.language else {one.split})
    sets[key] = replace(have, files={**have.files, one.split: files}, mixed=mixed)


def _nothing(paths: Sequence[Path], reader: Reader, passed: Sequence[str]) -> str:
    if passed:
        names = ", ".join(map(repr, passed[:3]))
        return (
            f"{paths[0]}: {names} has to begin or end with a language code, such as eng_; "
            "`xlbench list languages` has them"
        )
    suffix = reader.suffixes[0]
    if name := next(filter(None, map(packed, paths)), ""):
        return f"{paths[0]}: no {reader.task} data in it but compressed files such as {name}; unpack them"
    return (
        f"{paths[0]}: no {reader.task} data in it; it needs <code>_<name>/{{train,dev,test}}{suffix} or a "
        "release as it is unpacked"
    )
