"""Labelled data in folders: sets `<code>_<name>/{train,dev,test}.*`, and Universal Dependencies releases."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, get_args

from xlbench import content
from xlbench.codes import to_iso639_3
from xlbench.contracts import Example, Split
from xlbench.errors import DataError, UnknownNameError
from xlbench_tasks import languages

SPLITS: tuple[Split, ...] = get_args(Split)
Read: TypeAlias = Callable[[Path, int | None], Sequence[Example]]
"""Reads the first so many examples of a file, or all."""


@dataclass(frozen=True)
class FolderData:
    """A TaskData over files; `read_folders` makes it."""

    task: str
    name: str
    files: Mapping[tuple[str, Split], Path]
    """By ISO 639-3 code and split."""
    read: Read
    version: str = ""
    """Of the reader, where it gives other examples of the same bytes than it once did."""
    _digests: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def source(self) -> str:
        """For provenance, one line: the names of the sets' folders."""
        return f"folders {', '.join(sorted({x.parent.resolve().name for x in self.files.values()}))}"

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes of the languages that have this split, sorted."""
        return tuple(sorted(code for code, one in self.files if one == split))

    def fingerprint(self, language: str, split: Split) -> str:
        """32 hexadecimal digits of the SHA-256 of the file, read once, and the reader's version where it has
        one. Raises DataError if absent.
        """
        return self._digest(self._file(language, split)) + self.version

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples in file order, or all. Raises DataError, naming file and line, and for
        a file that changed since it was fingerprinted.
        """
        path = self._file(language, split)
        with content.unchanged(path, self._digest(path)):
            return self.read(path, limit)

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = content.file_digest(path)[:32]
        return self._digests[path]

    def _file(self, language: str, split: Split) -> Path:
        if (language, split) not in self.files:
            raise DataError(
                f"no {split} data of {language} for {self.task} in {self.name}; add it, or leave it out"
            )
        return self.files[language, split]


def read_folders(paths: Sequence[Path], task: str, suffix: str, read: Read, version: str = "") -> FolderData:
    """The sets in `paths`, which are set folders or folders of set folders. No file is opened.

    A set is `<code>_<name>/{train,dev,test}<suffix>` or `<name>_<code>/` with the same files, or
    `UD_*/<code>_<name>-ud-{train,dev,test}<suffix>`; codes as `to_iso639_3` understands them. Raises
    DataError for a path without a set, a name without a language code, an empty file, or two sets of one
    language.
    """
    files: dict[tuple[str, Split], Path] = {}
    chosen: dict[str, Path] = {}
    for folder in _set_folders(paths, task, suffix):
        splits = _split_files(folder, suffix)
        code = _language(folder, next(iter(splits.values())))
        if code in chosen:
            end = folder.name.partition("_")[2] or folder.name
            raise DataError(
                f"two {task} sets of {code}: {chosen[code]} and {folder}; pick with a glob, "
                f"such as --data '{task}={folder.parent}/*_{end}'"
            )
        chosen[code] = folder
        for split, file in splits.items():
            if file.stat().st_size == 0:
                raise DataError(f"{file}: empty file; fetch it again, or remove it")
            files[code, split] = file
    name = (
        str(paths[0])
        if len(paths) == 1
        else f"{os.path.commonpath([x.resolve() for x in paths])} ({len(chosen)} sets)"
    )
    return FolderData(task, name, files, read, version)


def _set_folders(paths: Iterable[Path], task: str, suffix: str) -> Iterator[Path]:
    seen = set()
    for path in paths:
        if not path.is_dir():
            raise DataError(f"{path}: no such folder; --data takes {task}=NAME or {task}=FOLDER")
        here = [path] if _split_files(path, suffix) else sorted(x for x in path.iterdir() if x.is_dir())
        here = [x for x in here if _split_files(x, suffix)]
        if not here:
            raise DataError(
                f"{path}: no {task} data in it; it needs <code>_<name>/{{train,dev,test}}{suffix}"
            )
        for one in here:
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one


def _split_files(folder: Path, suffix: str) -> dict[Split, Path]:
    found: dict[Split, Path] = {}
    for split in SPLITS:
        files = [x for x in (folder / f"{split}{suffix}",) if x.is_file()]
        files += sorted(folder.glob(f"*-ud-{split}{suffix}"))
        if files:
            found[split] = files[0]
    return found


def _language(folder: Path, file: Path) -> str:
    """Of a set folder by its name, of a treebank of a release by its files' name."""
    treebank = "-ud-" in file.name
    name = file.name if treebank else folder.resolve().name
    first, _, rest = name.partition("_")
    try:
        return to_iso639_3(f"ud-treebank:{name}" if treebank else first, languages.codes())
    except UnknownNameError as error:
        try:
            return to_iso639_3(rest.rpartition("_")[2], languages.codes())
        except UnknownNameError:
            raise DataError(
                f"{folder}: {name!r} has to begin or end with a language code, such as eng_: {error}"
            ) from None
